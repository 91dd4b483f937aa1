package view

import (
	"fmt"
	"strings"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/text"
)

// PullRequest writes the pages of a run's change: its description, the plan, the result.
// What people typed and what others' programs said is quoted for Markdown.
type PullRequest struct {
	Words text.Words
}

// words are those of the pages, with Markdown's marks.
func (p PullRequest) words() text.Words {
	return p.Words.Marked(text.Marks{Escape: func(s string) string { return plain(named(s)) }, Bold: "**", Code: code})
}

// named is what others named, short and with every character plain to see.
func named(s string) string { return middle(text.Unmask(s)) }

// Line is a text in one line without Markdown, as a commit status takes it.
func (p PullRequest) Line(t dr.Text) string { return text.OneLine(p.Words.Plain().Say(t)) }

// Change is the pull request as it is opened: its title, the message of its commit, and
// its description.
func (p PullRequest) Change(run dr.Run, s dr.Service) (title, message, body string) {
	title = p.Line(run.Title())
	message = title + "\n\n" + text.OneLine(run.Reason) + "\n\n" + p.Line(dr.T("pr.message.run", "run", run.Run))
	return title, message, p.body(run, s)
}

func (p PullRequest) body(run dr.Run, s dr.Service) string {
	w := p.words()
	var b strings.Builder
	asked := dr.Cmd(string(run.Kind), "service", run.Service, "region", string(run.Target), "mode", string(run.Mode), "reason", "…")
	fmt.Fprintf(&b, "%s\n\n", w.Code(w.Command(asked)))
	b.WriteString("| | |\n|---|---|\n")
	row := func(k dr.Text, v string) { fmt.Fprintf(&b, "| %s | %s |\n", w.Say(k), v) }
	row(dr.T("pr.what"), w.Say(dr.T("pr.what.value", "service", run.Service, "source", run.Source, "target", run.Target)))
	row(dr.T("pr.why"), plain(run.Reason))
	row(dr.T("pr.who"), w.Say(dr.T("pr.who.value", "who", run.Requester, "via", run.Via, "at", run.At.UTC().Format("2006-01-02 15:04:05 UTC"))))
	row(dr.T("pr.mode"), w.Say(dr.T(dr.TextID("pr.mode."+string(run.Mode)))))
	row(dr.T("pr.objectives"), w.Say(dr.T("pr.objectives.value", "rto", s.Objectives.RTO, "rpo", s.Objectives.RPO, "since", run.Since)))
	row(dr.T("pr.run"), w.Code(run.Run))
	if len(run.Accepts) > 0 {
		fmt.Fprintf(&b, "\n%s\n\n", w.Strong(dr.T("pr.accepts")))
		p.bullets(&b, run.Accepts)
	}
	fmt.Fprintf(&b, "\n<details><summary>%s</summary>\n\n| %s | | |\n|---|---|---|\n", w.Say(dr.T("pr.readiness")), w.Say(dr.T("pr.check")))
	for _, c := range run.Checks {
		fmt.Fprintf(&b, "| %s | %s | %s |\n", plain(c.Name), w.Say(c.Level.Text()), w.Say(c.Line()))
	}
	b.WriteString("\n</details>\n\n")
	quorum := run.Quorum
	if quorum == 0 {
		quorum = s.Quorum
	}
	fmt.Fprintf(&b, "%s %s\n", w.Say(dr.T("pr.approve", "n", quorum, "requester", run.Requester)),
		w.Say(dr.T("pr.stop", "command", dr.Cmd("cancel", "run", run.Run))))
	return b.String()
}

// Comment is a heading and what there is to say below it.
func (p PullRequest) Comment(title dr.Text, lines []dr.Text) string {
	var b strings.Builder
	fmt.Fprintf(&b, "### %s\n\n", p.words().Sentence(title))
	p.bullets(&b, lines)
	return b.String()
}

func (p PullRequest) bullets(b *strings.Builder, lines []dr.Text) {
	for _, l := range lines {
		b.WriteString(p.bullet(l))
	}
}

// bullet is a line of a list; nothing where there is nothing to say.
func (p PullRequest) bullet(l dr.Text) string {
	if said := p.words().Say(l); said != "" {
		return fmt.Sprintf("- %s\n", said)
	}
	return ""
}

// plain quotes what people typed for Markdown, so that it cannot be a mention, a
// link, an image, HTML or one of drbot's own comment markers.
func plain(s string) string {
	var b strings.Builder
	for _, r := range text.OneLine(s) {
		switch r {
		case '<':
			b.WriteString("&lt;")
		case '>':
			b.WriteString("&gt;")
		case '&':
			b.WriteString("&amp;")
		case '@':
			b.WriteString("@\u200b") // a zero-width space: names nobody
		case '\\', '`', '*', '_', '[', ']', '#', '|', '!', '~':
			b.WriteByte('\\')
			b.WriteRune(r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// code is a name or a command as it is; it can neither end its code nor be one of
// drbot's own comment markers.
func code(s string) string {
	return "`" + strings.NewReplacer("`", "'", "<!--", "<!- -").Replace(text.OneLine(s)) + "`"
}

// fence keeps a text from ending the code block it stands in.
func fence(s string) string { return strings.ReplaceAll(text.OneLine(named(s)), "```", "'''") }

// short is a commit as people know it.
func short(sha string) string { return sha[:min(len(sha), 7)] }
