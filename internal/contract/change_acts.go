package contract

import "github.com/drbot/drbot/dr"

// othersActs is what other people do to a change, and how a look shows it.
var othersActs = map[string]struct {
	act  func(w changing, number int) error
	seen func(w changing, state dr.ChangeState, change dr.Change) bool
}{
	"a commit on top": {
		func(w changing, _ int) error {
			_, err := w.Hands.Push(w.Context(), Push{By: Writer, Committer: Maintainer, Branch: branch, Path: "main.tf", Content: "x"})
			return err
		},
		func(_ changing, st dr.ChangeState, ch dr.Change) bool {
			return st.Head != ch.Head && len(st.Commits) == 2 && st.Commits[1].Author == Writer && st.Commits[1].Committer == Maintainer && len(st.Files) == 2
		},
	},
	"a commit by nobody known": {
		func(w changing, _ int) error {
			_, err := w.Hands.Push(w.Context(), Push{By: Writer, Stranger: true, Branch: branch, Path: "main.tf", Content: "x"})
			return err
		},
		func(_ changing, st dr.ChangeState, _ dr.Change) bool {
			return len(st.Commits) == 2 && st.Commits[1].Author == ""
		},
	},
	"the base moved": {
		func(w changing, _ int) error {
			_, err := w.Hands.Push(w.Context(), Push{By: Writer, Branch: w.Repo.Base, Path: Readme, Content: "bye\n"})
			return err
		},
		func(w changing, st dr.ChangeState, ch dr.Change) bool {
			return st.BaseSHA != ch.Base && st.Head == ch.Head && len(st.Files) == 1 && st.BaseFile == w.Home
		},
	},
	"updated from its base": {
		func(w changing, number int) error {
			if _, err := w.Hands.Push(w.Context(), Push{By: Writer, Branch: w.Repo.Base, Path: Readme, Content: "bye\n"}); err != nil {
				return err
			}
			return w.People.Update(w.Context(), Writer, number)
		},
		func(w changing, st dr.ChangeState, ch dr.Change) bool {
			return st.Head != ch.Head && len(st.Commits) == 2 && len(st.Files) == 1 && st.HeadFile == w.Away
		},
	},
	"merged by hand": {
		func(w changing, number int) error {
			_, err := w.People.Merge(w.Context(), Admin, number)
			return err
		},
		func(w changing, st dr.ChangeState, _ dr.Change) bool {
			return st.Merged && !st.Open && st.MergedBy == Admin && !st.MergedAt.IsZero() && st.MergeSHA != "" && st.MergeSHA == st.BaseSHA
		},
	},
	"closed": {
		func(w changing, number int) error { return w.People.Close(w.Context(), Writer, number) },
		func(_ changing, st dr.ChangeState, _ dr.Change) bool { return !st.Open && !st.Merged && !st.BranchGone },
	},
	"its branch deleted": {
		func(w changing, _ int) error { return w.Hands.DeleteBranch(w.Context(), Writer, branch) },
		func(_ changing, st dr.ChangeState, ch dr.Change) bool {
			return st.BranchGone && !st.Open && !st.Merged && st.Head == ch.Head
		},
	},
	"retargeted": {
		func(w changing, number int) error { return w.People.Retarget(w.Context(), Writer, number, "develop") },
		func(_ changing, st dr.ChangeState, _ dr.Change) bool { return st.BaseRef == "develop" && st.Open },
	},
	"made a draft": {
		func(w changing, number int) error { return w.People.Draft(w.Context(), Writer, number) },
		func(_ changing, st dr.ChangeState, _ dr.Change) bool { return st.Draft && st.Open },
	},
	"from a fork": {
		func(w changing, _ int) error {
			w.Hands.Fork()
			return nil
		},
		func(_ changing, st dr.ChangeState, _ dr.Change) bool { return !st.SameRepo },
	},
	"a reviewer's account deleted": {
		func(w changing, number int) error {
			w.review(Maintainer, number, dr.Approved)
			return w.People.DeleteAccount(Maintainer)
		},
		func(_ changing, st dr.ChangeState, _ dr.Change) bool {
			return len(st.Reviews) == 1 && st.Reviews[0].By == "" && len(st.CanWrite) == 0
		},
	},
}
