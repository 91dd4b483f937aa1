package policies

import (
	"slices"
	"strings"

	"github.com/drbot/drbot/dr"
)

// ApprovalRules is what one change's approvals are counted by.
type ApprovalRules struct {
	People    dr.People
	Approvers []string  // persons who may approve
	Requester string    // the person who asked for the run; never counts
	Asked     dr.Person // the same as the configuration had it then, whatever the name is by now
	Quorum    int       // two or more; less allows nothing
	Head      string    // the commit drbot made
	BaseRef   string    // the branch the change must go to
	File      string    // the one file it may touch
	WantFile  string    // the exact content of that file on the head
	Recorded  []int64   // reviews that existed when the current digest was posted; never count
	Misled    []int64   // reviews given while something else stood there than was posted; never count
	BotLogin  string    // who opens the change and makes its commit
}

// Count decides whether a change has the approvals it needs. It is a pure
// function of what was read from GitHub; the order in which reviews arrive does
// not matter.
//
// A person's latest opinion counts, over all of the person's logins. A comment is
// no opinion. A dismissed review is none either, and does not bring an older one
// back. An approval counts on the exact head and for the current digest alone; each
// request for changes blocks whatever it was given on, until its author approves or it
// is dismissed by somebody who is known and is not the requester. Who dismissed one is
// among the reasons, whatever comes of it.
func Count(state dr.ChangeState, rules ApprovalRules) dr.Approval {
	return (&count{change: change{state, rules}}).result()
}

func (c *count) result() dr.Approval {
	rules := c.change.rules
	a := dr.Approval{Needed: rules.Quorum}
	a.Policy = Revision()
	if why := c.change.broken(); !why.Empty() {
		a.Broken, a.Reasons = why, []dr.Text{why}
		return a
	}
	ballots := c.ballots()
	a.Ignored = c.ignored
	refusals := c.change.held()
	for _, b := range ballots {
		switch b.vote {
		case blocks:
			a.Blocked = append(a.Blocked, b.person)
			refusals = append(refusals, dr.T("vote.blocks", "who", b.person))
		case approves:
			a.By = append(a.By, b.person)
		}
	}
	a.Waiting = c.waiting(slices.Concat(a.By, a.Blocked))
	if missing := rules.Quorum - len(a.By); missing > 0 {
		refusals = append(refusals, dr.T("vote.needs", "n", missing, "commit", short(rules.Head)))
		if open := len(a.Waiting) + len(a.Blocked); open < missing {
			refusals = append(refusals, dr.T("vote.too-few", "n", open))
		}
	}
	if _, known := c.requester(); !known {
		refusals = append(refusals, dr.T("vote.requester-unknown", "who", orNobody(rules.Requester)))
	}
	a.Allowed = len(refusals) == 0
	if a.Allowed {
		refusals = []dr.Text{dr.T("vote.approved", "people", a.By, "commit", short(rules.Head))}
		c.remarks = nil
	}
	a.Reasons = slices.Concat(refusals, c.dismissals, c.remarks)
	return a
}

// count is one count at work.
type count struct {
	change  change
	merged  bool // it is: what was said after that does not count
	ignored []dr.IgnoredVoice
	remarks []dr.Text // the ignored voices as sentences

	dismissals []dr.Text // of requests for changes, and what each of them does
}

func (c *count) ignore(by string, reason, sentence dr.Text) {
	c.ignored = append(c.ignored, dr.IgnoredVoice{By: by, Reason: reason})
	c.remarks = append(c.remarks, sentence)
}

func (c *count) requester() (dr.Person, bool) {
	p, ok := c.change.rules.People.ByName(c.change.rules.Requester)
	if !ok {
		p = c.change.rules.Asked
		ok = slices.ContainsFunc(c.change.rules.People, p.Same)
	}
	return p, ok && len(p.GitHubLogins) > 0
}

// isRequester goes by every account of the requester, so that neither a second entry in
// the configuration nor another name makes a second person.
func (c *count) isRequester(p dr.Person) bool {
	if strings.EqualFold(p.Name, c.change.rules.Requester) {
		return true
	}
	r, _ := c.requester()
	return p.Same(r) || p.Same(c.change.rules.Asked)
}

// hasCommit tells whether a person had a hand in the branch.
func (c *count) hasCommit(p dr.Person) bool {
	return slices.ContainsFunc(c.change.state.Commits, func(k dr.Commit) bool {
		return p.HasLogin(k.Author) || p.HasLogin(k.Committer)
	})
}

// ineligible says why nothing this person says counts; empty when it may.
func (c *count) ineligible(p dr.Person) dr.Text {
	switch {
	case c.isRequester(p):
		return dr.T("vote.own")
	case c.hasCommit(p):
		return dr.T("vote.committer")
	case !slices.Contains(c.change.rules.Approvers, p.Name):
		return dr.T("vote.no-approver")
	}
	return dr.Text{}
}

// waiting lists the approvers who may still approve.
func (c *count) waiting(spoken []string) []string {
	var out []string
	for _, name := range c.change.rules.Approvers {
		p, ok := c.change.rules.People.ByName(name)
		if ok && len(p.GitHubLogins) > 0 && c.ineligible(p).Empty() && !slices.Contains(spoken, name) && !slices.Contains(out, name) {
			out = append(out, name)
		}
	}
	return out
}

func (c *count) canWrite(login string) bool {
	return slices.ContainsFunc(c.change.state.CanWrite, func(l string) bool { return strings.EqualFold(l, login) })
}

func short(sha string) string { return sha[:min(len(sha), 7)] }

func orNobody(name string) dr.Arg {
	if name == "" {
		return dr.ArgOf(dr.T("word.nobody"))
	}
	return dr.ArgOf(name)
}
