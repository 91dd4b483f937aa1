package policies

import (
	"fmt"
	"strings"
)

// webFlow is the account GitHub itself commits by, as when it signs for an App.
const webFlow = "web-flow"

// broken says why the change is not, or no longer, the one drbot made; empty
// when it is. No approval helps a change that is broken.
func (c *count) broken() string {
	s, r := c.state, c.rules
	switch {
	case r.Quorum < 2:
		return fmt.Sprintf("the quorum is %d: less than two approvals are never enough", r.Quorum)
	case r.Head == "" || r.BaseRef == "" || r.File == "" || r.WantFile == "" || r.BotLogin == "":
		return "it is not known what the change must look like"
	case s.Merged:
		return "it was merged already, by " + orSomebody(s.MergedBy)
	case !s.Open:
		return "it was closed"
	case s.BranchGone:
		return "its branch was deleted"
	case s.Draft:
		return "it was made a draft"
	case !s.SameRepo:
		return "its branch is in another repository"
	case s.BaseRef != r.BaseRef:
		return fmt.Sprintf("it goes to %s now, not to %s", s.BaseRef, r.BaseRef)
	case !strings.EqualFold(s.Author, r.BotLogin):
		return "it was opened by " + orSomebody(s.Author) + ", not by drbot"
	case s.Head != r.Head:
		return fmt.Sprintf("its head is %s, not the commit drbot made, %s", short(s.Head), short(r.Head))
	}
	if why := c.brokenCommits(); why != "" {
		return why
	}
	return c.brokenFiles()
}

// brokenCommits looks for anything but the bot's one commit. A commit whose
// author or committer GitHub cannot name may be anybody's.
func (c *count) brokenCommits() string {
	for _, k := range c.state.Commits {
		if k.Author == "" || k.Committer == "" {
			return fmt.Sprintf("GitHub does not know who made the commit %s", short(k.SHA))
		}
	}
	if n := len(c.state.Commits); n != 1 {
		return fmt.Sprintf("it has %d commits, not the one drbot made", n)
	}
	k, bot := c.state.Commits[0], c.rules.BotLogin
	switch {
	case k.SHA != c.rules.Head:
		return fmt.Sprintf("its commit is %s, not the one drbot made, %s", short(k.SHA), short(c.rules.Head))
	case !strings.EqualFold(k.Author, bot):
		return fmt.Sprintf("the commit %s is by %s, not by drbot", short(k.SHA), k.Author)
	case !strings.EqualFold(k.Committer, bot) && !strings.EqualFold(k.Committer, webFlow):
		return fmt.Sprintf("the commit %s was committed by %s, not by drbot", short(k.SHA), k.Committer)
	}
	return ""
}

func (c *count) brokenFiles() string {
	files := c.state.Files
	if len(files) == 0 {
		return "it changes nothing any more"
	}
	for _, f := range files {
		switch {
		case f.Path != c.rules.File:
			return fmt.Sprintf("it changes %s besides %s", f.Path, c.rules.File)
		case f.Status != "modified":
			return fmt.Sprintf("%s is %s, not modified", f.Path, f.Status)
		}
	}
	if len(files) > 1 {
		return fmt.Sprintf("it lists %s %d times", c.rules.File, len(files))
	}
	if c.state.HeadFile != c.rules.WantFile {
		return fmt.Sprintf("%s has another content than the one drbot wrote", c.rules.File)
	}
	return ""
}

func orSomebody(login string) string {
	if login == "" {
		return "somebody"
	}
	return login
}
