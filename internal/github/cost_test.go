package github_test

import (
	"context"
	"fmt"
	"net/http/httptest"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/internal/github"
	sandbox "github.com/drbot/drbot/internal/sandbox/github"
)

// The budgets of docs/design.md, in counted requests an hour.
const (
	costOfOne = 300
	costOfTen = 450
)

// hour is a forge and runs that wait on it, by one clock that moves when it is told to.
type hour struct {
	t    *testing.T
	s    *sandbox.Server
	c    *github.Client
	mu   sync.Mutex
	at   time.Time
	runs []dr.Change
	want []dr.Posted // of each run
}

func (h *hour) now() time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.at
}

func (h *hour) sleep(ctx context.Context, d time.Duration) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.at = h.at.Add(d)
	return ctx.Err()
}

// newHour opens the pull request of every run; three people have reviewed each.
func newHour(t *testing.T, runs int) *hour {
	t.Helper()
	h := &hour{t: t, at: time.Now().Truncate(time.Second)}
	people := []string{"alice", "bob", "carol"}
	files := map[string]string{"README.md": "hello\n"}
	personas := make([]sandbox.Persona, len(people))
	for i, p := range people {
		personas[i] = sandbox.Persona{Login: p, Permission: "write"}
	}
	file := func(n int) string { return fmt.Sprintf("live/s%d/active_region.auto.tfvars", n) }
	for n := range runs {
		files[file(n)] = seoul
	}
	s, err := sandbox.New(t.Context(), sandbox.Options{
		Dir: t.TempDir(), Owner: "acme", Repo: "infra", BotLogin: "drbot", BotToken: "t0ken", SeedFiles: files, Personas: personas, Clock: h.now,
	})
	must(t, err)
	server := httptest.NewServer(s)
	s.SetBaseURL(server.URL)
	t.Cleanup(func() { must(t, s.Close()); server.Close() })
	h.s = s
	h.c, err = github.New(github.Options{Token: func(context.Context) (string, error) { return "t0ken", nil }, BaseURL: server.URL, Clock: h.now, Sleep: h.sleep})
	must(t, err)
	must(t, s.CreateBranch(t.Context(), "alice", "elsewhere", "main"))
	for n := range runs {
		of := h.of(n)
		_, base, err := h.c.File(t.Context(), of, "main")
		must(t, err)
		change, err := h.c.OpenChange(t.Context(), dr.ChangeRequest{Repository: of, Branch: fmt.Sprintf("drbot/r%d", n), BaseSHA: base, Content: tokyo, Message: "over", Title: "over", Body: "over"})
		must(t, err)
		h.runs, h.want = append(h.runs, change), append(h.want, h.post(change))
		for _, p := range people {
			_, err := s.Review(t.Context(), p, change.Number, sandbox.Commented, "hm", "")
			must(t, err)
		}
	}
	return h
}

// posts are more comments than a page holds: a flood of them costs nothing while it stands still.
const posts = 130

// post puts on a pull request what a run does, among what others say.
func (h *hour) post(change dr.Change) dr.Posted {
	h.t.Helper()
	ctx, of := h.t.Context(), h.of(0)
	want := dr.Posted{Title: "over", Body: "over", Head: change.Head}
	if change.Number == 1 {
		for n := range posts {
			_, err := h.s.Comment(ctx, "bob", change.Number, fmt.Sprint("hm ", n))
			must(h.t, err)
		}
	}
	for _, marker := range []string{"plan", "plan-2"} {
		must(h.t, h.c.Comment(ctx, of, change.Number, marker, "what there is"))
		written, err := h.c.Commented(ctx, of, change.Number, marker)
		must(h.t, err)
		want = want.WithComment(dr.PostedComment{Marker: marker, Body: "what there is", Written: written})
	}
	for _, name := range []string{"drbot/plan", "drbot/approval"} {
		must(h.t, h.c.Status(ctx, of, change.Head, name, dr.StatePending, "wait", ""))
		want = want.WithStatus(dr.PostedStatus{Name: name, State: dr.StatePending, Text: "wait"})
	}
	return want
}

func (h *hour) of(n int) dr.Repository {
	return dr.Repository{Owner: "acme", Name: "infra", Base: "main", File: fmt.Sprintf("live/s%d/active_region.auto.tfvars", n)}
}

func (h *hour) push(branch string, n int) {
	h.t.Helper()
	_, err := h.s.Push(h.t.Context(), sandbox.Push{By: "bob", Branch: branch, Path: "notes.txt", Content: fmt.Sprint(n)})
	must(h.t, err)
}

// interval is how long a run waits between two looks, and looks how many those are in an hour.
const (
	interval = 15 * time.Second
	looks    = int(time.Hour / interval)
)

// wait has every run look so often, the runs apart from each other, and gives the requests that the primary limit
// counts in an hour of that: those of the first minute, in which everything is read whole, and what the rest comes
// to. The repository is busy before each look of the first run.
func (h *hour) wait(times int, busy func(n int)) (counted, all int) {
	h.t.Helper()
	const begin = 4
	before, made, first := h.s.Counted("drbot"), len(h.s.Calls()), 0
	for n := range times {
		if n == begin {
			first = h.s.Counted("drbot") - before
		}
		busy(n)
		for i, run := range h.runs {
			state, err := h.c.Look(h.t.Context(), h.of(i), run.Number)
			must(h.t, err)
			_, err = h.c.Restore(h.t.Context(), h.of(i), run.Number, h.want[i], func(other []dr.Rewritten) error { return fmt.Errorf("rewritten: %v", other) })
			must(h.t, err)
			if len(state.CanWrite) != 3 || state.Head != run.Head || state.HeadFile != tokyo || state.BaseFile != seoul {
				h.t.Fatalf("look %d of run %d: %+v", n, i, state)
			}
			must(h.t, h.sleep(h.t.Context(), interval/time.Duration(len(h.runs))))
		}
	}
	counted = h.s.Counted("drbot") - before
	return first + (counted-first)*(looks-begin)/(times-begin), (len(h.s.Calls()) - made) * looks / times
}

// TestCost has runs wait for their approvals in a repository that is quiet, for an hour (ten of them for half of one),
// and in one with 60 pushes a minute, for two minutes; all for an hour in make long, and counts what GitHub's primary limit counts. The stand-in's
// documents change at every push as GitHub's do, because the repository with the time of its last push stands in them;
// so one push between two looks is as good as fifteen, and fifteen are made before the first alone.
func TestCost(t *testing.T) {
	some, more := looks/30, looks/2+8 // past the half hour after which everything is read whole
	if os.Getenv("DRBOT_PROOF") == "whole" {
		some, more = looks, looks
	}
	for _, c := range []struct {
		name   string
		branch string // that is pushed to all the time
		runs   int
		looks  int
		most   int
	}{
		{"one run", "", 1, looks, costOfOne},
		{"ten runs", "", 10, more, costOfTen},
		{"one run, 60 pushes a minute to another branch", "elsewhere", 1, some, costOfOne},
		{"ten runs, 60 pushes a minute to another branch", "elsewhere", 10, some, costOfTen},
		{"one run, 60 pushes a minute to the base", "main", 1, some, costOfOne},
		{"ten runs, 60 pushes a minute to the base", "main", 10, some, costOfTen},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := newHour(t, c.runs)
			n := 0
			counted, all := h.wait(c.looks, func(look int) {
				if c.branch == "" {
					return
				}
				for range map[bool]int{true: 15, false: 1}[look == 0] {
					n++
					h.push(c.branch, n)
				}
			})
			t.Logf("%s: %d counted requests an hour of %d made, by %d looks of each; at most %d", c.name, counted, all, c.looks, c.most)
			if counted > c.most {
				t.Errorf("%d counted requests", counted)
			}
		})
	}
}
