package github

import (
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/drbot/drbot/dr"
)

const issue7 = "GET /repos/acme/infra/issues/7"

// watched is an open pull request that has not changed since it was opened.
func watched(s *stub) {
	readable(s)
	s.when(issue7, ok(issueDoc("2026-08-22T03:04:05Z")))
}

func issueDoc(updated string) map[string]any {
	return map[string]any{"number": 7, "state": "open", "draft": false, "updated_at": updated, "pull_request": map[string]any{"merged_at": nil}}
}

func glance(t *testing.T, c *Client) dr.ChangeState {
	t.Helper()
	state, err := c.Look(t.Context(), repo, 7)
	must(t, err)
	return state
}

// TestLook reads a pull request whole when it has changed and once more; then its reviews, the base and people's
// rights alone, and gives the same as a whole reading.
func TestLook(t *testing.T) {
	c, s, clk := newStub(t)
	watched(s)
	must(t, clk.Sleep(t.Context(), time.Minute))
	whole, err := c.ChangeState(t.Context(), repo, 7)
	must(t, err)
	for n, want := range []int{2, 3, 3, 3} {
		got := glance(t, c)
		if calls := s.calls("GET " + pull7 + "/files"); calls != want {
			t.Errorf("look %d: read whole %d times, want %d", n+1, calls, want)
		}
		if !reflect.DeepEqual(got, whole) {
			t.Errorf("look %d gave %+v, a whole reading %+v", n+1, got, whole)
		}
		must(t, clk.Sleep(t.Context(), 15*time.Second))
	}
}

// TestLookSeesAtOnce has something change after it was read: the next look shows it.
func TestLookSeesAtOnce(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*stub)
		shows  func(dr.ChangeState) bool
	}{
		"an approval more": {func(s *stub) {
			s.when("GET "+pull7+"/reviews", ok([]any{reviewDoc(11, "bob", "APPROVED"), reviewDoc(12, "carol", "APPROVED")}))
			may(s, "carol", "write")
		}, func(st dr.ChangeState) bool { return len(st.Reviews) == 2 && len(st.CanWrite) == 2 }},
		"a right lost": {func(s *stub) { may(s, "bob", "read") }, func(st dr.ChangeState) bool { return len(st.CanWrite) == 0 }},
		"the base": {func(s *stub) { s.when("GET /repos/acme/infra/git/ref/heads/main", ok(refDoc(baseSHA))) },
			func(st dr.ChangeState) bool { return st.BaseSHA == baseSHA }},
		"another head": {func(s *stub) {
			s.when(issue7, ok(issueDoc("2026-08-22T03:05:00Z")))
			s.when("GET "+pull7, ok(pullDoc(headDoc(mergeSHA))))
			s.when("GET /repos/acme/infra/compare/"+otherSHA+"..."+mergeSHA, ok(map[string]any{"merge_base_commit": map[string]any{"sha": baseSHA}}))
		}, func(st dr.ChangeState) bool { return st.Head == mergeSHA }},
		"closed": {func(s *stub) {
			doc := issueDoc("2026-08-22T03:04:05Z")
			doc["state"] = "closed"
			s.when(issue7, ok(doc))
			s.when("GET "+pull7, ok(pullDoc(closedDoc)))
		}, func(st dr.ChangeState) bool { return !st.Open }},
		"whatever, after half an hour": {func(s *stub) {
			s.when("GET "+pull7, ok(pullDoc(func(d map[string]any) { d["user"] = map[string]any{"login": "eve"} })))
		},
			func(st dr.ChangeState) bool { return st.Author == "eve" }},
	} {
		t.Run(name, func(t *testing.T) {
			client, s, clk := newStub(t)
			watched(s)
			glance(t, client)
			must(t, clk.Sleep(t.Context(), settles))
			glance(t, client)
			c.change(s)
			must(t, clk.Sleep(t.Context(), 15*time.Second))
			if strings.Contains(name, "half an hour") {
				if st := glance(t, client); c.shows(st) {
					t.Fatal("it was read whole although nothing of it had changed")
				}
				must(t, clk.Sleep(t.Context(), readWhole))
			}
			if st := glance(t, client); !c.shows(st) {
				t.Errorf("the look shows %+v", st)
			}
		})
	}
}

// TestLookInOneSecond has people act within one second of GitHub's times while looks follow each other closely: what
// came last is seen soon, not after half an hour.
func TestLookInOneSecond(t *testing.T) {
	c, s, clk := newStub(t)
	watched(s)
	for range 3 {
		glance(t, c)
		must(t, clk.Sleep(t.Context(), 200*time.Millisecond))
	}
	s.when("GET "+pull7, ok(pullDoc(headDoc(mergeSHA)))) // its updated_at is the same
	s.when("GET /repos/acme/infra/compare/"+otherSHA+"..."+mergeSHA, ok(map[string]any{"merge_base_commit": map[string]any{"sha": baseSHA}}))
	for range 4 {
		must(t, clk.Sleep(t.Context(), 3*time.Second))
		if glance(t, c).Head == mergeSHA {
			return
		}
	}
	t.Error("the other head is not seen")
}

// TestLookShares has two runs look within a moment: the base and people's rights are read once for both, and again
// after a while.
func TestLookShares(t *testing.T) {
	c, s, clk := newStub(t)
	watched(s)
	const base, right = "GET /repos/acme/infra/git/ref/heads/main", "GET /repos/acme/infra/collaborators/"
	for _, want := range []int{1, 2} {
		for range 5 {
			glance(t, c)
			must(t, clk.Sleep(t.Context(), 2*time.Second))
		}
		if b, r := s.calls(base), s.calls(right); b != want || r != want {
			t.Errorf("the base was read %d times and a right %d times, want %d", b, r, want)
		}
		must(t, clk.Sleep(t.Context(), 5*time.Second))
	}
}

// TestLookWithoutTheRight has a token that may not read issues: every look is whole.
func TestLookWithoutTheRight(t *testing.T) {
	for _, code := range []int{http.StatusForbidden, http.StatusNotFound, http.StatusGone} {
		c, s, _ := newStub(t)
		readable(s)
		s.when(issue7, reply(code, `{"message":"Resource not accessible by personal access token"}`))
		for range 3 {
			if st := glance(t, c); st.Head != headSHA {
				t.Errorf("%d: %+v", code, st)
			}
		}
		if n := s.calls("GET " + pull7 + "/files"); n != 3 {
			t.Errorf("%d: read whole %d times", code, n)
		}
	}
}

// TestLookDenies fails as a whole where one reading fails.
func TestLookDenies(t *testing.T) {
	for _, path := range []string{issue7, "GET " + pull7 + "/reviews", "GET /repos/acme/infra/git/ref/heads/main", "GET /repos/acme/infra/collaborators/bob/permission"} {
		c, s, clk := newStub(t)
		watched(s)
		glance(t, c)
		must(t, clk.Sleep(t.Context(), settles))
		glance(t, c)
		must(t, clk.Sleep(t.Context(), time.Minute))
		s.when(path, reply(500, `{}`))
		st, err := c.Look(t.Context(), repo, 7)
		wantCode(t, err, dr.Temporary, "")
		if !reflect.DeepEqual(st, dr.ChangeState{}) {
			t.Errorf("%s: half a picture: %+v", path, st)
		}
	}
}
