package workflows

import (
	"fmt"
	"strings"

	"github.com/drbot/drbot/dr"
)

// list joins words for a sentence.
func list(words []string) string { return strings.Join(words, ", ") }

// oneLine takes line breaks and control characters out of what people typed.
func oneLine(s string) string {
	return strings.Join(strings.FieldsFunc(s, func(r rune) bool { return r == ' ' || r < ' ' || r == 0x7f }), " ")
}

// plain quotes what people typed for Markdown, so that it cannot be a mention, a
// link, an image, HTML or one of drbot's own comment markers.
func plain(s string) string {
	s = oneLine(s)
	var b strings.Builder
	for _, r := range s {
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

func changeTitle(req dr.Request) string {
	return fmt.Sprintf("%s %s to %s (%s)", dr.Capital(string(req.Kind)), req.Service, req.Target, req.Mode)
}

// changeBody is the description of the pull request.
func changeBody(run dr.Run, s dr.Service) string {
	var b strings.Builder
	fmt.Fprintf(&b, "`/dr %s %s %s %s`\n\n", run.Kind, run.Service, run.Target, run.Mode)
	fmt.Fprintf(&b, "| | |\n|---|---|\n")
	row := func(k, v string) { fmt.Fprintf(&b, "| %s | %s |\n", k, v) }
	row("What", fmt.Sprintf("`active_region` of **%s**: `%s` to `%s`", run.Service, run.Source, run.Target))
	row("Why", plain(run.Reason))
	row("Who", plain(run.Requester)+", by "+run.Via+", "+run.At.UTC().Format("2006-01-02 15:04:05 UTC"))
	row("Mode", modeText(run.Mode))
	row("Objectives", fmt.Sprintf("RTO %s, RPO %s; counted from %s", dr.Human(s.Objectives.RTO), dr.Human(s.Objectives.RPO), run.Since.UTC().Format("15:04:05 UTC")))
	row("Run", "`"+run.Run+"`")
	if len(run.Accepts) > 0 {
		b.WriteString("\n**Approving accepts:**\n\n")
		for _, a := range run.Accepts {
			fmt.Fprintf(&b, "- %s\n", plain(a))
		}
	}
	b.WriteString("\n<details><summary>Readiness</summary>\n\n| check | | |\n|---|---|---|\n")
	for _, c := range run.Checks {
		fmt.Fprintf(&b, "| %s | %s | %s |\n", c.Name, c.Level, plain(c.Line()))
	}
	b.WriteString("\n</details>\n\n")
	fmt.Fprintf(&b, "Two people other than %s approve this exact commit by a review here; then drbot merges, promotes the database, applies, and verifies. ", plain(run.Requester))
	fmt.Fprintf(&b, "To stop it: `/dr cancel %s` in Slack, request changes, or close this pull request. Nothing is changed before the merge.\n", run.Run)
	return b.String()
}

func modeText(m dr.Mode) string {
	if m == dr.Planned {
		return "planned: a switchover, no data loss, both Regions up"
	}
	return "**disaster**: a failover, data loss accepted"
}

func countsLine(plans dr.Plans) string {
	var c dr.Counts
	for _, p := range plans {
		n := p.Counts()
		c.Add, c.Change, c.Destroy = c.Add+n.Add, c.Change+n.Change, c.Destroy+n.Destroy
	}
	stacks := "stacks"
	if len(plans) == 1 {
		stacks = "stack"
	}
	return fmt.Sprintf("%d to add, %d to change, %d to destroy in %d %s", c.Add, c.Change, c.Destroy, len(plans), stacks)
}

// planRows bounds the lines of a plan shown for one stack; the counts say how
// many there are in all.
const planRows = 200

// planComment is the comment that carries the plan and its digest. It names
// addresses, actions and attributes, never values.
func planComment(run dr.Run, plans dr.Plans, digest string, d dr.Decision) string {
	var b strings.Builder
	fmt.Fprintf(&b, "### Plan of `%s` at %s\n\n", run.Run, short(run.Change.Head))
	b.WriteString("| stack | add | change | destroy |\n|---|---|---|---|\n")
	for _, p := range plans {
		c := p.Counts()
		fmt.Fprintf(&b, "| %s | %d | %d | %d |\n", p.Stack, c.Add, c.Change, c.Destroy)
	}
	b.WriteString("\n")
	if d.Allowed {
		fmt.Fprintf(&b, "Policy: allowed (%s)\n\n", d.Policy)
	} else {
		fmt.Fprintf(&b, "Policy: **denied** (%s): %s\n\n", d.Policy, plain(list(d.Reasons)))
	}
	for _, p := range plans {
		fmt.Fprintf(&b, "<details><summary>%s: %d changes</summary>\n\n```\n", p.Stack, len(p.Changes))
		for i, c := range p.Changes {
			if i == planRows {
				fmt.Fprintf(&b, "... and %d more\n", len(p.Changes)-planRows)
				break
			}
			fmt.Fprintf(&b, "%s %s", strings.Join(c.Actions, "+"), fence(c.Address))
			if names := c.PathNames(); len(names) > 0 && c.Actions[0] == "update" {
				fmt.Fprintf(&b, " (%s)", fence(list(names)))
			}
			b.WriteByte('\n')
		}
		b.WriteString("```\n\n</details>\n\n")
	}
	fmt.Fprintf(&b, "Digest `%s`: what an approval from here on covers. Reviews given before this comment's last change do not count.\n", digest)
	return b.String()
}

// fence keeps a text from ending the code block it stands in.
func fence(s string) string { return strings.ReplaceAll(oneLine(s), "```", "'''") }
