package policies

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/drbot/drbot/dr"
)

type vote int

const (
	nothing vote = iota
	approves
	blocks
)

// ballot is what one person's reviews come to.
type ballot struct {
	person string
	vote   vote
}

// ballots sorts the reviews by person and finds what each of them says. Persons
// come in the order of their first review.
func (c *count) ballots() []ballot {
	var order []string
	opinions := map[string][]dr.Review{}
	voices := map[string]bool{}
	for _, r := range c.opinions() {
		person, why := c.whose(r)
		if !why.Empty() {
			name := cmp.Or(person, r.By)
			if key := strings.ToLower(name); !voices[key] {
				voices[key] = true
				c.ignore(name, why, dr.T("vote.remark", "who", orDeleted(name), "why", why))
			}
			continue
		}
		if (r.State == dr.Approved || r.Was == dr.Approved) && c.late(r.At) {
			c.ignore(person, dr.T("vote.after-merge"), dr.T("vote.after-merge.says", "who", person))
			continue
		}
		if _, known := opinions[person]; !known {
			order = append(order, person)
		}
		opinions[person] = append(opinions[person], r)
	}
	out := make([]ballot, 0, len(order))
	for _, person := range order {
		out = append(out, ballot{person, c.judge(person, opinions[person])})
	}
	return out
}

// late tells whether something was said after the merge, or nobody knows that it was before.
// The forge's times are of whole seconds: within one it was not after it.
func (c *count) late(at time.Time) bool {
	return c.merged && (at.IsZero() || c.change.state.MergedAt.IsZero() || at.After(c.change.state.MergedAt))
}

// opinions are the reviews that say something, by id: ids grow with submission
// whatever order GitHub lists them in.
func (c *count) opinions() []dr.Review {
	var out []dr.Review
	for _, r := range c.change.state.Reviews {
		switch r.State {
		case dr.Approved, dr.ChangesRequested, dr.Dismissed:
			out = append(out, r)
		}
	}
	slices.SortFunc(out, func(a, b dr.Review) int { return cmp.Compare(a.ID, b.ID) })
	return out
}

// whose finds the person of a review, or why it is nobody's who may approve.
func (c *count) whose(r dr.Review) (person string, why dr.Text) {
	if r.By == "" {
		return "", dr.T("vote.deleted")
	}
	if r.Bot || strings.HasSuffix(strings.ToLower(r.By), "[bot]") || strings.EqualFold(r.By, c.change.rules.BotLogin) {
		return "", dr.T("vote.bot")
	}
	p, ok := c.change.rules.People.ByLogin(r.By)
	if !ok {
		return "", dr.T("vote.stranger")
	}
	if r.Another {
		return p.Name, dr.T("vote.another-account", "login", r.By)
	}
	return p.Name, c.ineligible(p)
}

func orDeleted(name string) dr.Arg {
	if name == "" {
		return dr.ArgOf(dr.T("word.deleted-account"))
	}
	return dr.ArgOf(name)
}

// requests tells a review that asks for changes, or did until it was dismissed. One of
// which nobody knows what it said is taken for one.
func requests(r dr.Review) bool {
	return r.State == dr.ChangesRequested || r.State == dr.Dismissed && r.Was != dr.Approved && r.Was != dr.Commented
}

// blocked tells whether one of a person's requests for changes stands: no later approval
// of that person answers it, and nobody has dismissed it who may.
func (c *count) blocked(person string, reviews []dr.Review) bool {
	stands := false
	for i, r := range reviews {
		if !requests(r) {
			continue
		}
		lifted := r.State == dr.Dismissed && c.lifted(person, r)
		answered := slices.ContainsFunc(reviews[i+1:], func(later dr.Review) bool {
			yes := later.State == dr.Approved || later.State == dr.Dismissed && later.Was == dr.Approved
			return yes && !later.At.Before(r.At)
		})
		stands = stands || !lifted && !answered
	}
	return stands
}

// lifted tells whether the dismissal of a request for changes counts. The requester must
// not be judge in the own cause, and who is not known may be the requester.
func (c *count) lifted(person string, r dr.Review) bool {
	by, known := c.change.rules.People.ByLogin(r.DismissedBy)
	lifts, says := false, dr.Text{}
	switch {
	case r.DismissedBy == "":
		says = dr.T("vote.dismissed.nobody", "who", person)
	case r.DismissedByAnother:
		says = dr.T("vote.dismissed.another", "who", person, "login", r.DismissedBy)
	case !known:
		says = dr.T("vote.dismissed.stranger", "who", person, "login", r.DismissedBy)
	case c.isRequester(by):
		says = dr.T("vote.dismissed.requester", "who", person, "by", by.Name)
	case c.late(r.DismissedAt):
		says = dr.T("vote.dismissed.after-merge", "who", person, "by", by.Name)
	default:
		lifts, says = true, dr.T("vote.dismissed", "who", person, "by", by.Name)
	}
	if !slices.ContainsFunc(c.dismissals, says.Same) {
		c.dismissals = append(c.dismissals, says)
	}
	return lifts
}

// judge finds what a person says. A login that may not write takes no part in a
// block; yet it can be the latest word of its owner, and then nothing older
// approves in its place.
func (c *count) judge(person string, all []dr.Review) vote {
	writers := slices.DeleteFunc(slices.Clone(all), func(r dr.Review) bool { return !c.canWrite(r.By) })
	stands := c.blocked(person, writers)
	if o, ok := opinion(writers); stands || ok && o.State == dr.ChangesRequested {
		return blocks
	}
	o, ok := opinion(all)
	if !ok {
		return nothing
	}
	unheard := dr.T("vote.no-write.approval", "who", person, "login", o.By)
	if o.State == dr.ChangesRequested {
		unheard = dr.T("vote.no-write.block", "who", person, "login", o.By)
	}
	switch {
	case !c.canWrite(o.By):
		c.ignore(person, dr.T("vote.no-write", "login", o.By), unheard)
	case o.State == dr.ChangesRequested:
		return blocks
	case o.HeadSHA != c.change.rules.Head:
		c.ignore(person, dr.T("vote.older", "commit", short(o.HeadSHA)), dr.T("vote.older.says", "who", person, "commit", short(o.HeadSHA)))
	case slices.Contains(c.change.rules.Recorded, o.ID):
		c.ignore(person, dr.T("vote.before-plan"), dr.T("vote.before-plan.says", "who", person))
	case slices.Contains(c.change.rules.Misled, o.ID):
		c.ignore(person, dr.T("vote.misled"), dr.T("vote.misled.says", "who", person))
	default:
		return approves
	}
	return nothing
}

// opinion is the latest of one person's reviews, given by id; none when that was
// dismissed. Two logins of a person may have drafts open at once, and a draft has
// its id before it is submitted: so a request for changes yields only to an
// approval that is later by id and not earlier by time.
func opinion(reviews []dr.Review) (dr.Review, bool) {
	if len(reviews) == 0 {
		return dr.Review{}, false
	}
	last := reviews[len(reviews)-1]
	for _, r := range slices.Backward(reviews) {
		if r.State == dr.ChangesRequested && r.At.After(last.At) {
			last = r
		}
	}
	return last, last.State != dr.Dismissed
}
