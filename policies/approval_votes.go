package policies

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

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
		if why != "" {
			name := cmp.Or(person, r.By, "a deleted account")
			if key := strings.ToLower(name); !voices[key] {
				voices[key] = true
				c.ignore(name, why, name+" "+why)
			}
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

// opinions are the reviews that say something, by id: ids grow with submission
// whatever order GitHub lists them in.
func (c *count) opinions() []dr.Review {
	var out []dr.Review
	for _, r := range c.state.Reviews {
		switch r.State {
		case dr.Approved, dr.ChangesRequested, dr.Dismissed:
			out = append(out, r)
		}
	}
	slices.SortFunc(out, func(a, b dr.Review) int { return cmp.Compare(a.ID, b.ID) })
	return out
}

// whose finds the person of a review, or why it is nobody's who may approve.
func (c *count) whose(r dr.Review) (person, why string) {
	if r.By == "" {
		return "", "reviewed, and who that was is not known any more"
	}
	if r.Bot || strings.HasSuffix(strings.ToLower(r.By), "[bot]") || strings.EqualFold(r.By, c.rules.BotLogin) {
		return "", "is a bot, and only people count"
	}
	p, ok := c.rules.People.ByLogin(r.By)
	if !ok {
		return "", "is nobody the configuration knows"
	}
	return p.Name, c.ineligible(p)
}

// judge finds what a person says. A login that may not write takes no part in a
// block; yet it can be the latest word of its owner, and then nothing older
// approves in its place.
func (c *count) judge(person string, all []dr.Review) vote {
	writers := slices.DeleteFunc(slices.Clone(all), func(r dr.Review) bool { return !c.canWrite(r.By) })
	if o, ok := opinion(writers); ok && o.State == dr.ChangesRequested {
		return blocks
	}
	o, ok := opinion(all)
	if !ok {
		return nothing
	}
	what := "approval"
	if o.State == dr.ChangesRequested {
		what = "change request"
	}
	switch {
	case !c.canWrite(o.By):
		c.ignore(person, "has no write access to the repository as "+o.By,
			fmt.Sprintf("%s's %s does not count: %s has no write access to the repository", person, what, o.By))
	case o.State == dr.ChangesRequested:
		return blocks
	case o.HeadSHA != c.rules.Head:
		c.ignore(person, "the approval is for an older commit, "+short(o.HeadSHA),
			fmt.Sprintf("%s's approval is for an older commit, %s", person, short(o.HeadSHA)))
	case slices.Contains(c.rules.Recorded, o.ID):
		c.ignore(person, "the approval was given before the current plan was posted",
			fmt.Sprintf("%s's approval was given before the current plan was posted", person))
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
