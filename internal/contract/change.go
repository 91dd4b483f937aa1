package contract

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/drbot/drbot/dr"
)

const branch = "drbot/r1"

// changing is one test of a forge.
type changing struct {
	*testing.T
	ForgeWorld
}

// ChangeControl is the contract of files and changes.
func ChangeControl(t *testing.T, fresh NewForge, in ...In) {
	changes(t, fresh, in, map[string]func(changing){
		"a file is read with its commit":                changing.file,
		"what is not there":                             changing.nothing,
		"a change is opened once":                       changing.opened,
		"a change that cannot be opened":                changing.notOpened,
		"everything is read fresh":                      changing.fresh,
		"reviews stay with the commit they looked at":   changing.reviewsKeepTheirHead,
		"a review's whole life":                         changing.reviewed,
		"no half a picture":                             changing.hidden,
		"who dismissed a review, and what it said":      changing.dismissed,
		"one whom the forge does not know":              changing.notKnown,
		"commits that look like a stranger's":           changing.nobodys,
		"a merge is of exactly one head":                changing.merged,
		"a merge that cannot be":                        changing.notMerged,
		"what a commit was made on":                     changing.parents,
		"closing leaves other people's work":            changing.closed,
		"closing what is closed or gone":                changing.closedAgain,
		"closing what is known by its branch alone":     changing.closedByBranch,
		"the bot knows itself":                          changing.self,
		"a lost answer is found again":                  changing.lostAnswers,
		"a lost answer to a second opening is the same": changing.lostOpening,
	})
	seen := make(map[string]func(changing))
	for name, c := range othersActs {
		seen[name+" is seen"] = func(w changing) {
			change := w.open()
			wellDone(w.T, c.act(w, change.Number))
			if state := w.look(change.Number); !c.seen(w, state, change) {
				w.Errorf("state %+v", state)
			}
		}
	}
	changes(t, fresh, in, seen)
}

// Publisher is the contract of what the bot says on a change.
func Publisher(t *testing.T, fresh NewForge, in ...In) {
	changes(t, fresh, in, map[string]func(changing){
		"one comment for a marker":      changing.commented,
		"the newest status counts":      changing.statuses,
		"a lost comment is found again": changing.lostComment,
		"what was posted stands":        changing.stands,
		"nothing is put back untold":    changing.untold,
	})
	rewrites := make(map[string]func(changing))
	for name, r := range rewritten {
		rewrites[name+" is put back"] = func(w changing) { w.restored(r) }
	}
	changes(t, fresh, in, rewrites)
}

func changes(t *testing.T, fresh NewForge, in []In, tests map[string]func(changing)) {
	each(t, tests, func(t *testing.T) changing { return changing{t, fresh(t)} }, in)
}

func (w changing) request() dr.ChangeRequest {
	w.Helper()
	content, commit, err := w.Change.File(w.Context(), w.Repo, w.Repo.Base)
	wellDone(w.T, err)
	if content != w.Home {
		w.Fatalf("the file holds %q", content)
	}
	return dr.ChangeRequest{
		Repository: w.Repo, Branch: branch, BaseSHA: commit, Content: w.Away,
		Message: "portal: fail over", Title: "Fail over portal", Body: "Why, who, how to stop it.",
	}
}

func (w changing) open() dr.Change {
	w.Helper()
	change, err := w.Change.OpenChange(w.Context(), w.request())
	wellDone(w.T, err)
	return change
}

func (w changing) look(number int) dr.ChangeState {
	w.Helper()
	state, err := w.Change.ChangeState(w.Context(), w.Repo, number)
	wellDone(w.T, err)
	return state
}

func (w changing) merge(change dr.Change, head string) (string, error) {
	return w.Change.Merge(w.Context(), w.Repo, change.Number, head)
}

// base is the file and the tip of the base branch.
func (w changing) base() (content, tip string) {
	w.Helper()
	content, tip, err := w.Change.File(w.Context(), w.Repo, w.Repo.Base)
	wellDone(w.T, err)
	return content, tip
}

func (w changing) push(p Push) string {
	w.Helper()
	sha, err := w.Hands.Push(w.Context(), p)
	wellDone(w.T, err)
	return sha
}

func (w changing) review(login string, number int, state dr.ReviewState) int64 {
	w.Helper()
	id, err := w.People.Review(w.Context(), login, number, state)
	wellDone(w.T, err)
	return id
}

func (w changing) file() {
	content, commit := w.base()
	if content != w.Home || len(commit) != 40 {
		w.Fatalf("%q at %s", content, commit)
	}
	tip := w.push(Push{By: Writer, Branch: w.Repo.Base, Path: w.Repo.File, Content: w.Away})
	if now, at := w.base(); now != w.Away || at != tip {
		w.Errorf("after a push: %q at %s, pushed %s", now, at, tip)
	}
	old, at, err := w.Change.File(w.Context(), w.Repo, commit)
	if err != nil || old != w.Home || at != commit {
		w.Errorf("at the first commit: %q at %s, %v", old, at, err)
	}
}

func (w changing) nothing() {
	_, _, err := w.Change.File(w.Context(), w.Repo, "no-such-branch")
	fails(w.T, err, dr.NotFound)
	other := w.Repo
	other.File = "live/portal/missing.tfvars"
	_, _, err = w.Change.File(w.Context(), other, w.Repo.Base)
	fails(w.T, err, dr.NotFound)
	other.Name = "nothing"
	_, _, err = w.Change.File(w.Context(), other, w.Repo.Base)
	fails(w.T, err, cmp.Or(w.Unseen, dr.NotFound))
	_, err = w.Change.ChangeState(w.Context(), w.Repo, 4711)
	fails(w.T, err, dr.NotFound)
	// What was approved and is not seen any more is a question, not the end of a run.
	_, err = w.Change.Merge(w.Context(), w.Repo, 4711, strings.Repeat("a", 40))
	fails(w.T, err, dr.Uncertain)
}

func (w changing) opened() {
	req := w.request()
	change, err := w.Change.OpenChange(w.Context(), req)
	wellDone(w.T, err)
	if change.Number == 0 || change.URL == "" || change.Branch != branch || len(change.Head) != 40 || change.Base != req.BaseSHA {
		w.Errorf("change %+v", change)
	}
	w.push(Push{By: Writer, Branch: w.Repo.Base, Path: Readme, Content: "bye\n"}) // the base moves on
	again, err := w.Change.OpenChange(w.Context(), req)
	if err != nil || again != change || w.Page.Changes() != 1 {
		w.Errorf("the second time gives %+v, %v, the first %+v; there are %d", again, err, change, w.Page.Changes())
	}
	second := req
	second.Branch = "drbot/r2"
	other, err := w.Change.OpenChange(w.Context(), second)
	if err != nil || other.Number == change.Number {
		w.Errorf("another branch gives %+v, %v", other, err)
	}
	if content, _ := w.base(); content != w.Home {
		w.Errorf("opening changed the base branch to %q", content)
	}
}

func (w changing) notOpened() {
	for name, c := range map[string]struct {
		code   dr.Code
		change func(*dr.ChangeRequest)
	}{
		"no full commit":           {dr.Invalid, func(r *dr.ChangeRequest) { r.BaseSHA = r.BaseSHA[:7] }},
		"no branch":                {dr.Invalid, func(r *dr.ChangeRequest) { r.Branch = "" }},
		"the base branch":          {dr.Invalid, func(r *dr.ChangeRequest) { r.Branch = r.Repository.Base }},
		"no file":                  {dr.Invalid, func(r *dr.ChangeRequest) { r.Repository.File = "" }},
		"nothing to change":        {dr.Conflict, func(r *dr.ChangeRequest) { r.Content = w.Home }},
		"a repository that is not": {cmp.Or(w.Unseen, dr.NotFound), func(r *dr.ChangeRequest) { r.Repository.Name = "nothing" }},
	} {
		req := w.request()
		c.change(&req)
		if _, err := w.Change.OpenChange(w.Context(), req); err == nil || dr.CodeOf(err) != c.code {
			w.Errorf("%s: %v, want %s", name, err, c.code)
		}
	}
	if n := w.Page.Changes(); n != 0 {
		w.Fatalf("%d changes were opened", n)
	}
	change := w.open()
	w.push(Push{By: Writer, Branch: branch, Path: "main.tf", Content: "x"})
	_, err := w.Change.OpenChange(w.Context(), dr.ChangeRequest{
		Repository: w.Repo, Branch: branch, BaseSHA: change.Base, Content: w.Away, Message: "m", Title: "t",
	})
	fails(w.T, err, dr.Conflict) // somebody's work stands on the branch
	req := w.request()
	req.Content += "# another\n"
	_, err = w.Change.OpenChange(w.Context(), req)
	fails(w.T, err, dr.Conflict)
}

func (w changing) fresh() {
	change := w.open()
	state := w.look(change.Number)
	if !state.Open || state.Draft || state.Merged || state.MergedBy != "" || state.MergeSHA != "" || state.BranchGone || !state.SameRepo {
		w.Errorf("state %+v", state)
	}
	if state.Head != change.Head || state.BaseRef != w.Repo.Base || state.BaseSHA != change.Base || state.Author != w.Self {
		w.Errorf("state %+v", state)
	}
	if want := []dr.FileChange{{Path: w.Repo.File, Status: "modified"}}; !slices.Equal(state.Files, want) {
		w.Errorf("files %v", state.Files)
	}
	if want := []dr.Commit{{SHA: change.Head, Author: w.Self, Committer: cmp.Or(w.Commits, w.Self)}}; !slices.Equal(state.Commits, want) {
		w.Errorf("commits %v", state.Commits)
	}
	if state.HeadFile != w.Away || state.BaseFile != w.Home {
		w.Errorf("the files hold %q and %q", state.HeadFile, state.BaseFile)
	}
	if len(state.Reviews) != 0 || len(state.CanWrite) != 0 {
		w.Errorf("reviews %v, writers %v", state.Reviews, state.CanWrite)
	}
}

func (w changing) reviewed() {
	change := w.open()
	ids := map[string]int64{}
	for _, login := range []string{Writer, Maintainer, Triager} {
		ids[login] = w.review(login, change.Number, dr.Approved)
	}
	w.review(Writer, change.Number, dr.Commented)
	w.review(Maintainer, change.Number, dr.ChangesRequested)
	wellDone(w.T, w.People.Dismiss(w.Context(), Admin, change.Number, ids[Triager]))
	state := w.look(change.Number)
	type voice struct {
		by    string
		state dr.ReviewState
	}
	var got []voice
	for i, r := range state.Reviews {
		got = append(got, voice{r.By, r.State})
		if r.HeadSHA != change.Head || r.Bot || r.ID == 0 || r.At.IsZero() {
			w.Errorf("review %+v", r)
		}
		if i > 0 && r.ID <= state.Reviews[i-1].ID {
			w.Errorf("reviews are not oldest first: %+v", state.Reviews)
		}
	}
	want := []voice{
		{Writer, dr.Approved}, {Maintainer, dr.Approved}, {Triager, dr.Dismissed}, {Writer, dr.Commented}, {Maintainer, dr.ChangesRequested},
	}
	if !slices.Equal(got, want) {
		w.Errorf("reviews %v", got)
	}
	if !slices.Equal(state.CanWrite, []string{Writer, Maintainer}) {
		w.Errorf("may write: %v", state.CanWrite)
	}
}

func (w changing) reviewsKeepTheirHead() {
	change := w.open()
	w.review(Writer, change.Number, dr.Approved)
	tip := w.push(Push{By: Maintainer, Branch: branch, Path: "main.tf", Content: "x"})
	w.review(Admin, change.Number, dr.Approved)
	state := w.look(change.Number)
	if len(state.Reviews) != 2 || state.Reviews[0].HeadSHA != change.Head || state.Reviews[1].HeadSHA != tip || state.Head != tip {
		w.Errorf("reviews %+v of head %s", state.Reviews, state.Head)
	}
}

func (w changing) dismissed() {
	change := w.open()
	no := w.review(Writer, change.Number, dr.ChangesRequested)
	yes := w.review(Maintainer, change.Number, dr.Approved)
	w.review(Triager, change.Number, dr.Commented)
	wellDone(w.T, w.People.Dismiss(w.Context(), Admin, change.Number, no))
	wellDone(w.T, w.People.Dismiss(w.Context(), Maintainer, change.Number, yes))
	reviews := w.look(change.Number).Reviews
	if len(reviews) != 3 {
		w.Fatalf("reviews %+v", reviews)
	}
	for i, want := range []dr.Review{
		{State: dr.Dismissed, Was: dr.ChangesRequested, DismissedBy: Admin}, {State: dr.Dismissed, Was: dr.Approved, DismissedBy: Maintainer}, {State: dr.Commented},
	} {
		if r := reviews[i]; r.State != want.State || r.Was != want.Was || r.DismissedBy != want.DismissedBy || r.DismissedAt.IsZero() != (want.DismissedBy == "") {
			w.Errorf("review %+v, want %+v", r, want)
		}
	}
	wellDone(w.T, w.People.DeleteAccount(Admin))
	if r := w.look(change.Number).Reviews[0]; r.State != dr.Dismissed || r.DismissedBy != "" {
		w.Errorf("dismissed by an account that is gone: %+v", r)
	}
}

func (w changing) notKnown() {
	change := w.open()
	for _, login := range []string{Writer, Maintainer, Admin} {
		w.review(login, change.Number, dr.Approved)
	}
	w.Hands.NotKnown(Maintainer)
	if state := w.look(change.Number); len(state.Reviews) != 3 || !slices.Equal(state.CanWrite, []string{Writer, Admin}) {
		w.Errorf("may write: %v, of %+v", state.CanWrite, state.Reviews)
	}
}

func (w changing) nobodys() {
	w.Hands.NobodysMail()
	_, err := w.Change.OpenChange(w.Context(), w.request())
	fails(w.T, err, dr.Invalid)
	if n := w.Page.Changes(); n != 0 {
		w.Errorf("%d changes were opened", n)
	}
}

func (w changing) hidden() {
	change := w.open()
	w.review(Writer, change.Number, dr.Approved)
	w.Hands.HidePermissions()
	_, err := w.Change.ChangeState(w.Context(), w.Repo, change.Number)
	fails(w.T, err, dr.Temporary)
}

func (w changing) self() {
	if self, err := w.Change.Self(w.Context()); err != nil || self != w.Self {
		w.Errorf("it says %q, %v", self, err)
	}
	ctx, cancel := context.WithCancel(w.Context())
	cancel()
	if _, err := w.Change.ChangeState(ctx, w.Repo, 1); err == nil {
		w.Error("a call that was given up went well")
	}
}
