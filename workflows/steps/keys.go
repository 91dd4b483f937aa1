package steps

import (
	"time"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/workflows/engine"
)

// What steps leave for those after them.
const (
	// Merge is what was merged, left by the loop before the merge.
	Merge engine.Key[Merged] = dr.MergeStep
	// Promotion is what moving a database's writer left behind, by the database's name.
	Promotion engine.Key[Promoted] = promote
	// Verification is the step that proves that users reach the target.
	Verification engine.Key[any] = Verify
	// Quieting is the scaling down of the source, by its Region.
	Quieting engine.Key[any] = Quiesce
)

// The outcomes of one try to merge.
const (
	MergeDone        = "done"
	MergeBaseMoved   = "base-moved"
	MergeNotApproved = "not-approved"
	MergeExpired     = "expired"
	MergeBehind      = "behind"    // the base asks for heads that have all of it, and has moved
	MergeByQueue     = "by-queue"  // nothing is done yet: the base takes it by its queue alone
	MergeQueued      = "queued"    // it is in the queue
	MergeCancelled   = "cancelled" // it is in no queue any more
	MergeStale       = "stale"     // the last look at what people approved is old by now
)

// Merged is what a merge left behind: the commit, and what people approved.
type Merged struct {
	Kind   string   `json:"kind"`
	SHA    string   `json:"sha,omitempty"`
	Base   string   `json:"base,omitempty"`   // where the base moved to, if it did
	By     string   `json:"by,omitempty"`     // who merged, where that was not this run; who cancelled
	Parent string   `json:"parent,omitempty"` // what the merge came upon: the commit it was planned on, unless the base moved meanwhile
	Unlike bool     `json:"unlike,omitempty"` // it holds something else than was planned upon that commit, or it is not told which that is
	Plans  dr.Plans `json:"plans,omitempty"`
	Digest string   `json:"digest,omitempty"`
}

// Line is the merge on its line of the run.
func (m Merged) Line() dr.Text {
	switch m.Kind {
	case MergeDone:
		return dr.T("merge.done", "commit", commit(m.SHA))
	case MergeBaseMoved:
		return dr.T("merge.base-moved", "commit", commit(m.Base))
	case MergeExpired:
		return dr.T("merge.expired")
	case MergeBehind:
		return dr.T("merge.behind")
	case MergeByQueue:
		return dr.T("merge.by-queue")
	case MergeQueued:
		return dr.T("merge.queued")
	case MergeCancelled:
		return dr.T("merge.cancelled")
	case MergeStale:
		return dr.T("merge.stale")
	default:
		return dr.T("merge.not-approved")
	}
}

// Promoted is what a promotion left behind for the account of the run.
type Promoted struct {
	At      time.Time `json:"at"`             // when the promotion was asked for
	Lag     *float64  `json:"lag,omitempty"`  // seconds the target was behind, nil when unknown
	LagAt   time.Time `json:"lag_at"`         // when that was true
	Already bool      `json:"already"`        // the writer was there before
	Took    float64   `json:"took,omitempty"` // seconds
	To      dr.Region `json:"to"`
	Mode    dr.Mode   `json:"mode,omitempty"` // that of the run when it was asked for, where that was not by another run
	// Rebuilding is the state of the promotion where the run went on before it was over, with the
	// writer there: the other members are rebuilt.
	Rebuilding string `json:"rebuilding,omitempty"`
}

// Line is the promotion on its line of the run.
func (p Promoted) Line() dr.Text {
	switch {
	case p.Rebuilding != "":
		return dr.T("promote.rebuilding", "region", p.To, "state", dr.Foreign(p.Rebuilding))
	case p.Already:
		return dr.T("promote.already", "region", p.To)
	}
	return dr.T("promote.done", "region", p.To)
}
