package world

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/drbot/drbot/dr"
)

// OpenChange implements workflows.Changes.
func (p *ports) OpenChange(ctx context.Context, req dr.ChangeRequest) (dr.Change, error) {
	return ask(ctx, p, "OpenChange", "", func() (dr.Change, error) {
		p.w.mu.Lock()
		defer p.w.mu.Unlock()
		return p.w.forge.openChange(req)
	})
}

func (f *forge) openChange(req dr.ChangeRequest) (dr.Change, error) {
	switch {
	case len(req.BaseSHA) != 40:
		return dr.Change{}, refused(dr.Invalid, "%q is no full commit.", req.BaseSHA)
	case req.Branch == "" || req.Branch == req.Repository.Base:
		return dr.Change{}, refused(dr.Invalid, "a change needs a branch of its own.")
	case req.Repository.File == "":
		return dr.Change{}, refused(dr.Invalid, "a change needs a file.")
	}
	if err := f.known(req.Repository); err != nil {
		return dr.Change{}, err
	}
	base, ok := f.commits[req.BaseSHA]
	if !ok {
		return dr.Change{}, refused(dr.NotFound, "there is no commit %s.", req.BaseSHA)
	}
	if pr := f.ofBranch(req.Branch); pr != nil {
		if err := f.ours(req, pr.Head); err != nil {
			return dr.Change{}, err
		}
		return pr.change(req), nil
	}
	head, ok := f.branches[req.Branch]
	switch {
	case ok:
		if err := f.ours(req, head); err != nil {
			return dr.Change{}, err
		}
	case base.tree[req.Repository.File] == req.Content:
		return dr.Change{}, refused(dr.Conflict, "there is nothing to change.")
	case f.nobodys:
		return dr.Change{}, refused(dr.Invalid, "the bot's address is no account's.")
	default:
		head = f.write(req.BaseSHA, req.Repository.File, req.Content, Bot, Bot)
		f.branches[req.Branch] = head
	}
	pr := &Pull{
		Number: len(f.pulls) + 1, File: req.Repository.File, Branch: req.Branch, Base: req.BaseSHA, BaseRef: req.Repository.Base, Head: head,
		Title: req.Title, Body: req.Body, Open: true, Statuses: map[string]dr.CommitState{}, Texts: map[string]string{},
	}
	f.pulls = append(f.pulls, pr)
	return pr.change(req), nil
}

// ours refuses what stands on a branch and is not what a request would make.
func (f *forge) ours(req dr.ChangeRequest, head string) error {
	c := f.commits[head]
	if !slices.Equal(c.parents, []string{req.BaseSHA}) || c.tree[req.Repository.File] != req.Content || len(diff(f.commits[req.BaseSHA].tree, c.tree)) != 1 {
		return refused(dr.Conflict, "the branch %s holds something drbot did not make.", req.Branch)
	}
	return nil
}

func (pr *Pull) change(req dr.ChangeRequest) dr.Change {
	return dr.Change{Number: pr.Number, URL: fmt.Sprintf("https://forge.test/pull/%d", pr.Number), Branch: pr.Branch, Head: pr.Head, Base: req.BaseSHA}
}

// ChangeState implements workflows.Changes.
func (p *ports) ChangeState(ctx context.Context, _ dr.Repository, number int) (dr.ChangeState, error) {
	return ask(ctx, p, "ChangeState", "", func() (dr.ChangeState, error) {
		p.w.mu.Lock()
		defer p.w.mu.Unlock()
		pr, err := p.w.forge.pull(number)
		if err != nil {
			return dr.ChangeState{}, err
		}
		return p.w.forge.state(pr)
	})
}

// state is a pull request as a look shows it now.
func (f *forge) state(pr *Pull) (dr.ChangeState, error) {
	tip := f.branches[pr.BaseRef]
	base := tip
	if pr.Merge != "" {
		base = pr.MergedOn // the head is in the base branch by now
	}
	from := f.mergeBase(base, pr.Head)
	_, there := f.branches[pr.Branch]
	st := dr.ChangeState{
		Open: pr.Open, Draft: pr.Draft, Merged: pr.Merge != "", MergedBy: pr.MergedBy, MergedAt: pr.MergedAt, MergeSHA: pr.Merge, ClosedBy: pr.ClosedBy,
		Head: pr.Head, BaseRef: pr.BaseRef, BaseSHA: tip, SameRepo: !f.forks, Author: Bot,
		Files: diff(from.tree, f.commits[pr.Head].tree), Reviews: f.listed(pr),
		HeadFile: f.fileOf(pr, pr.Head), BaseFile: from.tree[pr.File], BranchGone: !there,
		ByQueue: pr.MergedBy == Queue, AutoMerge: pr.AutoMerge != "", Behind: pr.Open && f.behind(pr),
	}
	for _, c := range f.since(base, pr.Head) {
		st.Commits = append(st.Commits, dr.Commit{SHA: c.sha, Author: c.author, Committer: c.committer})
	}
	for _, r := range pr.Reviews {
		switch {
		case r.By == "" || slices.Contains(st.CanWrite, r.By):
		case f.hidden:
			return dr.ChangeState{}, refused(dr.Temporary, "what %s may do is not told.", r.By)
		case !f.readers[r.By]:
			st.CanWrite = append(st.CanWrite, r.By)
		}
	}
	return st, nil
}

// listed are the reviews that the list of them shows by now.
func (f *forge) listed(pr *Pull) []dr.Review {
	return slices.DeleteFunc(slices.Clone(pr.Reviews), func(r dr.Review) bool { return f.late > 0 && time.Since(r.At) < f.late })
}

// Merge implements workflows.Changes.
func (p *ports) Merge(ctx context.Context, _ dr.Repository, number int, head string) (string, error) {
	return ask(ctx, p, "Merge", "", func() (string, error) {
		p.w.mu.Lock()
		defer p.w.mu.Unlock()
		f := p.w.forge
		if len(head) != 40 {
			return "", refused(dr.Invalid, "%q is no full commit.", head)
		}
		pr, err := f.pull(number)
		switch {
		case err != nil:
			return "", refused(dr.Uncertain, "there is no pull request #%d to be seen.", number)
		case pr.Merge != "" && pr.BaseRef != f.repo.Base:
			return "", refused(dr.Uncertain, "#%d was merged into %s.", number, pr.BaseRef)
		case pr.Head != head:
			return "", refused(dr.Conflict, "the head of #%d moved.", number)
		case pr.Merge != "":
			return pr.Merge, nil
		case !pr.Open:
			return "", refused(dr.Conflict, "#%d is not open.", number)
		case pr.BaseRef != f.repo.Base:
			return "", refused(dr.Temporary, "#%d goes to %s now.", number, pr.BaseRef)
		case pr.Draft:
			return "", refused(dr.Temporary, "#%d is a draft.", number)
		case f.protected != "":
			return "", refused(dr.Conflict, "%s", f.protected)
		case f.queued:
			return "", refused(dr.Conflict, "Changes must be made through the merge queue")
		case f.behind(pr):
			return "", refused(dr.Conflict, "Required status check %q is expected.", approvalStatus)
		}
		return f.mergePull(pr, Bot)
	})
}

func (f *forge) mergePull(pr *Pull, by string) (string, error) {
	tip := f.branches[pr.BaseRef]
	sha := f.repository.merge(tip, pr.Head, by)
	if sha == "" {
		return "", refused(dr.Conflict, "#%d conflicts with its base.", pr.Number)
	}
	f.leave(pr, "merged")
	pr.Open, pr.AutoMerge, pr.Merge, pr.MergedBy, pr.MergedAt, pr.MergedOn = false, "", sha, by, time.Now(), tip
	f.move(pr.BaseRef, sha)
	f.merges++
	return sha, nil
}

// CloseChange implements workflows.Changes.
func (p *ports) CloseChange(ctx context.Context, _ dr.Repository, change dr.Change) error {
	return tell(ctx, p, "CloseChange", "", func() error {
		p.w.mu.Lock()
		defer p.w.mu.Unlock()
		f := p.w.forge
		for _, pr := range f.pulls {
			if change.Number == 0 && pr.Branch == change.Branch {
				change.Number = pr.Number
			}
		}
		if change.Number != 0 {
			pr, err := f.pull(change.Number)
			if err != nil {
				return err
			}
			f.close(pr)
		}
		if tip, ok := f.branches[change.Branch]; ok && change.Branch != f.repo.Base && tip == change.Head {
			f.drop(change.Branch)
		}
		return nil
	})
}
