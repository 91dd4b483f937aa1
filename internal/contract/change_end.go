package contract

import (
	"slices"
	"strings"
	"time"

	"github.com/drbot/drbot/dr"
)

func (w changing) merged() {
	change := w.open()
	w.push(Push{By: Writer, Branch: w.Repo.Base, Path: Readme, Content: "bye\n"}) // a base that moved is no hindrance
	sha, err := w.merge(change, change.Head)
	wellDone(w.T, err)
	if again, err := w.merge(change, change.Head); err != nil || again != sha {
		w.Errorf("merged again as %s, %v; the first time %s", again, err, sha)
	}
	if content, tip := w.base(); content != w.Away || tip != sha {
		w.Errorf("the base holds %q at %s, merged as %s", content, tip, sha)
	}
	state := w.look(change.Number)
	if state.Open || !state.Merged || state.MergedBy != w.Self || state.MergedAt.IsZero() || state.MergeSHA != sha || state.Head != change.Head {
		w.Errorf("state %+v", state)
	}
	if state.HeadFile != w.Away || state.BaseFile != w.Home {
		w.Errorf("after the merge the files are %q and %q", state.HeadFile, state.BaseFile)
	}
	wellDone(w.T, w.Change.CloseChange(w.Context(), w.Repo, change))
	if state := w.look(change.Number); !state.Merged || state.MergeSHA != sha || !state.BranchGone {
		w.Errorf("closed after its merge: %+v", state)
	}
}

// parents: whoever merged, and by whatever method, the first parent is the base as it was.
func (w changing) parents() {
	parents := func(sha string) []string {
		w.Helper()
		list, err := w.Change.Parents(w.Context(), w.Repo, sha)
		wellDone(w.T, err)
		return list
	}
	change := w.open()
	if got := parents(change.Head); !slices.Equal(got, []string{change.Base}) {
		w.Errorf("the change was made on %v, want %s", got, change.Base)
	}
	tip := w.push(Push{By: Writer, Branch: w.Repo.Base, Path: Readme, Content: "bye\n"})
	if got := parents(tip); !slices.Equal(got, []string{change.Base}) {
		w.Errorf("the push was made on %v, want %s", got, change.Base)
	}
	merge, err := w.merge(change, change.Head)
	wellDone(w.T, err)
	if got := parents(merge); len(got) == 0 || got[0] != tip || len(got) > 2 || len(got) == 2 && got[1] != change.Head {
		w.Errorf("the merge was made on %v, want %s first", got, tip)
	}
	_, err = w.Change.Parents(w.Context(), w.Repo, strings.Repeat("a", 40))
	fails(w.T, err, dr.NotFound)
	_, err = w.Change.Parents(w.Context(), w.Repo, change.Head[:7])
	fails(w.T, err, dr.Invalid)
}

func (w changing) notMerged() {
	change := w.open()
	_, err := w.merge(change, change.Head[:7])
	fails(w.T, err, dr.Invalid)
	wellDone(w.T, w.People.Draft(w.Context(), Writer, change.Number))
	_, err = w.merge(change, change.Head)
	fails(w.T, err, dr.Temporary) // a draft waits

	req := w.request()
	req.Branch = "drbot/elsewhere"
	elsewhere, err := w.Change.OpenChange(w.Context(), req)
	wellDone(w.T, err)
	wellDone(w.T, w.People.Retarget(w.Context(), Writer, elsewhere.Number, "develop"))
	_, err = w.merge(elsewhere, elsewhere.Head)
	fails(w.T, err, dr.Temporary) // another look tells what it has become
	_, err = w.People.Merge(w.Context(), Admin, elsewhere.Number)
	wellDone(w.T, err)
	_, err = w.merge(elsewhere, elsewhere.Head)
	fails(w.T, err, dr.Uncertain) // merged, and not where it was to be

	req.Branch = "drbot/moved"
	moved, err := w.Change.OpenChange(w.Context(), req)
	wellDone(w.T, err)
	w.push(Push{By: Writer, Branch: moved.Branch, Path: "main.tf", Content: "x"})
	_, err = w.merge(moved, moved.Head)
	fails(w.T, err, dr.Conflict)

	req.Branch = "drbot/closed"
	closed, err := w.Change.OpenChange(w.Context(), req)
	wellDone(w.T, err)
	wellDone(w.T, w.People.Close(w.Context(), Writer, closed.Number))
	if by := w.look(closed.Number).ClosedBy; by != Writer {
		w.T.Errorf("it was closed by %q, not by %s", by, Writer)
	}
	_, err = w.merge(closed, closed.Head)
	fails(w.T, err, dr.Conflict)

	req.Branch = "drbot/conflicts"
	conflicts, err := w.Change.OpenChange(w.Context(), req)
	wellDone(w.T, err)
	w.push(Push{By: Writer, Branch: w.Repo.Base, Path: w.Repo.File, Content: "active_region = \"us-west-2\"\n"})
	_, err = w.merge(conflicts, conflicts.Head)
	fails(w.T, err, dr.Conflict)
	if content, _ := w.base(); content == w.Away {
		w.Error("one of them was merged")
	}
}

func (w changing) closed() {
	change := w.open()
	w.push(Push{By: Writer, Branch: branch, Path: "main.tf", Content: "x"})
	wellDone(w.T, w.Change.CloseChange(w.Context(), w.Repo, change))
	if state := w.look(change.Number); state.Open || state.Merged || state.BranchGone {
		w.Errorf("a branch with somebody's work: %+v", state)
	}
	if content, _ := w.base(); content != w.Home {
		w.Errorf("the base holds %q", content)
	}
}

func (w changing) closedAgain() {
	change := w.open()
	for range 2 {
		wellDone(w.T, w.Change.CloseChange(w.Context(), w.Repo, change))
		if state := w.look(change.Number); state.Open || state.Merged || !state.BranchGone {
			w.Errorf("state %+v", state)
		}
	}
	// A run whose opening was lost knows the branch and no number.
	wellDone(w.T, w.Change.CloseChange(w.Context(), w.Repo, dr.Change{Branch: branch, Head: change.Head}))
	req := w.request()
	req.Branch = "drbot/r2"
	second, err := w.Change.OpenChange(w.Context(), req)
	wellDone(w.T, err)
	wellDone(w.T, w.Hands.DeleteBranch(w.Context(), Writer, second.Branch))
	wellDone(w.T, w.Change.CloseChange(w.Context(), w.Repo, second))
	fails(w.T, w.Change.CloseChange(w.Context(), w.Repo, dr.Change{Number: 4711}), dr.NotFound)
}

func (w changing) closedByBranch() {
	change := w.open()
	wellDone(w.T, w.Change.CloseChange(w.Context(), w.Repo, dr.Change{Branch: change.Branch}))
	if state := w.look(change.Number); state.Open || state.Merged {
		w.Errorf("a change whose number is not known: %+v", state)
	}
	wellDone(w.T, w.Change.CloseChange(w.Context(), w.Repo, dr.Change{Branch: "drbot/never-opened"}))
}

func (w changing) commented() {
	change := w.open()
	say := func(marker, body string) {
		w.Helper()
		wellDone(w.T, w.Publish.Comment(w.Context(), w.Repo, change.Number, marker, body))
	}
	wellDone(w.T, w.People.Comment(w.Context(), Writer, change.Number, "<!-- plan -->\nnot the bot's"))
	at := func() time.Time {
		w.Helper()
		at, err := w.Publish.Commented(w.Context(), w.Repo, change.Number, "plan")
		wellDone(w.T, err)
		if at.ID == 0 {
			w.Error("the comment has no number")
		}
		return at.At
	}
	_, err := w.Publish.Commented(w.Context(), w.Repo, change.Number, "plan")
	fails(w.T, err, dr.NotFound)
	var last time.Time
	for _, body := range []string{"first", "second", "second"} {
		say("plan", body)
		if now := at(); now.IsZero() || now.Before(last) {
			w.Errorf("it was written at %s, after %s", now, last)
		} else {
			last = now
		}
	}
	say("result", "done")
	want := []Said{
		{Writer, "<!-- plan -->\nnot the bot's"}, {w.Self, "<!-- plan -->\nsecond"}, {w.Self, "<!-- result -->\ndone"},
	}
	if got := w.Page.Comments(change.Number); !slices.Equal(got, want) {
		w.Errorf("comments %q", got)
	}
	fails(w.T, w.Publish.Comment(w.Context(), w.Repo, change.Number, "two\nlines", ""), dr.Invalid)
	fails(w.T, w.Publish.Comment(w.Context(), w.Repo, 4711, "plan", ""), dr.NotFound)
}

func (w changing) statuses() {
	change := w.open()
	for _, state := range []dr.CommitState{dr.StatePending, dr.StateFailure, dr.StateSuccess} {
		wellDone(w.T, w.Publish.Status(w.Context(), w.Repo, change.Head, "drbot/plan", state, "1 to add", ""))
		if got := w.Page.Status(change.Head, "drbot/plan"); got != state {
			w.Errorf("the status is %q, set %q", got, state)
		}
	}
	if got := w.Page.Status(change.Head, "drbot/other"); got != "" {
		w.Errorf("a status nobody set is %q", got)
	}
}

// lostAnswers: whatever answer is lost, a second call finds what the first one did.
func (w changing) lostAnswers() {
	req := w.request()
	w.Hands.LoseAnswer()
	change := untilDone(w.T, func() (dr.Change, error) { return w.Change.OpenChange(w.Context(), req) })
	w.Hands.LoseAnswer()
	merge := untilDone(w.T, func() (string, error) { return w.merge(change, change.Head) })
	w.Hands.LoseAnswer()
	untilDone(w.T, func() (int, error) { return 0, w.Change.CloseChange(w.Context(), w.Repo, change) })
	if n := w.Page.Changes(); n != 1 {
		w.Errorf("%d changes", n)
	}
	if _, tip := w.base(); tip != merge {
		w.Errorf("the base is at %s, merged as %s", tip, merge)
	}
	if !w.look(change.Number).BranchGone {
		w.Error("the branch is still there")
	}
}

func (w changing) lostComment() {
	change := w.open()
	for _, body := range []string{"first", "second"} {
		w.Hands.LoseAnswer()
		untilDone(w.T, func() (int, error) {
			return 0, w.Publish.Comment(w.Context(), w.Repo, change.Number, "plan", body)
		})
	}
	if got := w.Page.Comments(change.Number); !slices.Equal(got, []Said{{w.Self, "<!-- plan -->\nsecond"}}) {
		w.Errorf("comments %q", got)
	}
}

// lostOpening: a close finds what an opening left whose every answer was lost.
func (w changing) lostOpening() {
	req := w.request()
	w.Hands.LoseAnswer()
	_, err := w.Change.OpenChange(w.Context(), req)
	if err != nil {
		fails(w.T, err, dr.Temporary, dr.Uncertain)
	}
	first := untilDone(w.T, func() (dr.Change, error) { return w.Change.OpenChange(w.Context(), req) })
	second := untilDone(w.T, func() (dr.Change, error) { return w.Change.OpenChange(w.Context(), req) })
	if first != second || w.Page.Changes() != 1 {
		w.Errorf("opened %+v and %+v; there are %d", first, second, w.Page.Changes())
	}
}
