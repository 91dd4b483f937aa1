package policies

import (
	"testing"

	"github.com/drbot/drbot/dr"
)

func state(change func(*dr.ChangeState)) *world {
	return newWorld().both().with(func(w *world) { change(&w.state) })
}

func rules(change func(*ApprovalRules)) *world {
	return newWorld().both().with(func(w *world) { change(&w.rules) })
}

func commits(list ...dr.Commit) *world {
	return state(func(s *dr.ChangeState) { s.Commits = list })
}

func files(list ...dr.FileChange) *world {
	return state(func(s *dr.ChangeState) { s.Files = list })
}

// Two good approvals are there in every row: none of them may help.
func TestCountBrokenChange(t *testing.T) {
	bot := dr.Commit{SHA: head, Author: "drbot", Committer: "drbot"}
	flip := dr.FileChange{Path: file, Status: "modified"}
	for _, r := range []row{
		{name: "02 a quorum of zero", world: rules(func(r *ApprovalRules) { r.Quorum = 0 }), broken: "the quorum is 0"},
		{name: "02 a quorum of one", world: rules(func(r *ApprovalRules) { r.Quorum = 1 }), broken: "the quorum is 1"},
		{name: "08 somebody's commit on top", world: commits(bot, dr.Commit{SHA: older, Author: "bob-gh", Committer: "bob-gh"}), broken: "2 commits"},
		{name: "08 somebody's commit instead", world: commits(dr.Commit{SHA: head, Author: "bob-gh", Committer: "bob-gh"}), broken: "is by bob-gh"},
		{name: "09 another committer", world: commits(dr.Commit{SHA: head, Author: "drbot", Committer: "bob-gh"}), broken: "committed by bob-gh"},
		{name: "09 made on GitHub's page", world: commits(dr.Commit{SHA: head, Author: "bob-gh", Committer: "web-flow"}), broken: "is by bob-gh"},
		{name: "10 unknown author", world: commits(dr.Commit{SHA: older, Committer: "drbot"}), broken: "does not know who made"},
		{name: "10 unknown committer of a second", world: commits(bot, dr.Commit{SHA: older, Author: "drbot"}), broken: "does not know who made"},
		{name: "no commit", world: commits(), broken: "0 commits"},
		{name: "another commit", world: commits(dr.Commit{SHA: older, Author: "drbot", Committer: "drbot"}), broken: "not the one drbot made"},
		{name: "14 branch updated from its base", world: state(func(s *dr.ChangeState) { s.Head = older }), broken: "its head is 12ab34c"},
		{name: "36, case github 16: retargeted", world: state(func(s *dr.ChangeState) { s.BaseRef = "develop" }), broken: "it goes to develop"},
		{name: "37 one more file", world: files(flip, dr.FileChange{Path: ".terraform.lock.hcl", Status: "modified"}), broken: "changes .terraform.lock.hcl besides"},
		{name: "37 another file", world: files(dr.FileChange{Path: "main.tf", Status: "modified"}), broken: "changes main.tf"},
		{name: "37 the same path in another case", world: files(dr.FileChange{Path: "Live/portal/active_region.auto.tfvars", Status: "modified"}), broken: "besides"},
		{name: "37 the file removed", world: files(dr.FileChange{Path: file, Status: "removed"}), broken: "is removed"},
		{name: "37 the file renamed", world: files(dr.FileChange{Path: file, Status: "renamed"}), broken: "is renamed"},
		{name: "37 listed twice", world: files(flip, flip), broken: "2 times"},
		{name: "37 no file", world: files(), broken: "changes nothing"},
		{name: "37 another content", world: state(func(s *dr.ChangeState) { s.HeadFile += "extra = 1\n" }), broken: "another content"},
		{name: "39 a fork", world: state(func(s *dr.ChangeState) { s.SameRepo = false }), broken: "another repository"},
		{name: "40 the head moved", world: state(func(s *dr.ChangeState) { s.Head = older }), broken: "not the commit drbot made"},
		{name: "41 closed", world: state(func(s *dr.ChangeState) { s.Open = false }), broken: "closed"},
		{name: "41 merged by hand", world: state(func(s *dr.ChangeState) { s.Open, s.Merged, s.MergedBy = false, true, "bob-gh" }), broken: "merged already, by bob-gh"},
		{name: "41 merged by an account that is gone", world: state(func(s *dr.ChangeState) { s.Merged = true }), broken: "by somebody"},
		{name: "41 branch deleted", world: state(func(s *dr.ChangeState) { s.BranchGone = true }), broken: "branch was deleted"},
		{name: "opened by somebody else", world: state(func(s *dr.ChangeState) { s.Author = "bob-gh" }), broken: "opened by bob-gh"},
		{name: "rules without a head", world: rules(func(r *ApprovalRules) { r.Head = "" }), broken: "not known what"},
		{name: "rules without content", world: rules(func(r *ApprovalRules) { r.WantFile = "" }), broken: "not known what"},
		{name: "nothing at all", world: &world{}, broken: "the quorum is 0"},
	} {
		t.Run(r.name, r.check)
	}
}

// What holds a change up and leaves it the one drbot made: the approvals are kept.
func TestCountHeldChange(t *testing.T) {
	draft := func(s *dr.ChangeState) { s.Draft = true }
	for _, r := range []row{
		{name: "35, case github 12: a draft waits", world: state(draft), by: "bob,carol", says: "it was made a draft"},
		{name: "12 a draft no more", world: state(func(s *dr.ChangeState) { draft(s); s.Draft = false }), allowed: true, by: "bob,carol"},
		{name: "12 a draft whose head moved is another change", world: state(func(s *dr.ChangeState) { draft(s); s.Head = older }), broken: "its head is 12ab34c"},
		{name: "case github 11: the bot's address is nobody's", world: commits(dr.Commit{SHA: head}), by: "bob,carol",
			says: "GitHub does not know drbot's own commit 3f2c91a for one of drbot: the e-mail address it carries has to belong to that account"},
		{name: "11 of its author alone", world: commits(dr.Commit{SHA: head, Committer: "web-flow"}), by: "bob,carol", says: "e-mail address"},
		{name: "11 of its committer alone", world: commits(dr.Commit{SHA: head, Author: "drbot"}), by: "bob,carol", says: "e-mail address"},
		{name: "11 and somebody else's hand in it", world: commits(dr.Commit{SHA: head, Author: "bob-gh"}), broken: "is by bob-gh"},
		{name: "11 and a committer who is not the bot", world: commits(dr.Commit{SHA: head, Committer: "bob-gh"}), broken: "committed by bob-gh"},
		{name: "11 and another commit", world: commits(dr.Commit{SHA: head}, dr.Commit{SHA: older, Author: "drbot", Committer: "drbot"}), broken: "2 commits"},
	} {
		t.Run(r.name, r.check)
	}
}

func TestCountTakesTheBotsOwnCommit(t *testing.T) {
	for _, r := range []row{
		{name: "04 the bot in another letter case", world: commits(dr.Commit{SHA: head, Author: "DRbot", Committer: "drbot"}), allowed: true, by: "bob,carol"},
		{name: "09 signed by GitHub for the bot", world: commits(dr.Commit{SHA: head, Author: "drbot", Committer: "web-flow"}), allowed: true, by: "bob,carol"},
	} {
		t.Run(r.name, r.check)
	}
}

// The fixed rules exclude whoever has a commit even if the check of the branch
// were to let that commit pass.
func TestCountExcludesCommitters(t *testing.T) {
	c := &count{change: change{dr.ChangeState{Commits: []dr.Commit{{Author: "Bob-Work", Committer: "carol-gh"}}}, newWorld().rules}}
	for _, p := range c.change.rules.People[1:3] {
		if why := c.ineligible(p); why.Empty() {
			t.Errorf("%s has a commit and may approve", p.Name)
		}
	}
}
