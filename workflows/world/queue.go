package world

import (
	"context"
	"slices"

	"github.com/drbot/drbot/dr"
)

// Queue is the login of the merge queue.
const Queue = "github-merge-queue[bot]"

// approvalStatus is what the base's rules wait for before anything is merged by itself, or
// at a head that has all of its base.
const approvalStatus = "drbot/approval"

// leave takes a pull request out of the queue, if it is there.
func (f *forge) leave(pr *Pull, why string) {
	if slices.Contains(f.queue, pr.Number) {
		f.queue = slices.DeleteFunc(f.queue, func(n int) bool { return n == pr.Number })
		pr.Out = why
	}
}

func (f *forge) mergeQueued() (string, error) {
	if len(f.queue) == 0 {
		return "", refused(dr.NotFound, "the queue is empty.")
	}
	return f.mergePull(f.pulls[f.queue[0]-1], Queue)
}

// behind tells whether a head lacks commits of a base that asks for all of them.
func (f *forge) behind(pr *Pull) bool {
	return f.strict && !f.ancestors(pr.Head)[f.branches[pr.BaseRef]]
}

// fire merges what is set to merge by itself and has its status.
func (f *forge) fire() error {
	for _, pr := range f.pulls {
		if by := pr.AutoMerge; by != "" && pr.Open && !f.behind(pr) && !f.queued && pr.Statuses[approvalStatus] == dr.StateSuccess {
			if _, err := f.mergePull(pr, by); err != nil {
				return err
			}
		}
	}
	return nil
}

// Queued implements workflows.Unattended.
func (p *ports) Queued(ctx context.Context, _ dr.Repository, number int) (dr.Queued, error) {
	return ask(ctx, p, "Queued", "", func() (dr.Queued, error) {
		p.w.mu.Lock()
		defer p.w.mu.Unlock()
		f := p.w.forge
		pr, err := f.pull(number)
		if err != nil || !f.queued {
			return dr.Queued{}, err
		}
		at := slices.Index(f.queue, number) + 1
		q := dr.Queued{Demanded: true, In: at > 0, Position: at}
		if !q.In {
			q.Out = pr.Out
		}
		return q, nil
	})
}

// Enqueue implements workflows.Unattended.
func (p *ports) Enqueue(ctx context.Context, _ dr.Repository, number int, head string) error {
	return tell(ctx, p, "Enqueue", "", func() error {
		p.w.mu.Lock()
		defer p.w.mu.Unlock()
		f := p.w.forge
		pr, err := f.pull(number)
		switch {
		case len(head) != 40:
			return refused(dr.Invalid, "%q is no full commit.", head)
		case err != nil:
			return refused(dr.Uncertain, "there is no pull request #%d to be seen.", number)
		case pr.Head != head:
			return refused(dr.Conflict, "the head of #%d moved.", number)
		case slices.Contains(f.queue, number):
			return nil
		case !f.queued || !pr.Open || pr.Draft || f.protected != "":
			return refused(dr.Uncertain, "#%d cannot be queued.", number)
		}
		f.queue = append(f.queue, number)
		f.enqueued++
		return nil
	})
}

// Dequeue implements workflows.Unattended.
func (p *ports) Dequeue(ctx context.Context, _ dr.Repository, number int) error {
	return tell(ctx, p, "Dequeue", "", func() error {
		p.w.mu.Lock()
		defer p.w.mu.Unlock()
		pr, err := p.w.forge.pull(number)
		if err == nil {
			p.w.forge.leave(pr, "manual")
		}
		return err
	})
}

// StopAutoMerge implements workflows.Unattended.
func (p *ports) StopAutoMerge(ctx context.Context, _ dr.Repository, number int, first func(string) error) (string, error) {
	return ask(ctx, p, "StopAutoMerge", "", func() (string, error) {
		p.w.mu.Lock()
		pr, err := p.w.forge.pull(number)
		by := ""
		if err == nil {
			by = pr.AutoMerge
		}
		p.w.mu.Unlock() // what is told first asks other ports
		if by == "" {
			return "", err
		}
		if err := first(by); err != nil {
			return "", err
		}
		p.w.mu.Lock()
		defer p.w.mu.Unlock()
		if p.w.forge.stays {
			return by, refused(dr.Denied, "auto-merge stays on for #%d.", number)
		}
		pr.AutoMerge = ""
		return by, nil
	})
}

// RequireQueue has the base merged into by its queue alone, or not any more.
func (w *World) RequireQueue(required bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.forge.queued = required
}

// RequireUpToDate has the base ask for heads that have all of it.
func (w *World) RequireUpToDate(required bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.forge.strict = required
}

// MergeQueued has the queue merge its first pull request.
func (w *World) MergeQueued() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if _, err := w.forge.mergeQueued(); err != nil {
		w.t.Errorf("the queue merges: %v", err)
	}
}

// ThrowOut has the queue take its first pull request out.
func (w *World) ThrowOut(why string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.forge.queue) == 0 {
		w.t.Error("the queue is empty")
		return
	}
	w.forge.leave(w.forge.pulls[w.forge.queue[0]-1], why)
}

// InQueue counts the pull requests in the queue.
func (w *World) InQueue() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.forge.queue)
}

// Enqueued counts how often a pull request was put into the queue.
func (w *World) Enqueued() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.forge.enqueued
}

// KeepAutoMerge lets nobody switch auto-merge off.
func (w *World) KeepAutoMerge() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.forge.stays = true
}

// SetAutoMerge has a person set the open pull request to merge by itself.
func (w *World) SetAutoMerge(person string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.forge.open().AutoMerge = person + "-gh"
}

// EnqueueByHand has somebody put the open pull request into the queue.
func (w *World) EnqueueByHand() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.forge.queue = append(w.forge.queue, w.forge.open().Number)
}
