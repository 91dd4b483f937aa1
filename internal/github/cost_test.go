package github_test

import (
	"context"
	"fmt"
	"net/http/httptest"
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
		h.runs = append(h.runs, change)
		for _, p := range people {
			_, err := s.Review(t.Context(), p, change.Number, sandbox.Commented, "hm", "")
			must(t, err)
		}
	}
	return h
}

func (h *hour) of(n int) dr.Repository {
	return dr.Repository{Owner: "acme", Name: "infra", Base: "main", File: fmt.Sprintf("live/s%d/active_region.auto.tfvars", n)}
}

func (h *hour) push(branch string, n int) string {
	h.t.Helper()
	sha, err := h.s.Push(h.t.Context(), sandbox.Push{By: "bob", Branch: branch, Path: "notes.txt", Content: fmt.Sprint(n)})
	must(h.t, err)
	return sha
}

// wait has every run look every 15 s for an hour, the runs apart from each other, and gives the requests that the
// primary limit counted. The repository is busy between two looks of the first run.
func (h *hour) wait(busy func(n int)) (counted, all int) {
	h.t.Helper()
	const interval = 15 * time.Second
	counted, all = -h.s.Counted("drbot"), -len(h.s.Calls())
	for n := range int(time.Hour / interval) {
		busy(n)
		for i, run := range h.runs {
			state, err := h.c.Look(h.t.Context(), h.of(i), run.Number)
			must(h.t, err)
			if len(state.CanWrite) != 3 || state.Head != run.Head || state.HeadFile != tokyo || state.BaseFile != seoul {
				h.t.Fatalf("look %d of run %d: %+v", n, i, state)
			}
			must(h.t, h.sleep(h.t.Context(), interval/time.Duration(len(h.runs))))
		}
	}
	return counted + h.s.Counted("drbot"), all + len(h.s.Calls())
}

// TestCost has runs wait an hour for their approvals, in a repository that is quiet and in one with 60 pushes a
// minute, and counts what GitHub's primary limit counts. The stand-in's documents change at every push as GitHub's do,
// because the repository with the time of its last push stands in them; so one push between two looks is as good as
// fifteen, and 15 are made before the first alone.
func TestCost(t *testing.T) {
	for _, c := range []struct {
		name   string
		branch string // that is pushed to all the time
		runs   int
		most   int
	}{
		{"one run", "", 1, costOfOne},
		{"ten runs", "", 10, costOfTen},
		{"one run, 60 pushes a minute to another branch", "elsewhere", 1, costOfOne},
		{"ten runs, 60 pushes a minute to another branch", "elsewhere", 10, costOfTen},
		{"one run, 60 pushes a minute to the base", "main", 1, costOfOne},
		{"ten runs, 60 pushes a minute to the base", "main", 10, costOfTen},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := newHour(t, c.runs)
			n := 0
			counted, all := h.wait(func(look int) {
				if c.branch == "" {
					return
				}
				for range map[bool]int{true: 15, false: 1}[look == 0] {
					n++
					h.push(c.branch, n)
				}
			})
			t.Logf("%s: %d counted requests an hour of %d made; at most %d", c.name, counted, all, c.most)
			if counted > c.most {
				t.Errorf("%d counted requests", counted)
			}
		})
	}
}
