package github_test

import (
	"context"
	"testing"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/internal/contract"
	"github.com/drbot/drbot/internal/github"
	sandbox "github.com/drbot/drbot/internal/sandbox/github"
)

func TestContract(t *testing.T) {
	contract.ChangeControl(t, forgeWorld)
	contract.Publisher(t, forgeWorld)
	contract.MergesByItself(t, forgeWorld)
	contract.MergeRules(t, rulesWorld)
}

// TestContractOfLooks has the readings of who waits keep the same contract as whole ones.
func TestContractOfLooks(t *testing.T) {
	contract.ChangeControl(t, func(t *testing.T) contract.ForgeWorld {
		w := forgeWorld(t)
		w.Change = waits{w.Change.(*github.Client)}
		return w
	})
}

// waits is a client whose every reading is a look.
type waits struct{ *github.Client }

func (w waits) ChangeState(ctx context.Context, repo dr.Repository, number int) (dr.ChangeState, error) {
	return w.Look(ctx, repo, number)
}

func rulesWorld(t *testing.T) contract.RulesWorld {
	c, s := start(t)
	worked(t, c)
	return contract.RulesWorld{Rules: github.NewRules(c, everybody(), nil, literal), Service: portal(), Hands: &ruling{s: s}}
}

// ruling is the local GitHub's administrator.
type ruling struct {
	s *sandbox.Server
	d sandbox.Demands
}

func (r *ruling) RequireQueue() {
	r.d.Queue = true
	r.s.Demand("main", r.d)
}

func (r *ruling) RequireCheck(name string) {
	r.d.Checks = append(r.d.Checks, name)
	r.s.Demand("main", r.d)
}

func (r *ruling) Refuse() { r.s.Inject(sandbox.Fault{Kind: sandbox.ServerError}) }

func forgeWorld(t *testing.T) contract.ForgeWorld {
	c, s := start(t)
	return contract.ForgeWorld{
		Change: c, Publish: c, Itself: github.Unattended{Client: c}, Machine: &machine{s: s}, Repo: repo, Self: "drbot", Home: seoul, Away: tokyo,
		People: people{s}, Hands: hands{s}, Page: page{s}, Pens: pens{s},
	}
}

// people, hands and page are the local GitHub as the suite of the contract sees it.
type people struct{ s *sandbox.Server }

func (p people) Review(ctx context.Context, login string, number int, state dr.ReviewState) (int64, error) {
	r, err := p.s.Review(ctx, login, number, string(state), "why", "")
	return r.ID, err
}

func (p people) Dismiss(ctx context.Context, login string, number int, review int64) error {
	return p.s.Dismiss(ctx, login, number, review, "on hold")
}

func (p people) Comment(ctx context.Context, login string, number int, body string) error {
	_, err := p.s.Comment(ctx, login, number, body)
	return err
}

func (p people) Merge(ctx context.Context, login string, number int) (string, error) {
	return p.s.Merge(ctx, login, number)
}

func (p people) Close(ctx context.Context, login string, number int) error {
	return p.s.ClosePull(ctx, login, number)
}

func (p people) Draft(ctx context.Context, login string, number int) error {
	return p.s.SetDraft(ctx, login, number, true)
}

func (p people) Retarget(ctx context.Context, login string, number int, branch string) error {
	if err := p.s.CreateBranch(ctx, login, branch, "main"); err != nil {
		return err
	}
	return p.s.Retarget(ctx, login, number, branch)
}

func (p people) Update(ctx context.Context, login string, number int) error {
	return p.s.UpdateBranch(ctx, login, number)
}

func (p people) DeleteAccount(login string) error { return p.s.DeleteAccount(login) }

type hands struct{ s *sandbox.Server }

func (h hands) Push(ctx context.Context, p contract.Push) (string, error) {
	push := sandbox.Push{By: p.By, Committer: p.Committer, Branch: p.Branch, Path: p.Path, Content: p.Content, Message: "by hand"}
	if p.Stranger {
		push.AuthorEmail = "who@nowhere.example"
	}
	return h.s.Push(ctx, push)
}

func (h hands) DeleteBranch(ctx context.Context, login, branch string) error {
	return h.s.DeleteBranch(ctx, login, branch)
}

func (h hands) Fork()            { h.s.SetLies(sandbox.Lies{ForkHead: true}) }
func (h hands) HidePermissions() { h.s.SetLies(sandbox.Lies{PermissionsFail: true}) }

func (h hands) NotKnown(login string) { h.s.SetLies(sandbox.Lies{Strangers: []string{login}}) }
func (h hands) NobodysMail()          { h.s.SetLies(sandbox.Lies{NobodysMail: []string{"drbot"}}) }

func (h hands) LoseAnswer() {
	h.s.ClearFaults()
	for _, method := range []string{"POST", "PUT", "PATCH", "DELETE"} {
		h.s.Inject(sandbox.Fault{Kind: sandbox.DroppedReply, Method: method, Path: "/repos/", Times: 1})
	}
}

// machine is what the local GitHub merges by itself.
type machine struct {
	s *sandbox.Server
}

func (m *machine) RequireQueue() { m.s.Demand("main", sandbox.Demands{Queue: true}) }

func (m *machine) RequireUpToDate() {
	m.s.Demand("main", sandbox.Demands{Strict: true, Checks: []string{"drbot/approval"}})
}

func (m *machine) MergeQueued(ctx context.Context) (string, error) { return m.s.MergeQueued(ctx) }

func (m *machine) ThrowOut(number int, why string) error { return m.s.ThrowOut(number, why) }

// SetAutoMerge is taken where something is missing alone.
func (m *machine) SetAutoMerge(ctx context.Context, login string, number int) error {
	m.s.AllowAutoMerge(true)
	m.s.Demand("main", sandbox.Demands{Checks: []string{"drbot/approval"}})
	return m.s.SetAutoMerge(ctx, login, number, true)
}

type page struct{ s *sandbox.Server }

func (p page) Changes() int { return len(p.s.Pulls()) }

func (p page) Comments(number int) (out []contract.Said) {
	for _, c := range p.s.Comments(number) {
		out = append(out, contract.Said{By: c.User, Body: c.Body})
	}
	return out
}

func (p page) Status(sha, name string) (state dr.CommitState) {
	for _, s := range p.s.Statuses(sha) {
		if s.Context == name {
			state = dr.CommitState(s.State)
		}
	}
	return state
}

// pens is the local GitHub's page in the hands of anybody.
type pens struct{ s *sandbox.Server }

func (p pens) Retitle(ctx context.Context, login string, number int, title string) error {
	return p.s.Retitle(ctx, login, number, title)
}

func (p pens) Redescribe(ctx context.Context, login string, number int, body string) error {
	return p.s.Redescribe(ctx, login, number, body)
}

func (p pens) EditComment(ctx context.Context, login string, number, nth int, body string) error {
	return p.s.EditComment(ctx, login, p.s.Comments(number)[nth].ID, body)
}

func (p pens) DeleteComment(ctx context.Context, login string, number, nth int) error {
	return p.s.DeleteComment(ctx, login, p.s.Comments(number)[nth].ID)
}

func (p pens) SetStatus(ctx context.Context, login, sha, name string, state dr.CommitState, text string) error {
	return p.s.SetStatus(ctx, login, sha, name, string(state), text)
}

func (p pens) Written(number int, sha string, statuses ...string) []string {
	pull, err := p.s.Pull(number)
	if err != nil {
		return []string{err.Error()}
	}
	out := []string{pull.Title, pull.Body}
	for _, c := range p.s.Comments(number) {
		out = append(out, c.Body)
	}
	for _, name := range statuses {
		last := ""
		for _, st := range p.s.Statuses(sha) {
			if st.Context == name {
				last = st.State + " " + st.Description
			}
		}
		out = append(out, last)
	}
	return out
}
