package policies

import (
	"strings"

	"github.com/drbot/drbot/dr"
)

// webFlow is the account GitHub itself commits by, as when it signs for an App.
const webFlow = "web-flow"

// change is a pull request and what it must be.
type change struct {
	state dr.ChangeState
	rules ApprovalRules
}

// broken says why the change is not, or no longer, the one drbot made; empty
// when it is. No approval helps a change that is broken.
func (c change) broken() dr.Text {
	s, r := c.state, c.rules
	switch {
	case r.Quorum < 2:
		return dr.T("broken.quorum", "quorum", r.Quorum)
	case r.Head == "" || r.BaseRef == "" || r.File == "" || r.WantFile == "" || r.BotLogin == "":
		return dr.T("broken.unknown")
	case s.Merged:
		return dr.T("broken.merged", "who", orSomebody(s.MergedBy))
	case !s.Open:
		return dr.T("broken.closed")
	case s.BranchGone:
		return dr.T("broken.branch-gone")
	case !s.SameRepo:
		return dr.T("broken.repository")
	case s.BaseRef != r.BaseRef:
		return dr.T("broken.base", "now", s.BaseRef, "base", r.BaseRef)
	case !strings.EqualFold(s.Author, r.BotLogin):
		return dr.T("broken.author", "who", orSomebody(s.Author))
	case s.Head != r.Head:
		return dr.T("broken.head", "head", short(s.Head), "commit", short(r.Head))
	}
	if why := c.brokenCommits(); !why.Empty() {
		return why
	}
	return c.brokenFiles()
}

// held says why a change that is as drbot made it cannot be merged yet: its approvals are
// kept until that is mended.
func (c change) held() (why []dr.Text) {
	if c.state.Draft {
		why = append(why, dr.T("broken.draft"))
	}
	if len(c.state.Commits) == 1 && nobodys(c.state.Commits[0]) {
		why = append(why, dr.T("held.commit-nobody", "commit", short(c.rules.Head), "bot", c.rules.BotLogin))
	}
	return why
}

// nobodys tells that GitHub knows no account for an address of a commit.
func nobodys(k dr.Commit) bool { return k.Author == "" || k.Committer == "" }

// brokenCommits looks for anything but the bot's one commit. A commit whose author or
// committer GitHub cannot name may be anybody's, but for the one drbot made: its SHA is known.
func (c change) brokenCommits() dr.Text {
	for _, k := range c.state.Commits {
		if nobodys(k) && k.SHA != c.rules.Head {
			return dr.T("broken.commit-nobody", "commit", short(k.SHA))
		}
	}
	if n := len(c.state.Commits); n != 1 {
		return dr.T("broken.commits", "n", n)
	}
	k, bot := c.state.Commits[0], c.rules.BotLogin
	switch {
	case k.SHA != c.rules.Head:
		return dr.T("broken.commit-other", "now", short(k.SHA), "commit", short(c.rules.Head))
	case k.Author != "" && !strings.EqualFold(k.Author, bot):
		return dr.T("broken.commit-author", "commit", short(k.SHA), "who", k.Author)
	case k.Committer != "" && !strings.EqualFold(k.Committer, bot) && !strings.EqualFold(k.Committer, webFlow):
		return dr.T("broken.committer", "commit", short(k.SHA), "who", k.Committer)
	}
	return dr.Text{}
}

func (c change) brokenFiles() dr.Text {
	files := c.state.Files
	if len(files) == 0 {
		return dr.T("broken.nothing")
	}
	for _, f := range files {
		switch {
		case f.Path != c.rules.File:
			return dr.T("broken.files", "path", dr.Foreign(f.Path), "file", c.rules.File)
		case f.Status != "modified":
			return dr.T("broken.status", "path", dr.Foreign(f.Path), "status", dr.Foreign(f.Status))
		}
	}
	if len(files) > 1 {
		return dr.T("broken.twice", "file", c.rules.File, "n", len(files))
	}
	if c.state.HeadFile != c.rules.WantFile {
		return dr.T("broken.content", "file", c.rules.File)
	}
	return dr.Text{}
}

func orSomebody(login string) dr.Arg {
	if login == "" {
		return dr.ArgOf(dr.T("word.somebody"))
	}
	return dr.ArgOf(login)
}
