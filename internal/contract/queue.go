package contract

import (
	"context"
	"testing"

	"github.com/drbot/drbot/dr"
)

// Unattended is the port of what a forge merges by itself.
type Unattended interface {
	Queued(ctx context.Context, repo dr.Repository, number int) (dr.Queued, error)
	Enqueue(ctx context.Context, repo dr.Repository, number int, head string) error
	Dequeue(ctx context.Context, repo dr.Repository, number int) error
	StopAutoMerge(ctx context.Context, repo dr.Repository, number int, first func(by string) error) (by string, err error)
}

// Machine has the forge do so.
type Machine interface {
	// RequireQueue has the base merged into by its queue alone.
	RequireQueue()
	// RequireUpToDate has the base ask for heads that have all of it.
	RequireUpToDate()
	// MergeQueued has the queue merge its first change.
	MergeQueued(ctx context.Context) (sha string, err error)
	// ThrowOut has the queue take a change out.
	ThrowOut(number int, why string) error
	// SetAutoMerge has somebody set a change to merge as soon as it may, which it may not yet.
	SetAutoMerge(ctx context.Context, login string, number int) error
}

// MergesByItself is the contract of queues, of auto-merge and of bases that ask for heads
// which are up to date.
func MergesByItself(t *testing.T, fresh NewForge, in ...In) {
	changes(t, fresh, in, map[string]func(changing){
		"no queue":                                   changing.noQueue,
		"a queue merges what was put into it":        changing.queueMerges,
		"what is queued is exactly one head":         changing.queuedHead,
		"what a queue throws out can be put in anew": changing.thrownOut,
		"taken out of the queue":                     changing.dequeued,
		"a closed change is in no queue":             changing.closedInQueue,
		"lost answers about a queue":                 changing.lostQueueing,
		"auto-merge is shown and switched off":       changing.autoMerge,
		"a head behind its base":                     changing.behind,
	})
}

func (w changing) queued(number int) dr.Queued {
	w.Helper()
	q, err := w.Itself.Queued(w.Context(), w.Repo, number)
	wellDone(w.T, err)
	return q
}

func (w changing) enqueue(change dr.Change) {
	w.Helper()
	wellDone(w.T, w.Itself.Enqueue(w.Context(), w.Repo, change.Number, change.Head))
	if q := w.queued(change.Number); q != (dr.Queued{Demanded: true, In: true, Position: 1}) {
		w.Errorf("enqueued: %+v", q)
	}
}

func (w changing) noQueue() {
	change := w.open()
	if q := w.queued(change.Number); q != (dr.Queued{}) {
		w.Errorf("without a queue: %+v", q)
	}
	wellDone(w.T, w.Itself.Dequeue(w.Context(), w.Repo, change.Number))
	if err := w.Itself.Enqueue(w.Context(), w.Repo, change.Number, change.Head); dr.CodeOf(err) != dr.Uncertain {
		w.Errorf("enqueued without a queue: %v", err)
	}
}

func (w changing) queueMerges() {
	change := w.open()
	w.Machine.RequireQueue()
	if q := w.queued(change.Number); q != (dr.Queued{Demanded: true}) {
		w.Errorf("before it is queued: %+v", q)
	}
	if _, err := w.merge(change, change.Head); dr.CodeOf(err) != dr.Conflict {
		w.Errorf("merged past the queue: %v", err)
	}
	w.enqueue(change)
	w.enqueue(change) // once more is once
	tip := w.push(Push{By: Writer, Branch: w.Repo.Base, Path: Readme, Content: "bye\n"})
	if state := w.look(change.Number); !state.Open || state.Merged || state.Head != change.Head {
		w.Errorf("in the queue: %+v", state)
	}
	sha, err := w.Machine.MergeQueued(w.Context())
	wellDone(w.T, err)
	state := w.look(change.Number)
	if !state.Merged || !state.ByQueue || state.MergedBy == w.Self || state.MergeSHA != sha || state.Head != change.Head {
		w.Errorf("merged by the queue: %+v", state)
	}
	parents, err := w.Change.Parents(w.Context(), w.Repo, sha)
	if err != nil || len(parents) == 0 || parents[0] != tip {
		w.Errorf("the merge was made on %v, %v, want %s first", parents, err, tip)
	}
	if q := w.queued(change.Number); q.In {
		w.Errorf("after its merge: %+v", q)
	}
}

func (w changing) queuedHead() {
	change := w.open()
	w.Machine.RequireQueue()
	fails(w.T, w.Itself.Enqueue(w.Context(), w.Repo, change.Number, change.Head[:7]), dr.Invalid)
	w.enqueue(change)
	w.push(Push{By: Writer, Branch: branch, Path: "main.tf", Content: "x"})
	if q := w.queued(change.Number); q.In {
		w.Errorf("pushed to: %+v", q)
	}
	fails(w.T, w.Itself.Enqueue(w.Context(), w.Repo, change.Number, change.Head), dr.Conflict)
}

func (w changing) thrownOut() {
	change := w.open()
	w.Machine.RequireQueue()
	w.enqueue(change)
	wellDone(w.T, w.Machine.ThrowOut(change.Number, "failed_checks"))
	if q := w.queued(change.Number); q != (dr.Queued{Demanded: true, Out: "failed_checks"}) {
		w.Errorf("thrown out: %+v", q)
	}
	if state := w.look(change.Number); !state.Open {
		w.Errorf("thrown out: %+v", state)
	}
	w.enqueue(change)
}

func (w changing) dequeued() {
	change := w.open()
	w.Machine.RequireQueue()
	w.enqueue(change)
	for range 2 {
		wellDone(w.T, w.Itself.Dequeue(w.Context(), w.Repo, change.Number))
		if q := w.queued(change.Number); q.In {
			w.Errorf("taken out: %+v", q)
		}
	}
}

func (w changing) closedInQueue() {
	change := w.open()
	w.Machine.RequireQueue()
	w.enqueue(change)
	wellDone(w.T, w.Change.CloseChange(w.Context(), w.Repo, change))
	if q := w.queued(change.Number); q.In {
		w.Errorf("closed: %+v", q)
	}
}

// lostQueueing: what was lost is found by the next try, at the latest.
func (w changing) lostQueueing() {
	change := w.open()
	w.Machine.RequireQueue()
	w.Hands.LoseAnswer()
	if err := w.Itself.Enqueue(w.Context(), w.Repo, change.Number, change.Head); err != nil {
		w.enqueue(change)
	}
	w.Hands.LoseAnswer()
	if err := w.Itself.Dequeue(w.Context(), w.Repo, change.Number); err != nil {
		wellDone(w.T, w.Itself.Dequeue(w.Context(), w.Repo, change.Number))
	}
	if q := w.queued(change.Number); q.In {
		w.Errorf("taken out: %+v", q)
	}
}

func (w changing) autoMerge() {
	change := w.open()
	off := func(want string) {
		w.Helper()
		told := ""
		first := func(by string) error {
			if told = by; !w.look(change.Number).AutoMerge {
				w.Error("it is told when it is done")
			}
			return nil
		}
		if by, err := w.Itself.StopAutoMerge(w.Context(), w.Repo, change.Number, first); err != nil || by != want || told != want {
			w.Errorf("it was set by %q, %v, and told before %q; want %q", by, err, told, want)
		}
		if w.look(change.Number).AutoMerge {
			w.Error("it is set to merge by itself")
		}
	}
	off("")
	wellDone(w.T, w.Machine.SetAutoMerge(w.Context(), Writer, change.Number))
	if !w.look(change.Number).AutoMerge {
		w.Error("it is not shown that it merges by itself")
	}
	untold := &dr.Error{Code: dr.Temporary, What: dr.T(dr.Words, "words", dr.Foreign("it cannot be kept."))}
	if _, err := w.Itself.StopAutoMerge(w.Context(), w.Repo, change.Number, func(string) error { return untold }); dr.CodeOf(err) != dr.Temporary || !w.look(change.Number).AutoMerge {
		w.Errorf("switched off although that could not be kept: %v", err)
	}
	off(Writer)
	off("")
	wellDone(w.T, w.Publish.Status(w.Context(), w.Repo, change.Head, "drbot/approval", dr.StateSuccess, "two people", ""))
	if w.look(change.Number).Merged {
		w.Error("it has merged by itself")
	}
}

func (w changing) behind() {
	change := w.open()
	w.Machine.RequireUpToDate()
	if w.look(change.Number).Behind {
		w.Error("behind a base that has not moved")
	}
	w.push(Push{By: Writer, Branch: w.Repo.Base, Path: Readme, Content: "bye\n"})
	if !w.look(change.Number).Behind {
		w.Error("not behind a base that has moved")
	}
	if _, err := w.merge(change, change.Head); dr.CodeOf(err) != dr.Conflict {
		w.Errorf("merged although it is behind: %v", err)
	}
}
