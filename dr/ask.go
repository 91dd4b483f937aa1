package dr

import (
	"slices"
	"strings"
)

// ChangeRequest is a change to open: one file of the base branch with another
// content, on a branch of its own.
type ChangeRequest struct {
	Repository Repository
	Branch     string
	BaseSHA    string // the base commit the content was made from
	Content    string // the whole new content of Repository.File
	Message    string // of the commit
	Title      string
	Body       string // Markdown
}

// PlanRequest asks for the plan of one stack at one commit.
type PlanRequest struct {
	Run     string
	Service Service
	Stack   Stack
	Commit  string // exact SHA to check out
	// MergeInto, when set, is a base commit: the plan is that of merging Commit
	// into it, which is what a merge would give once the base has moved.
	MergeInto string
	// Drift asks for the comparison of state and world instead of a plan for a
	// change: resources changed outside Terraform are in Plan.Drift.
	Drift bool
	// Flip is the Region that the change of a run names: a stack that would be planned with
	// another is refused. Empty where there is no change; drift takes what the commit says.
	Flip Region
	// AsApply has the plan made with what the apply of the stack will have, as far as that
	// only reads, where plans and applies have roles of their own.
	AsApply bool
}

// Tree is the files of a commit, or of what merging it into a base gives.
type Tree struct {
	Commit    string
	MergeInto string // empty: the commit as it is
}

// TreesRequest asks whether what some stacks read differs between two trees.
type TreesRequest struct {
	Service  Service
	Stacks   []Stack
	From, To Tree
}

// ApplyRequest asks for the apply of one stack.
type ApplyRequest struct {
	// Key names this one apply for ever. A second request with the same key
	// follows the first or gives its result; it never applies again.
	Key      string
	Run      string
	Service  Service
	Stack    Stack
	Commit   string
	Approved Plan // what people approved; a plan that is wider is not applied
}

// ApplyResult is how an apply ended.
type ApplyResult struct {
	Kind    ApplyKind
	Counts  Counts
	Made    []string // addresses Terraform said it had completed
	Wider   []Text   // why it was not applied, when Kind is ApplyWider
	Plan    *Plan    // the wider one, when Kind is ApplyWider
	Summary Text     // for a person; what it has of Terraform's own words is scrubbed of secrets
}

// ApplyKind says how an apply ended.
type ApplyKind string

// The ends of an apply.
const (
	ApplyDone   ApplyKind = "done"
	ApplyWider  ApplyKind = "wider"  // the plan goes beyond the approved one; nothing was applied
	ApplyFailed ApplyKind = "failed" // Terraform said so; resources may have been made
	ApplyLost   ApplyKind = "lost"   // its processes are gone without a result
	ApplyLocked ApplyKind = "locked" // somebody else holds the state lock; nothing was applied
)

// Resolution is what a zone's own name servers answer for a name.
type Resolution struct {
	Chain     []string // the names passed through, CNAME by CNAME, the asked one first
	Addresses []string
}

// At is where a name stands among those passed through, as DNS compares names; -1 where it is
// none of them.
func (r Resolution) At(name string) int {
	if name == "" {
		return -1
	}
	return slices.IndexFunc(r.Chain, func(other string) bool {
		return strings.EqualFold(strings.TrimSuffix(other, "."), strings.TrimSuffix(name, "."))
	})
}
