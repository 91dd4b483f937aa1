package world

import (
	"slices"
	"testing"
	"time"

	"github.com/drbot/drbot/dr"
)

// waitsStill lets two minutes of looks pass, after which the run must wait as before on
// the first pull request; it gives the count that says why.
func waitsStill(t *testing.T, w *World, run string) dr.Approval {
	t.Helper()
	time.Sleep(2 * time.Minute)
	r := w.Record(run)
	if r.State != dr.RunWaiting || r.Change.Number != 1 || w.Merges() != 0 {
		t.Fatalf("the run is %s on #%d after %d merges: %s", r.State, r.Change.Number, w.Merges(), r.Outcome)
	}
	return r.Approval
}

// unasked waits for the end of a run that nobody has to be asked about, on one pull request.
func unasked(t *testing.T, w *World, run string) {
	t.Helper()
	r := w.Until(run, func(r dr.Run) bool { return r.State.Final() || r.State == dr.RunPaused })
	if r.State != dr.RunSucceeded || r.Change.Number != 1 || w.Merges() != 1 {
		t.Errorf("the run is %s on #%d after %d merges: %s", r.State, r.Change.Number, w.Merges(), r.Outcome)
	}
}

func saysSo(a dr.Approval, id dr.TextID) bool {
	return slices.ContainsFunc(a.Reasons, func(t dr.Text) bool { return t.ID == id })
}

// Whole runs over what a forge does: the numbers are those of its cases.
func TestForgeCases(t *testing.T) {
	for name, live := range map[string]func(t *testing.T, w *World, run string){
		"1 the base moves at the moment of the merge": func(t *testing.T, w *World, run string) {
			w.Before("Merge", func() { w.PushToBase() })
			w.Fail("Merge", 1, nil)
			w.Approve("bob", "carol")
			unasked(t, w, run)
		},
		"2 the merge is refused for the moment, more than once": func(t *testing.T, w *World, run string) {
			w.Fail("Merge", 3, nil)
			w.Approve("bob", "carol")
			unasked(t, w, run)
		},
		"4 the merge needs a person": func(t *testing.T, w *World, run string) {
			w.Fail("Merge", 1, refused(dr.Uncertain, "the token has expired."))
			w.Approve("bob", "carol")
			w.Await(run, dr.RunPaused)
			if w.OpenPulls() != 1 || w.Merges() != 0 {
				t.Errorf("%d are open, %d merged", w.OpenPulls(), w.Merges())
			}
			w.Answer(run, "bob", "retry")
			w.Await(run, dr.RunSucceeded)
			if w.Merges() != 1 {
				t.Errorf("%d merges", w.Merges())
			}
		},
		"12 a draft waits, and its approvals count when it is none": func(t *testing.T, w *World, run string) {
			w.Draft(true)
			w.Approve("bob", "carol")
			if a := waitsStill(t, w, run); !saysSo(a, "broken.draft") || len(a.By) != 2 {
				t.Errorf("the count says %v of %v", a.Reasons, a.By)
			}
			w.Draft(false)
			unasked(t, w, run)
		},
		"12 made a draft between the count and the merge": func(t *testing.T, w *World, run string) {
			w.Before("Merge", func() {
				w.Draft(true)
				time.AfterFunc(5*time.Minute, func() { w.Draft(false) })
			})
			w.Approve("bob", "carol")
			unasked(t, w, run)
		},
		"18 an approver's login is another account's by now": func(t *testing.T, w *World, run string) {
			w.ReviewAs("bob", 1, dr.Commented) // the first sight
			time.Sleep(2 * time.Minute)
			w.ReviewAs("bob", 9, dr.Approved)
			w.ReviewAs("carol", 2, dr.Approved)
			if a := waitsStill(t, w, run); a.Allowed || !slices.ContainsFunc(a.Ignored, func(v dr.IgnoredVoice) bool { return v.By == "bob" && v.Reason.ID == "vote.another-account" }) {
				t.Errorf("the count says %v, ignores %v", a.By, a.Ignored)
			}
			w.ReviewAs("bob", 1, dr.Approved)
			unasked(t, w, run)
		},
		"13 the requester dismisses a change request": func(t *testing.T, w *World, run string) {
			w.Review("dave", dr.ChangesRequested)
			w.Approve("bob", "carol")
			w.Dismiss("alice", "dave")
			if a := waitsStill(t, w, run); !saysSo(a, "vote.dismissed.requester") || !slices.Equal(a.Blocked, []string{"dave"}) {
				t.Errorf("blocked by %v: %v", a.Blocked, a.Reasons)
			}
			w.Approve("dave")
			unasked(t, w, run)
			if a := w.Record(run).Approval; !saysSo(a, "vote.dismissed.requester") {
				t.Errorf("at the end it says %v", a.Reasons)
			}
		},
		"14 one of two change requests is dismissed": func(t *testing.T, w *World, run string) {
			w.Review("dave", dr.ChangesRequested)
			w.Review("dave", dr.ChangesRequested)
			w.Approve("bob", "carol")
			w.Dismiss("erin", "dave")
			if a := waitsStill(t, w, run); !slices.Equal(a.Blocked, []string{"dave"}) {
				t.Errorf("blocked by %v: %v", a.Blocked, a.Reasons)
			}
			w.Dismiss("erin", "dave")
			unasked(t, w, run)
		},
		"16 retargeted: the count denies, and a new one is opened": func(t *testing.T, w *World, run string) {
			w.Retarget("develop")
			notThere(t, w, run)
		},
		"16 retargeted between the count and the merge": func(t *testing.T, w *World, run string) {
			w.Before("Merge", func() { w.Retarget("develop") })
			notThere(t, w, run)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			Run(t, Options{}, func(t *testing.T, w *World) {
				run := w.Start(Planned)
				w.Await(run, dr.RunWaiting)
				live(t, w, run)
			})
		})
	}
}

// notThere lives through a run whose first pull request goes elsewhere: it is never merged.
func notThere(t *testing.T, w *World, run string) {
	t.Helper()
	if r := w.Drive(run); r.State != dr.RunSucceeded || r.Change.Number != 2 {
		t.Errorf("the run is %s on #%d: %s", r.State, r.Change.Number, r.Outcome)
	}
	if w.Pull(1).Merge != "" || w.Pull(1).Open || w.Merges() != 1 || w.Base() != Tokyo {
		t.Errorf("#1 is %+v, %d merges, the base says %s", w.Pull(1), w.Merges(), w.Base())
	}
}
