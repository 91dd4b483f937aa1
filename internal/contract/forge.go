package contract

import (
	"context"
	"testing"

	"github.com/drbot/drbot/dr"
)

// Changes is the port of files and changes.
type Changes interface {
	File(ctx context.Context, repo dr.Repository, ref string) (content, commit string, err error)
	OpenChange(ctx context.Context, req dr.ChangeRequest) (dr.Change, error)
	ChangeState(ctx context.Context, repo dr.Repository, number int) (dr.ChangeState, error)
	Merge(ctx context.Context, repo dr.Repository, number int, head string) (mergeSHA string, err error)
	CloseChange(ctx context.Context, repo dr.Repository, change dr.Change) error
	Self(ctx context.Context) (string, error)
	// Parents are the commits that a commit was made on, in its own order: the first of a
	// merge, by whatever method, is the base it came upon.
	Parents(ctx context.Context, repo dr.Repository, sha string) ([]string, error)
}

// Publishing is the port of what the bot says on a change.
type Publishing interface {
	Comment(ctx context.Context, repo dr.Repository, number int, marker, body string) error
	Commented(ctx context.Context, repo dr.Repository, number int, marker string) (dr.Written, error)
	Status(ctx context.Context, repo dr.Repository, sha, name string, state dr.CommitState, text, url string) error
	Restore(ctx context.Context, repo dr.Repository, number int, want dr.Posted, first func([]dr.Rewritten) error) (dr.Posted, error)
}

// ForgeWorld is a forge with one repository, whose base branch holds Home in Repo.File
// and Readme beside it. The people below have accounts there; no change is open.
type ForgeWorld struct {
	Change  Changes
	Publish Publishing
	Itself  Unattended // what the forge merges by itself
	Machine Machine
	Repo    dr.Repository
	Self    string // the bot's login
	Commits string // who commits what it writes; Self when empty
	// Unseen is what is answered of a repository that is not, or is not to be seen;
	// dr.NotFound when empty.
	Unseen dr.Code
	Home   string // Repo.File on the base branch
	Away   string // what a change makes of it
	People People
	Hands  Hands
	Page   Page
	Pens   Pens
}

// NewForge makes a fresh world for one test.
type NewForge func(t *testing.T) ForgeWorld

// Readme is a file beside Repo.File.
const Readme = "README.md"

// The people of a ForgeWorld, by what they may do in the repository.
const (
	Admin      = "alice"
	Writer     = "bob"
	Maintainer = "carol"
	Triager    = "dave" // may not write
)

// People is what somebody does on a change besides the bot.
type People interface {
	Review(ctx context.Context, login string, number int, state dr.ReviewState) (id int64, err error)
	Dismiss(ctx context.Context, login string, number int, review int64) error
	Comment(ctx context.Context, login string, number int, body string) error
	Merge(ctx context.Context, login string, number int) (sha string, err error)
	Close(ctx context.Context, login string, number int) error
	Draft(ctx context.Context, login string, number int) error
	// Retarget makes another branch and the change go to it.
	Retarget(ctx context.Context, login string, number int, branch string) error
	// Update merges the base branch into the change's.
	Update(ctx context.Context, login string, number int) error
	DeleteAccount(login string) error
}

// Push is a commit of one file by a person.
type Push struct {
	By        string
	Committer string // By when empty
	Stranger  bool   // the forge cannot tell whose address the author's is
	Branch    string
	Path      string
	Content   string
}

// Hands is what happens to the repository and to the forge itself.
type Hands interface {
	Push(ctx context.Context, p Push) (sha string, err error)
	DeleteBranch(ctx context.Context, login, branch string) error
	// Fork makes the change look like one from another repository.
	Fork()
	// HidePermissions makes the forge fail when asked what a person may do.
	HidePermissions()
	// NotKnown makes the forge know nobody of this login when asked what that may do.
	NotKnown(login string)
	// NobodysMail makes the bot's commits carry an address the forge knows no account for.
	NobodysMail()
	// LoseAnswer lets the next write take effect and its answer get lost.
	LoseAnswer()
}

// Pens is what anybody who may write does with what others have written.
type Pens interface {
	Retitle(ctx context.Context, login string, number int, title string) error
	Redescribe(ctx context.Context, login string, number int, body string) error
	// EditComment and DeleteComment take one by its place among those that are there.
	EditComment(ctx context.Context, login string, number, nth int, body string) error
	DeleteComment(ctx context.Context, login string, number, nth int) error
	SetStatus(ctx context.Context, login, sha, name string, state dr.CommitState, text string) error
	// Written is how the page reads: title, description, comments, and the texts of statuses.
	Written(number int, sha string, statuses ...string) []string
}

// Said is a comment as people see it.
type Said struct{ By, Body string }

// Page is what people see.
type Page interface {
	Changes() int // how many were ever opened
	Comments(number int) []Said
	// Status gives the newest state of a name at a commit; empty when there is none.
	Status(sha, name string) dr.CommitState
}
