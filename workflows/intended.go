package workflows

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/policies"
	"github.com/drbot/drbot/workflows/engine"
)

// intended is what the run keeps right before it merges: which head, with which plan, and
// by whose approval. A merge that it has not meant so is anybody's.
type intended struct {
	Head   string   `json:"head"`
	Digest string   `json:"digest"`
	By     []string `json:"by"`
}

// tally counts the approvals of a change, and tells by that whose a merge is.
type tally stage

// meantKey is where that is kept.
func meantKey(f *failover) string { return fmt.Sprintf("%s/meant/%d", f.req.Run, f.change.Number) }

func (s tally) mean(ctx context.Context, in intended) error {
	doc, err := json.Marshal(in)
	if err != nil {
		return err
	}
	return s.f.Store.Memory.Put(ctx, meantKey(s.f), string(doc))
}

// meant reads it; nothing where the run means to merge nothing. What an earlier edition has
// kept names no plan, and is nothing either: the merge is counted as anybody's.
func (s tally) meant(ctx context.Context) (in intended, err error) {
	kept, err := s.f.Store.Memory.Get(ctx, meantKey(s.f))
	if errors.Is(err, dr.ErrUnsealed) {
		return intended{}, engine.TellUnsealed(ctx, s.f.run, meantKey(s.f), err)
	}
	if err != nil || json.Unmarshal([]byte(kept), &in) != nil {
		return intended{}, err
	}
	return in, nil
}

// own tells whether this run itself has merged, right after it had counted: by its account,
// as it had meant to, and by a count that still comes to the same as of the merge. Whatever
// else has that account merges as anybody does. Between a count and the merge of a queue
// there is time, whoever is said to have merged.
func (s tally) own(ctx context.Context, p proposal, st dr.ChangeState) (bool, error) {
	if !st.Merged || s.a.queued {
		return false, nil
	}
	rules, err := s.countedBy(ctx, p, st)
	if err != nil || st.MergedBy != rules.BotLogin {
		return false, err
	}
	in, err := s.meant(ctx)
	if err != nil || in.Head == "" || in.Head != st.Head || in.Digest != p.Digest {
		return false, err
	}
	again := policies.CountAsOf(st, rules)
	missing := slices.ContainsFunc(in.By, func(who string) bool { return !slices.Contains(again.By, who) })
	return again.Allowed && !missing, nil
}

// unmeant forgets what the run has meant to merge and is seen not to have merged: what comes
// later is counted anew.
func (s tally) unmeant(ctx context.Context) error {
	kept, err := s.f.Store.Memory.Get(ctx, meantKey(s.f))
	if errors.Is(err, dr.ErrUnsealed) {
		kept, err = meantKey(s.f), nil
	}
	if err == nil && kept != "" {
		err = s.f.Store.Memory.Put(ctx, meantKey(s.f), "")
	}
	if err != nil {
		return unsure(err)
	}
	return nil
}
