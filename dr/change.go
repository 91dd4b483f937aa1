package dr

import "time"

// ReviewState is GitHub's word for an opinion, upper case.
type ReviewState string

// The states of a review.
const (
	Approved         ReviewState = "APPROVED"
	ChangesRequested ReviewState = "CHANGES_REQUESTED"
	Commented        ReviewState = "COMMENTED"
	Dismissed        ReviewState = "DISMISSED"
	PendingReview    ReviewState = "PENDING"
)

// Review is one opinion about a change.
type Review struct {
	ID      int64       `json:"id"`
	By      string      `json:"by"`                // GitHub login; empty when the account is gone
	ByID    int64       `json:"by_id,omitempty"`   // the account's number, which stays when its login changes
	Another bool        `json:"another,omitempty"` // the login is another account's than it was when first seen
	Bot     bool        `json:"bot,omitempty"`
	State   ReviewState `json:"state"`
	HeadSHA string      `json:"head_sha"` // the exact commit the person looked at
	At      time.Time   `json:"at"`

	// Of a dismissed review: what it said until then, and the login of who dismissed it.
	// Each is empty when the forge does not tell.
	Was         ReviewState `json:"was,omitempty"`
	DismissedBy string      `json:"dismissed_by,omitempty"`
	DismissedAt time.Time   `json:"dismissed_at,omitzero"`
	// Of that login, as ByID and Another are of By.
	DismissedByID      int64 `json:"dismissed_by_id,omitempty"`
	DismissedByAnother bool  `json:"dismissed_by_another,omitempty"`
}

// Commit is one commit of a change's branch with everybody who had a hand in it.
// A login is empty when the forge could not tell whose e-mail it is.
type Commit struct {
	SHA       string `json:"sha"`
	Author    string `json:"author"`
	Committer string `json:"committer"`
}

// Change is the pull request of a run.
type Change struct {
	Number int    `json:"number"`
	URL    string `json:"url"`
	Branch string `json:"branch"`
	Head   string `json:"head"` // the commit drbot made
	Base   string `json:"base"` // the base commit it was made from
}

// FileChange is one file of a change's difference to its base.
type FileChange struct {
	Path   string `json:"path"`
	Status string `json:"status"` // modified, added, removed, renamed
}

// ChangeState is everything the approval rules look at, read fresh.
type ChangeState struct {
	Open       bool         `json:"open"`
	Draft      bool         `json:"draft"`
	Merged     bool         `json:"merged"`
	MergedBy   string       `json:"merged_by"`
	MergedAt   time.Time    `json:"merged_at,omitzero"`  // by the forge's clock
	MergeSHA   string       `json:"merge_sha"`           // when merged
	ClosedBy   string       `json:"closed_by,omitempty"` // when closed and not merged; empty when the forge does not tell
	Head       string       `json:"head"`
	BaseRef    string       `json:"base_ref"`
	BaseSHA    string       `json:"base_sha"` // tip of the base branch now
	SameRepo   bool         `json:"same_repo"`
	Author     string       `json:"author"` // of the pull request: the bot itself
	Files      []FileChange `json:"files"`
	Commits    []Commit     `json:"commits"`
	Reviews    []Review     `json:"reviews"`              // oldest first, every page
	CanWrite   []string     `json:"can_write"`            // reviewers of the configuration with write access, asked for each look
	HeadFile   string       `json:"head_file,omitempty"`  // content of the active_region file on the head
	BaseFile   string       `json:"base_file,omitempty"`  // content of it on the merge base
	BranchGone bool         `json:"branch_gone,omitzero"` // the head branch was deleted
	ByQueue    bool         `json:"by_queue,omitzero"`    // merged by a merge queue
	AutoMerge  bool         `json:"auto_merge,omitzero"`  // it is set to merge by itself
	Behind     bool         `json:"behind,omitzero"`      // its base asks for all of its commits, and the head lacks some
}

// Queued is where a change stands in the merge queue of its base.
type Queued struct {
	Demanded bool   `json:"demanded,omitempty"` // the base takes nothing of the bot's but by its queue
	In       bool   `json:"in,omitempty"`
	Position int    `json:"position,omitempty"` // 1 is the next; 0 where the forge does not tell
	Out      string `json:"out,omitempty"`      // why it was last taken out, in the forge's word
}

// CommitState is the state of a commit status.
type CommitState string

// The states of a commit status.
const (
	StatePending CommitState = "pending"
	StateSuccess CommitState = "success"
	StateFailure CommitState = "failure"
)

// Decision is what a policy said.
type Decision struct {
	Allowed bool   `json:"allowed"`
	Reasons []Text `json:"reasons"` // "needs one more approval, on 3f2c91a"
	Policy  string `json:"policy"`  // revision of the rules that decided
}

// Approval is the count of a change's reviews.
type Approval struct {
	Decision
	Needed  int            `json:"needed"`
	By      []string       `json:"by"`      // persons whose approval counts
	Blocked []string       `json:"blocked"` // persons who request changes
	Waiting []string       `json:"waiting"` // persons who may still approve
	Ignored []IgnoredVoice `json:"ignored"` // reviews that do not count, and why
	// Broken says that the change is no longer the one drbot made (another head,
	// other files, closed, retargeted): it can never be approved any more.
	Broken Text `json:"broken,omitzero"`
}

// IgnoredVoice is a review that does not count and the reason, for the person
// who wonders why.
type IgnoredVoice struct {
	By     string `json:"by"`
	Reason Text   `json:"reason"`
}
