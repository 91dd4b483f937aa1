package contract

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"

	"github.com/drbot/drbot/dr"
)

func (w terraforming) appliedOnce() {
	commit := w.Site.Commit("", Thing{Name: "a"}, Thing{Name: "b"})
	req := w.request("run/apply", commit)
	w.began(req.Key, false)
	var mu sync.Mutex
	var seen []dr.Progress
	r, err := w.Terraform().Apply(w.Context(), req, func(p dr.Progress) {
		mu.Lock()
		defer mu.Unlock()
		seen = append(seen, p)
	})
	wellDone(w.T, err)
	w.is(r, dr.ApplyDone, dr.Counts{Add: 2}, "terraform_data.a", "terraform_data.b")
	mu.Lock()
	if len(seen) == 0 || seen[len(seen)-1] != (dr.Progress{Stack: w.Stack.Name, Done: 2, Total: 2}) {
		w.Errorf("progress %+v", seen)
	}
	mu.Unlock()
	w.began(req.Key, true)
	again := w.apply(req)
	w.is(again, dr.ApplyDone, dr.Counts{Add: 2}, "terraform_data.a", "terraform_data.b")
	if !again.Summary.Same(r.Summary) || w.Site.Made("a") != 1 {
		w.Errorf("the second call gave %+v, a was made %d times", again, w.Site.Made("a"))
	}
	other := req
	other.Commit = strings.Repeat("a", 40)
	_, err = w.Terraform().Apply(w.Context(), other, nil)
	fails(w.T, err, dr.Conflict)
	w.holds("terraform_data.a", "terraform_data.b")
}

func (w terraforming) nothingToDo() {
	commit := w.Site.Commit("", Thing{Name: "a"})
	w.apply(w.request("run/apply", commit))
	w.is(w.apply(w.request("run/again", commit)), dr.ApplyDone, dr.Counts{})
	if n := w.Site.Made("a"); n != 1 {
		w.Errorf("a was made %d times", n)
	}
}

// began sees what is told of an apply's beginning.
func (w terraforming) began(key string, want bool) {
	w.Helper()
	got, err := w.Terraform().Began(w.Context(), key)
	wellDone(w.T, err)
	if got != want {
		w.Errorf("the apply has begun: %t", got)
	}
}

func (w terraforming) wider() {
	first := w.Site.Commit("", Thing{Name: "a"})
	req := w.request("run/apply", first)
	req.Commit = w.Site.Commit(first, Thing{Name: "a"}, Thing{Name: "more"})
	r := w.apply(req)
	w.is(r, dr.ApplyWider, dr.Counts{})
	if r.Wider = sansCode(r.Wider); len(r.Wider) != 1 || !strings.Contains(r.Wider[0].String(), "terraform_data.more") {
		w.Errorf("wider by %v", r.Wider)
	}
	w.holds()
	if again := w.apply(req); again.Kind != dr.ApplyWider {
		w.Errorf("the same key gave %+v", again)
	}
}

func (w terraforming) otherValue() {
	first := w.Site.Commit("", Thing{Name: "a", Value: "1"})
	req := w.request("run/apply", first)
	req.Commit = w.Site.Commit(first, Thing{Name: "a", Value: "2"})
	if r := w.apply(req); r.Kind != dr.ApplyWider || len(r.Wider) == 0 {
		w.Errorf("result %+v", r)
	}
	w.holds()
}

func (w terraforming) failed() {
	first := w.Site.Commit("", Thing{Name: "a"}, Thing{Name: "b", Fails: true}, Thing{Name: "c"})
	req := w.request("run/apply", first)
	r := w.apply(req)
	w.is(r, dr.ApplyFailed, dr.Counts{Add: 1}, "terraform_data.a")
	if !slices.Contains(w.Site.State(), "terraform_data.a") || slices.Contains(w.Site.State(), "terraform_data.c") {
		w.Errorf("the state holds %v", w.Site.State())
	}
	w.is(w.apply(req), dr.ApplyFailed, dr.Counts{Add: 1}, "terraform_data.a") // the same key tries nothing
	mended := w.Site.Commit(first, Thing{Name: "a"}, Thing{Name: "b"}, Thing{Name: "c"})
	if r := w.apply(w.request("run/retry", mended)); r.Kind != dr.ApplyDone || r.Counts.Add != 2 {
		w.Errorf("the retry gave %+v", r)
	}
	w.holds("terraform_data.a", "terraform_data.b", "terraform_data.c")
}

func (w terraforming) locked() {
	commit := w.Site.Commit("", Thing{Name: "a"})
	req := w.request("run/apply", commit)
	release := w.Site.Lock()
	r := w.apply(req)
	w.is(r, dr.ApplyLocked, dr.Counts{})
	release()
	w.holds()
	if again := w.apply(req); again.Kind != dr.ApplyLocked {
		w.Errorf("the same key gave %+v", again)
	}
	req.Key = "run/retry"
	w.is(w.apply(req), dr.ApplyDone, dr.Counts{Add: 1}, "terraform_data.a")
}

func (w terraforming) outlives() {
	commit := w.Site.Commit("", Thing{Name: "a"}, Thing{Name: "b", Waits: true})
	req := w.request("run/apply", commit)
	ctx, giveUp := context.WithCancel(w.Context())
	defer giveUp()
	asked := w.applying(ctx, req)
	w.Site.Reached()
	w.began(req.Key, true)
	giveUp()
	if e := <-asked; !errors.Is(e.err, context.Canceled) {
		w.Fatalf("who gave up got %+v, %v", e.ApplyResult, e.err)
	}
	later := w.applying(w.Context(), req)
	w.Site.Open()
	w.is(w.ended(later), dr.ApplyDone, dr.Counts{Add: 2}, "terraform_data.a", "terraform_data.b")
	if n := w.Site.Made("b"); n != 1 {
		w.Errorf("b was made %d times", n)
	}
}

func (w terraforming) followed() {
	commit := w.Site.Commit("", Thing{Name: "a", Waits: true})
	req := w.request("run/apply", commit)
	var followers []<-chan end
	for range 4 {
		followers = append(followers, w.applying(w.Context(), req))
	}
	w.Site.Reached()
	w.Site.Open()
	for _, f := range followers {
		w.is(w.ended(f), dr.ApplyDone, dr.Counts{Add: 1}, "terraform_data.a")
	}
	if n := w.Site.Made("a"); n != 1 {
		w.Errorf("a was made %d times", n)
	}
}

func (w terraforming) lost() {
	commit := w.Site.Commit("", Thing{Name: "a"}, Thing{Name: "b", Waits: true})
	req := w.request("run/apply", commit)
	asked := w.applying(w.Context(), req)
	w.Site.Reached()
	w.Site.Kill(req.Key)
	for range 2 {
		r := w.ended(asked)
		if r.Kind != dr.ApplyLost || !slices.Equal(r.Made, []string{"terraform_data.a"}) || r.Summary.Empty() {
			w.Errorf("result %+v", r)
		}
		asked = w.applying(w.Context(), req)
	}
	w.ended(asked)
	w.began(req.Key, true)
	if n := w.Site.Made("b"); n != 1 {
		w.Errorf("b was made %d times", n)
	}
}

func (w terraforming) busy() {
	commit := w.Site.Commit("", Thing{Name: "a", Waits: true})
	look := dr.PlanRequest{Run: "drift", Service: w.Service, Stack: w.Stack, Commit: commit, Drift: true}
	if _, err := w.Terraform().Plan(w.Context(), look); err != nil {
		w.Fatal(err)
	}
	applying := w.applying(w.Context(), w.request("run/apply", commit))
	w.Site.Reached()
	_, err := w.Terraform().Plan(w.Context(), look)
	fails(w.T, err, dr.Conflict)
	w.Site.Open()
	w.ended(applying)
}
