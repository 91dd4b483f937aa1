package github_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/internal/github"
	sandbox "github.com/drbot/drbot/internal/sandbox/github"
	"github.com/drbot/drbot/text/texttest"
)

// Cases github 6 and 7: whatever answers are lost, another call finds what the first one
// did, and nothing is done twice.
func TestCase6And7LostAnswers(t *testing.T) {
	for _, kind := range []sandbox.Kind{sandbox.LostReply, sandbox.DroppedReply, sandbox.HalfBody, sandbox.ServerError} {
		for times := range 3 {
			t.Run(fmt.Sprintf("%s %d", kind, times+1), func(t *testing.T) {
				t.Parallel()
				c, s := start(t)
				change, by := opened(t, c), github.Unattended{Client: c}
				lose := func() {
					s.ClearFaults()
					s.Inject(sandbox.Fault{Kind: kind, Path: "/api/graphql", Times: times + 1})
				}
				try := func(what string, do func() error) {
					t.Helper()
					lose()
					for range 5 {
						err := do()
						if err == nil {
							return
						}
						if dr.CodeOf(err) != dr.Temporary {
							t.Fatalf("%s: %v", what, err)
						}
					}
					t.Errorf("%s never went well", what)
				}
				s.Demand("main", sandbox.Demands{Queue: true})
				try("enqueue", func() error { return by.Enqueue(t.Context(), repo, change.Number, change.Head) })
				if q := s.Queue(); !slices.Equal(q, []int{change.Number}) {
					t.Errorf("the queue holds %v", q)
				}
				try("dequeue", func() error { return by.Dequeue(t.Context(), repo, change.Number) })
				if q := s.Queue(); len(q) != 0 {
					t.Errorf("the queue holds %v", q)
				}
				s.Demand("main", sandbox.Demands{Checks: []string{"ci"}})
				s.AllowAutoMerge(true)
				must(t, s.SetAutoMerge(t.Context(), "bob", change.Number, true))
				try("auto-merge", func() error {
					_, err := by.StopAutoMerge(t.Context(), repo, change.Number, whoever)
					return err
				})
				if look(t, c, change.Number).AutoMerge {
					t.Error("it is set to merge by itself")
				}
			})
		}
	}
}

// Case github 6: an App without the permission is told which, and the question leads on: a
// person puts the change there, and the run finds it.
func TestCase6AnAppWithoutThePermission(t *testing.T) {
	c, _, s := startApp(t)
	change, by := opened(t, c), github.Unattended{Client: c}
	s.Demand("main", sandbox.Demands{Queue: true})
	err := by.Enqueue(t.Context(), repo, change.Number, change.Head)
	if _, next := texttest.Told(t, err); dr.CodeOf(err) != dr.Uncertain || !strings.Contains(next, "Merge queues: write") {
		t.Errorf("%v; next: %q", err, next)
	}
	must(t, s.Enqueue(t.Context(), "bob", change.Number))
	must(t, by.Enqueue(t.Context(), repo, change.Number, change.Head))
	more := maps.Clone(github.Needed())
	more["merge_queues"] = "write"
	s.AcceptApp(more, github.NeededEvents())
	must(t, by.Dequeue(t.Context(), repo, change.Number))
	must(t, by.Enqueue(t.Context(), repo, change.Number, change.Head))
}

// What GitHub does not take into its queue is a question with its words, and ends nothing.
func TestCase6RefusedByTheQueue(t *testing.T) {
	c, s := start(t)
	change, by := opened(t, c), github.Unattended{Client: c}
	s.Demand("main", sandbox.Demands{Queue: true, Checks: []string{"ci"}})
	err := by.Enqueue(t.Context(), repo, change.Number, change.Head)
	if what, next := texttest.Told(t, err); dr.CodeOf(err) != dr.Uncertain || !strings.Contains(what, `"ci" is expected`) || !strings.Contains(next, "answer retry") {
		t.Errorf("%v: %q; next: %q", err, what, next)
	}
}

// Where the rules may not be read, a queue is known by what it holds; a host that knows of
// neither has none, and one that does not answer is asked again.
func TestCase6RulesThatAreNotShown(t *testing.T) {
	c, s := start(t)
	change, by := opened(t, c), github.Unattended{Client: c}
	queued := func() (dr.Queued, error) { return by.Queued(t.Context(), repo, change.Number) }
	s.Demand("main", sandbox.Demands{Queue: true})
	hidden := s.Inject(sandbox.Fault{Kind: sandbox.Answered, Status: 404, Message: "Not Found", Path: "/repos/acme/infra/rules/"})
	if q, err := queued(); err != nil || q.Demanded {
		t.Errorf("%+v, %v", q, err)
	}
	must(t, s.Enqueue(t.Context(), "bob", change.Number))
	if q, err := queued(); err != nil || !q.In || !q.Demanded {
		t.Errorf("%+v, %v", q, err)
	}
	s.Inject(sandbox.Fault{Kind: sandbox.Answered, Status: 404, Message: "Not Found", Path: "/api/graphql"})
	if q, err := queued(); err != nil || q != (dr.Queued{}) || hidden.Hits() == 0 {
		t.Errorf("%+v, %v", q, err)
	}
	s.ClearFaults()
	s.Inject(sandbox.Fault{Kind: sandbox.ServerError, Path: "/repos/acme/infra/rules/"})
	if q, err := queued(); dr.CodeOf(err) != dr.Temporary {
		t.Errorf("%+v, %v", q, err)
	}
}

func whoever(string) error { return nil }

// Case github 7: where switching it off is refused it is told who has set it; where it cannot
// be read nobody is named.
func TestCase7SwitchingOffIsRefused(t *testing.T) {
	c, s := start(t)
	change, by := opened(t, c), github.Unattended{Client: c}
	s.Demand("main", sandbox.Demands{Checks: []string{"ci"}})
	s.AllowAutoMerge(true)
	must(t, s.SetAutoMerge(t.Context(), "bob", change.Number, true))
	s.Inject(sandbox.Fault{Kind: sandbox.Answered, Status: 403, Message: "Must have write access", Path: "/api/graphql"})
	if who, err := by.StopAutoMerge(t.Context(), repo, change.Number, whoever); who != "bob" || dr.CodeOf(err) != dr.Denied {
		t.Errorf("set by %q, %v", who, err)
	}
	s.Inject(sandbox.Fault{Kind: sandbox.Answered, Status: 403, Message: "Must have read access", Path: "/repos/acme/infra/pulls/"})
	if who, err := by.StopAutoMerge(t.Context(), repo, change.Number, whoever); who != "" || dr.CodeOf(err) != dr.Denied {
		t.Errorf("set by %q, %v", who, err)
	}
}
