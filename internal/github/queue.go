package github

import (
	"cmp"
	"context"
	"errors"

	"github.com/drbot/drbot/dr"
)

// queueLogin is the account by which GitHub's merge queues merge.
const queueLogin = "github-merge-queue[bot]"

// Unattended is what GitHub merges by itself: by merge queues and by auto-merge.
type Unattended struct{ Client *Client }

// queueing is one pull request and the merge queue of its base. GitHub has no REST for it.
type queueing struct {
	place
	number int
}

// Queued tells whether the base takes changes by its merge queue alone, and where the pull
// request stands there. What the bot's account may bypass is not demanded. A host that
// tells of neither rules nor queues has none; where there is one all the same, the merge
// itself is refused by its name.
func (c Unattended) Queued(ctx context.Context, repo dr.Repository, number int) (dr.Queued, error) {
	l := finding{Rules: &Rules{client: c.Client}, f: &findings{service: dr.Service{Repository: repo}}}
	untold := l.rules(ctx)
	switch {
	case untold == nil && !l.f.asked.queue:
		return dr.Queued{}, nil
	case untold != nil && dr.CodeOf(untold) == dr.Temporary:
		return dr.Queued{}, untold
	}
	told, err := queueing{place{c.Client, repo}, number}.read(ctx)
	switch {
	case err != nil && untold != nil:
		c.Client.log.WarnContext(ctx, "it is not known whether the base has a merge queue", "repository", repo.Owner+"/"+repo.Name, "error", errors.Join(untold, err))
		return dr.Queued{}, nil
	case err != nil:
		return dr.Queued{}, err
	}
	return told.queued(l.f.asked.queue), nil
}

// entry is what GitHub tells of a pull request and its queue.
type entry struct {
	ID    string `json:"id"`
	Head  string `json:"headRefOid"`
	In    bool   `json:"isInMergeQueue"`
	Entry *struct {
		Position int `json:"position"`
	} `json:"mergeQueueEntry"`
	Removed struct {
		Nodes []struct {
			Reason string `json:"reason"`
		} `json:"nodes"`
	} `json:"timelineItems"`
}

func (e entry) queued(demanded bool) dr.Queued {
	q := dr.Queued{Demanded: demanded || e.In, In: e.In}
	if e.In && e.Entry != nil {
		q.Position = e.Entry.Position
	}
	if n := len(e.Removed.Nodes); !e.In && n > 0 {
		q.Out = e.Removed.Nodes[n-1].Reason
	}
	return q
}

const queueQuery = `query($owner: String!, $name: String!, $number: Int!) {
  repository(owner: $owner, name: $name) { pullRequest(number: $number) {
    id headRefOid isInMergeQueue mergeQueueEntry { position state }
    timelineItems(last: 1, itemTypes: [REMOVED_FROM_MERGE_QUEUE_EVENT]) { nodes { ... on RemovedFromMergeQueueEvent { reason } } }
  } }
}`

func (q queueing) read(ctx context.Context) (entry, error) {
	var data struct {
		Repository struct {
			Pull entry `json:"pullRequest"`
		} `json:"repository"`
	}
	doing := dr.T("github.doing.read-queue", "number", q.number)
	vars := map[string]any{"owner": q.repo.Owner, "name": q.repo.Name, "number": q.number}
	_, err := q.graphql(ctx, doing, queueQuery, vars, &data)
	if err == nil && data.Repository.Pull.ID == "" {
		err = explain(errors.New("the answer has no pull request"), doing)
	}
	return data.Repository.Pull, err
}

// mutate does one thing to the pull request.
func (q queueing) mutate(ctx context.Context, doing dr.Text, what, kind string, input map[string]any) error {
	query := "mutation($input: " + kind + "!) { " + what + "(input: $input) { clientMutationId } }"
	refusal, err := q.graphql(ctx, doing, query, map[string]any{"input": input}, nil)
	if err == nil {
		return nil
	}
	words, _ := dr.Told(err)
	if refusal == "FORBIDDEN" || words.ID == mayNot {
		return &dr.Error{Code: dr.Uncertain, What: dr.T("github.queue.may-not", "doing", doing), Next: dr.T("github.queue.may-not.next", "number", q.number), Err: err}
	}
	return err
}

// Enqueue puts exactly this head into the merge queue, unless it is there already.
func (c Unattended) Enqueue(ctx context.Context, repo dr.Repository, number int, head string) error {
	if !isSHA(head) {
		return &dr.Error{Code: dr.Invalid, What: dr.T("github.merge.half-sha")}
	}
	q := queueing{place{c.Client, repo}, number}
	is, err := q.read(ctx)
	switch {
	case err != nil:
		return forPeople(repo, number, err)
	case is.Head != head:
		return conflict(number, dr.ArgOf(dr.T("github.merge.other-head", "head", short(is.Head), "approved", short(head))), nil)
	case is.In:
		return nil
	}
	err = q.mutate(ctx, dr.T("github.doing.enqueue", "number", number), "enqueuePullRequest", "EnqueuePullRequestInput", map[string]any{"pullRequestId": is.ID, "expectedHeadOid": head})
	if err != nil { // its answer may have been lost
		if now, lookErr := q.read(ctx); lookErr == nil && now.In && now.Head == head {
			return nil
		}
	}
	return forPeople(repo, number, err)
}

// Dequeue takes the pull request out of the merge queue, if it is there.
func (c Unattended) Dequeue(ctx context.Context, repo dr.Repository, number int) error {
	q := queueing{place{c.Client, repo}, number}
	is, err := q.read(ctx)
	if err != nil || !is.In {
		return forPeople(repo, number, err)
	}
	err = q.mutate(ctx, dr.T("github.doing.dequeue", "number", number), "dequeuePullRequest", "DequeuePullRequestInput", map[string]any{"id": is.ID})
	if err != nil {
		if now, lookErr := q.read(ctx); lookErr == nil && !now.In {
			return nil
		}
	}
	return forPeople(repo, number, err)
}

// StopAutoMerge has the pull request not merge by itself, and gives who had set it to, whom it tells first.
func (c Unattended) StopAutoMerge(ctx context.Context, repo dr.Repository, number int, first func(by string) error) (by string, err error) {
	pull, err := c.Client.pull(ctx, repo, number)
	if err != nil || pull.AutoMerge == nil || pull.GetState() != "open" {
		return "", err
	}
	by = cmp.Or(pull.GetAutoMerge().GetEnabledBy().GetLogin(), "ghost") // GitHub's own name for whose account is gone
	if err := first(by); err != nil {
		return "", err
	}
	doing := dr.T("github.doing.stop-auto-merge", "number", number)
	_, err = place{c.Client, repo}.graphql(ctx, doing, `mutation($input: DisablePullRequestAutoMergeInput!) { disablePullRequestAutoMerge(input: $input) { clientMutationId } }`,
		map[string]any{"input": map[string]any{"pullRequestId": pull.GetNodeID()}}, nil)
	if err != nil {
		if now, lookErr := c.Client.pull(ctx, repo, number); lookErr == nil && now.AutoMerge == nil {
			return by, nil
		}
	}
	return by, err
}
