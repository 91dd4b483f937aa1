package world

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/internal/contract"
)

// These tests hold the fakes to the contracts that the adapters pass: a run that is
// tested here meets what it would meet outside.

// bubble gives a test a clock of its own.
func bubble(t *testing.T, test func(*testing.T)) { synctest.Test(t, test) }

// fresh is a world whose bot does nothing, and the ports as it has them.
func fresh(t *testing.T) (*World, *ports) {
	w := newWorld(t, "", Options{})
	w.life = &ports{w: w, gone: make(chan struct{})}
	return w, w.life
}

// eventually lets the world's clock go on until a condition holds.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !holds(); time.Sleep(time.Second) {
		if time.Now().After(end) {
			t.Fatalf("never: %s", what)
		}
	}
}

func TestForge(t *testing.T) {
	contract.ChangeControl(t, forgeWorld, bubble)
	contract.Publisher(t, forgeWorld, bubble)
	contract.MergesByItself(t, forgeWorld, bubble)
	contract.ActiveRegionFile(t, &ports{})
	contract.MergeRules(t, func(t *testing.T) contract.RulesWorld {
		w, p := fresh(t)
		return contract.RulesWorld{Rules: p, Service: NewService(), Hands: ruling{w}}
	}, bubble)
}

// ruling is the forge's administrator.
type ruling struct{ w *World }

func (r ruling) RequireQueue()       { r.w.SetRule("github.queue", dr.OK) }
func (r ruling) RequireCheck(string) { r.w.SetRule("github.checks", dr.Fail) }
func (r ruling) Refuse()             { r.w.Fail("Rules", -1, nil) }

func forgeWorld(t *testing.T) contract.ForgeWorld {
	w, p := fresh(t)
	f := w.forge
	f.readers[contract.Triager] = true
	f.push(f.repo.Base, contract.Readme, "hello\n", contract.Admin, contract.Admin)
	h := forgeHands{w}
	return contract.ForgeWorld{
		Change: p, Publish: p, Itself: p, Machine: h, Repo: f.repo, Self: Bot, Home: fileOf(Seoul), Away: fileOf(Tokyo), People: h, Hands: h, Page: h, Pens: pens{h},
	}
}

// forgeHands are what anybody does to the forge.
type forgeHands struct{ w *World }

// on does something with a pull request.
func (h forgeHands) on(number int, do func(*forge, *Pull) error) error {
	h.w.mu.Lock()
	defer h.w.mu.Unlock()
	pr, err := h.w.forge.pull(number)
	if err != nil {
		return err
	}
	return do(h.w.forge, pr)
}

func (h forgeHands) Review(_ context.Context, login string, number int, state dr.ReviewState) (id int64, err error) {
	err = h.on(number, func(f *forge, pr *Pull) error {
		id = f.review(pr, login, state)
		return nil
	})
	return id, err
}

func (h forgeHands) Dismiss(_ context.Context, login string, number int, review int64) error {
	return h.on(number, func(_ *forge, pr *Pull) error { return pr.dismiss(login, review) })
}

func (h forgeHands) Comment(_ context.Context, login string, number int, body string) error {
	return h.on(number, func(_ *forge, pr *Pull) error {
		pr.say(login, body)
		return nil
	})
}

func (h forgeHands) Merge(_ context.Context, login string, number int) (sha string, err error) {
	err = h.on(number, func(f *forge, pr *Pull) (err error) {
		sha, err = f.mergePull(pr, login)
		return err
	})
	return sha, err
}

func (h forgeHands) Close(_ context.Context, login string, number int) error {
	return h.on(number, func(f *forge, pr *Pull) error {
		f.close(pr)
		pr.ClosedBy = login
		return nil
	})
}

func (h forgeHands) Draft(_ context.Context, _ string, number int) error {
	return h.on(number, func(_ *forge, pr *Pull) error {
		pr.Draft = true
		return nil
	})
}

func (h forgeHands) Retarget(_ context.Context, _ string, number int, branch string) error {
	return h.on(number, func(f *forge, pr *Pull) error {
		f.branches[branch] = f.tip()
		pr.BaseRef = branch
		return nil
	})
}

func (h forgeHands) Update(_ context.Context, login string, number int) error {
	return h.on(number, func(f *forge, pr *Pull) error {
		f.move(pr.Branch, f.repository.merge(pr.Head, f.branches[pr.BaseRef], login))
		return nil
	})
}

func (h forgeHands) DeleteAccount(login string) error {
	h.w.mu.Lock()
	defer h.w.mu.Unlock()
	for _, pr := range h.w.forge.pulls {
		for i := range pr.Reviews {
			r := &pr.Reviews[i]
			if r.By == login {
				r.By = ""
			}
			if r.DismissedBy == login {
				r.DismissedBy = ""
			}
		}
	}
	return nil
}

func (h forgeHands) Push(_ context.Context, p contract.Push) (string, error) {
	h.w.mu.Lock()
	defer h.w.mu.Unlock()
	author, committer := p.By, p.By
	if p.Committer != "" {
		committer = p.Committer
	}
	if p.Stranger {
		author = ""
	}
	return h.w.forge.push(p.Branch, p.Path, p.Content, author, committer), nil
}

func (h forgeHands) DeleteBranch(_ context.Context, _, branch string) error {
	h.w.mu.Lock()
	defer h.w.mu.Unlock()
	h.w.forge.drop(branch)
	return nil
}

func (h forgeHands) Fork()            { h.w.forge.forks = true }
func (h forgeHands) HidePermissions() { h.w.forge.hidden = true }

func (h forgeHands) NotKnown(login string) { h.w.forge.readers[login] = true }
func (h forgeHands) NobodysMail()          { h.w.forge.nobodys = true }

func (h forgeHands) LoseAnswer() {
	h.w.Heal()
	for _, call := range []string{"OpenChange", "Merge", "CloseChange", "Comment", "Status", "Enqueue", "Dequeue", "StopAutoMerge"} {
		h.w.Lose(call, 1)
	}
}

func (h forgeHands) RequireQueue() { h.w.RequireQueue(true) }

func (h forgeHands) RequireUpToDate() { h.w.RequireUpToDate(true) }

func (h forgeHands) MergeQueued(context.Context) (string, error) {
	h.w.mu.Lock()
	defer h.w.mu.Unlock()
	return h.w.forge.mergeQueued()
}

func (h forgeHands) ThrowOut(number int, why string) error {
	return h.on(number, func(f *forge, pr *Pull) error {
		f.leave(pr, why)
		return nil
	})
}

func (h forgeHands) SetAutoMerge(_ context.Context, login string, number int) error {
	return h.on(number, func(_ *forge, pr *Pull) error {
		pr.AutoMerge = login
		return nil
	})
}

func (h forgeHands) Changes() int { return len(h.w.forge.pulls) }

func (h forgeHands) Comments(number int) (out []contract.Said) {
	for _, c := range h.w.Pull(number).Comments {
		out = append(out, contract.Said{By: c.By, Body: c.Body})
	}
	return out
}

func (h forgeHands) Status(sha, name string) dr.CommitState {
	for _, pr := range h.w.forge.pulls {
		if s, ok := pr.Statuses[name]; ok && pr.Head == sha {
			return s
		}
	}
	return ""
}

func TestTerraform(t *testing.T) {
	contract.PlanAndApply(t, func(t *testing.T) contract.TerraformWorld {
		w, p := fresh(t)
		s := w.Services["portal"]
		return contract.TerraformWorld{
			Terraform: func() contract.Terraform { return p }, Service: s, Stack: s.Stacks[0],
			Site: &site{w: w, stack: s.Stacks[0].Name}, Await: eventually,
		}
	}, bubble)
}

// site is the data stack, which is nothing but things.
type site struct {
	w     *World
	stack string
	open  sync.Once
}

func (s *site) Commit(parent string, things ...contract.Thing) string {
	s.w.mu.Lock()
	defer s.w.mu.Unlock()
	f := s.w.forge
	if parent == "" {
		parent = f.tip()
	}
	tree := maps.Clone(f.commits[parent].tree)
	maps.DeleteFunc(tree, func(path, _ string) bool { return strings.HasPrefix(path, thingsDir) })
	for i, th := range things {
		tree[thingPath(s.stack, th.Address())] = thing{th.Value, i, th.Waits, th.Fails, ""}.text()
	}
	return f.commit(commit{parents: []string{parent}, tree: tree, author: "somebody", committer: "somebody"})
}

func (s *site) Beside(parent string) string { return s.write(parent, contract.Readme) }

func (s *site) Running(parent string, _ contract.Thing) string {
	return s.write(parent, codePath(s.stack))
}

func (s *site) write(parent, path string) string {
	s.w.mu.Lock()
	defer s.w.mu.Unlock()
	return s.w.forge.write(parent, path, fmt.Sprint(len(s.w.forge.commits)), "somebody", "somebody")
}

func (s *site) State() []string {
	s.w.mu.Lock()
	defer s.w.mu.Unlock()
	return slices.Collect(maps.Keys(s.w.tf.state[s.stack]))
}

func (s *site) Made(name string) int {
	s.w.mu.Lock()
	defer s.w.mu.Unlock()
	return s.w.tf.begun[contract.Thing{Name: name}.Address()]
}

func (s *site) Reached() {
	eventually(s.w.t.(*testing.T), "something waits", func() bool {
		s.w.mu.Lock()
		defer s.w.mu.Unlock()
		return s.w.tf.waiting > 0
	})
}

func (s *site) Open() { s.open.Do(func() { close(s.w.tf.gate) }) }

func (s *site) Kill(key string) {
	s.w.mu.Lock()
	defer s.w.mu.Unlock()
	close(s.w.tf.applies[key].killed)
}

func (s *site) Lock() (release func()) {
	set := func(locked bool) {
		s.w.mu.Lock()
		defer s.w.mu.Unlock()
		s.w.tf.locked[s.stack] = locked
	}
	set(true)
	return func() { set(false) }
}

func TestCloud(t *testing.T) {
	way := func(w *World) contract.Way {
		return contract.Way{Service: w.Services["portal"], Source: Seoul, Target: Tokyo, Await: eventually}
	}
	contract.PromotedDatabase(t, func(t *testing.T) contract.DatabaseWorld {
		w, p := fresh(t)
		return contract.DatabaseWorld{Way: way(w), Database: databases{p}, Resource: way(w).Service.ResourcesOf(dr.AuroraGlobal)[0], Cloud: databaseHands{w}}
	}, bubble)
	contract.ScaledWorkloads(t, func(t *testing.T) contract.WorkloadsWorld {
		w, p := fresh(t)
		return contract.WorkloadsWorld{Way: way(w), Workloads: workloads{p}, Resource: way(w).Service.ResourcesOf(dr.ECSService)[0], Cloud: regionHands{w}}
	}, bubble)
	contract.ResolvedNames(t, func(t *testing.T) contract.NetworkWorld {
		w, p := fresh(t)
		return contract.NetworkWorld{Way: way(w), Network: p, Cloud: regionHands{w}}
	}, bubble)
}

type databaseHands struct{ w *World }

func (h databaseHands) Lose(r dr.Region) { h.w.Down(r, true) }

func (h databaseHands) Asked() (out []contract.Asked) {
	h.w.mu.Lock()
	defer h.w.mu.Unlock()
	for _, p := range h.w.first().asked {
		out = append(out, contract.Asked{Mode: p.Mode, Through: through(p)})
	}
	return out
}

func (h databaseHands) LoseAnswer() { h.w.Lose("Promote", 1) }

func (h databaseHands) Status(raw string) {
	h.w.mu.Lock()
	defer h.w.mu.Unlock()
	h.w.first().status = raw
}

func (h databaseHands) Stuck() {
	h.w.mu.Lock()
	defer h.w.mu.Unlock()
	h.w.first().stuck = true
}

func (h databaseHands) NoLag() { h.w.SetLag(-1) }

// regionHands are what happens to the workloads and names of Regions.
type regionHands struct{ w *World }

func (h regionHands) Lose(r dr.Region) { h.w.Down(r, true) }
func (h regionHands) Sick(r dr.Region) { h.w.Sick(r, true) }

func (h regionHands) Trips(r dr.Region) { h.w.Trips(r, true) }

func (h regionHands) Never(r dr.Region) {
	h.w.mu.Lock()
	defer h.w.mu.Unlock()
	h.w.cloud.at(r).never = true
}

func (h regionHands) Changes(r dr.Region) (n int) {
	h.w.mu.Lock()
	defer h.w.mu.Unlock()
	for _, t := range h.w.cloud.at(r).tasks {
		n += t.changes
	}
	return n
}

func (h regionHands) Point(to dr.Region) {
	h.w.mu.Lock()
	defer h.w.mu.Unlock()
	h.w.tf.points["traffic"] = to
}

func (h regionHands) Absent() string { return "nothing.example.test" }

func (h regionHands) Silence() {
	h.w.mu.Lock()
	defer h.w.mu.Unlock()
	h.w.cloud.silent = true
}

// pens is the forge's page in the hands of anybody.
type pens struct{ forgeHands }

func (h pens) Retitle(_ context.Context, login string, number int, title string) error {
	return h.on(number, func(_ *forge, pr *Pull) error { pr.retitle(login, title); return nil })
}

func (h pens) Redescribe(_ context.Context, login string, number int, body string) error {
	return h.on(number, func(_ *forge, pr *Pull) error { pr.redescribe(login, body); return nil })
}

func (h pens) EditComment(_ context.Context, login string, number, nth int, body string) error {
	return h.on(number, func(_ *forge, pr *Pull) error { pr.rewrite(login, nth, body); return nil })
}

func (h pens) DeleteComment(_ context.Context, login string, number, nth int) error {
	return h.on(number, func(_ *forge, pr *Pull) error { pr.erase(login, nth); return nil })
}

func (h pens) SetStatus(_ context.Context, login, sha, name string, state dr.CommitState, text string) error {
	return h.on(1, func(_ *forge, pr *Pull) error {
		if pr.Head == sha {
			pr.set(login, name, state, text)
		}
		return nil
	})
}

func (h pens) Written(number int, _ string, statuses ...string) (out []string) {
	_ = h.on(number, func(_ *forge, pr *Pull) error { out = pr.reads(statuses...); return nil })
	return out
}
