package github_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/drbot/drbot/dr"
	sandbox "github.com/drbot/drbot/internal/sandbox/github"
	"github.com/drbot/drbot/text/texttest"
)

var putMerge = regexp.MustCompile(`/pulls/\d+/merge$`)

// Case github 3: a method the repository allows is used, and the refusal of another is
// never met. By each of them the base is the first parent.
func TestMergeByAnAllowedMethod(t *testing.T) {
	for name, c := range map[string]struct {
		allowed []string
		hidden  bool
		parents int
		asked   int
	}{
		"all":                      {[]string{"merge", "squash", "rebase"}, false, 2, 1},
		"merge commits alone":      {[]string{"merge"}, false, 2, 1},
		"no merge commits":         {[]string{"squash", "rebase"}, false, 1, 1},
		"squash alone":             {[]string{"squash"}, false, 1, 1},
		"rebase alone":             {[]string{"rebase"}, false, 1, 1},
		"rebase alone, and untold": {[]string{"rebase"}, true, 1, 3},
	} {
		t.Run(name, func(t *testing.T) {
			client, s := start(t)
			must(t, s.AllowMerges(c.allowed...))
			s.SetLies(sandbox.Lies{MethodsHidden: c.hidden})
			change := opened(t, client)
			tip, err := s.Push(t.Context(), sandbox.Push{By: "bob", Branch: "main", Path: "README.md", Content: "bye\n"})
			must(t, err)
			sha, err := client.Merge(t.Context(), repo, change.Number, change.Head)
			must(t, err)
			parents, err := client.Parents(t.Context(), repo, sha)
			must(t, err)
			if len(parents) != c.parents || parents[0] != tip {
				t.Errorf("the merge was made on %v, the base was at %s", parents, tip)
			}
			if calls := s.CallsTo("PUT", "/merge"); len(calls) != c.asked {
				t.Errorf("asked %d times", len(calls))
			}
			if content, at, err := client.File(t.Context(), repo, "main"); err != nil || content != tokyo || at != sha {
				t.Errorf("main holds %q at %s, %v", content, at, err)
			}
			if again, err := client.Merge(t.Context(), repo, change.Number, change.Head); err != nil || again != sha {
				t.Errorf("merged again as %s, %v", again, err)
			}
			if state := look(t, client, change.Number); !state.Merged || state.MergeSHA != sha || state.BaseFile != seoul || state.HeadFile != tokyo {
				t.Errorf("state %+v", state)
			}
		})
	}
}

// Cases github 1, 2 and 4: what comes of an answer to the merge, and that the pull request
// stays open whatever it is.
func TestMergeAnswers(t *testing.T) {
	for name, c := range map[string]struct {
		status  int
		message string
		code    dr.Code
		says    []string
	}{
		"1 the base moved": {405, "Base branch was modified. Review and try the merge again.", dr.Temporary,
			[]string{"Base branch was modified", "looks at #1 first"}},
		"2 409 and the head is as it was": {409, "Head branch was modified. Review and try the merge again.", dr.Temporary, []string{"Head branch was modified"}},
		"2 405 without a reason":          {405, "", dr.Temporary, []string{"405", "looks at #1 first"}},
		"2 405 that names nothing":        {405, "Pull Request is not mergeable", dr.Temporary, []string{"not mergeable"}},
		"2 500":                           {500, "Server Error", dr.Temporary, []string{"did not say whether it merged #1"}},
		"2 502":                           {502, "", dr.Temporary, []string{"did not say", "looks at #1 first"}},
		"2 503":                           {503, "", dr.Temporary, []string{"did not say"}},
		"2 504":                           {504, "", dr.Temporary, []string{"did not say"}},
		"a rule, in GitHub's words": {405, "At least 2 approving reviews are required by reviewers with write access.", dr.Conflict,
			[]string{"At least 2 approving reviews are required"}},
		"4 401": {401, "Bad credentials", dr.Uncertain, []string{"Bad credentials", "missing, expired or revoked", "#1 stays open"}},
		"4 403": {403, "Resource not accessible by integration", dr.Uncertain,
			[]string{"Resource not accessible", "write the contents and pull requests of acme/infra", "push to main", "#1 stays open"}},
		"4 404": {404, "Not Found", dr.Uncertain, []string{"Not Found", "acme/infra was renamed or moved", "#1 stays open"}},
		"4 422": {422, "Validation Failed", dr.Uncertain, []string{"Validation Failed", "retry", "stays open"}},
		"4 451": {451, "Repository access blocked", dr.Uncertain, []string{"access blocked", "#1 stays open"}},
	} {
		t.Run(name, func(t *testing.T) {
			client, s := start(t)
			change := opened(t, client)
			s.Inject(sandbox.Fault{Kind: sandbox.Answered, Status: c.status, Message: c.message, Method: "PUT", Pattern: putMerge, Times: 1})
			sha, err := client.Merge(t.Context(), repo, change.Number, change.Head)
			if sha != "" || dr.CodeOf(err) != c.code {
				t.Fatalf("merged %q, %v has the code %q, want %q", sha, err, dr.CodeOf(err), c.code)
			}
			what, next := texttest.Told(t, err)
			for _, says := range c.says {
				if !strings.Contains(what+" "+next, says) {
					t.Errorf("it says %q, %q, and not %q", what, next, says)
				}
			}
			if state := look(t, client, change.Number); !state.Open || state.Merged || state.BranchGone {
				t.Errorf("state %+v", state)
			}
			if len(s.CallsTo("PUT", "/merge")) != 1 {
				t.Error("asked more than once")
			}
			// The other try, when it is due: at once, or when a person has mended it.
			if _, err := client.Merge(t.Context(), repo, change.Number, change.Head); err != nil {
				t.Errorf("the second try: %v", err)
			}
		})
	}
}

// Case github 2: an answer that was lost is a merge when the pull request says so.
func TestMergeWithALostAnswer(t *testing.T) {
	for _, kind := range []sandbox.Kind{sandbox.LostReply, sandbox.DroppedReply, sandbox.HalfBody} {
		client, s := start(t)
		change := opened(t, client)
		s.Inject(sandbox.Fault{Kind: kind, Method: "PUT", Pattern: putMerge, Times: 1})
		sha, err := client.Merge(t.Context(), repo, change.Number, change.Head)
		must(t, err)
		if log, err := s.Log(t.Context(), "main"); err != nil || log[0].SHA != sha || len(s.CallsTo("PUT", "/merge")) != 1 {
			t.Errorf("%s: merged as %s, main is %v, %v", kind, sha, log, err)
		}
	}
}

// A change that conflicts with its base is not tried for ever.
func TestMergeThatConflicts(t *testing.T) {
	client, s := start(t)
	change := opened(t, client)
	_, err := s.Push(t.Context(), sandbox.Push{By: "bob", Branch: "main", Path: path, Content: "active_region = \"us-west-2\"\n"})
	must(t, err)
	_, err = client.Merge(t.Context(), repo, change.Number, change.Head)
	if what, _ := texttest.Told(t, err); dr.CodeOf(err) != dr.Conflict || !strings.Contains(what, "it conflicts with main") {
		t.Errorf("%v says %q", err, what)
	}
}

// Cases github 12 and 16: whatever the pull request became between the look and the
// merge, an answer is believed only for the branch it was to go to.
func TestMergeRaces(t *testing.T) {
	for name, c := range map[string]struct {
		move func(*testing.T, *sandbox.Server, int)
		code dr.Code
		says string
	}{
		"12 made a draft": {func(t *testing.T, s *sandbox.Server, n int) { must(t, s.SetDraft(t.Context(), "bob", n, true)) }, dr.Temporary, "it is a draft"},
		"16 retargeted": {func(t *testing.T, s *sandbox.Server, n int) {
			must(t, s.CreateBranch(t.Context(), "bob", "develop", "main"))
			must(t, s.Retarget(t.Context(), "bob", n, "develop"))
		}, dr.Uncertain, "was merged into develop, not into main"},
	} {
		t.Run(name, func(t *testing.T) {
			client, s := start(t)
			change := opened(t, client)
			_, before, err := client.File(t.Context(), repo, "main")
			must(t, err)
			held := s.Inject(sandbox.Fault{Kind: sandbox.Hang, Method: "PUT", Pattern: putMerge, Times: 1})
			done := make(chan error, 1)
			go func() {
				_, err := client.Merge(t.Context(), repo, change.Number, change.Head)
				done <- err
			}()
			must(t, s.Wait(t.Context(), func() bool { return held.Hits() == 1 }))
			c.move(t, s, change.Number)
			held.Release()
			err = <-done
			if what, _ := texttest.Told(t, err); dr.CodeOf(err) != c.code || !strings.Contains(what, c.says) {
				t.Errorf("%v, %s, says %q", err, dr.CodeOf(err), what)
			}
			if _, after, err := client.File(t.Context(), repo, "main"); err != nil || after != before {
				t.Errorf("main is at %s, %v, and was at %s", after, err, before)
			}
		})
	}
}
