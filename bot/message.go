package bot

import (
	"fmt"
	"strings"
	"time"

	"github.com/slack-go/slack"

	"github.com/drbot/drbot/dr"
)

// Limits of Block Kit, from docs.slack.dev/reference/block-kit: a message that is
// over one is refused whole, so everything is cut to fit.
const (
	maxSection = 3000
	maxHeader  = 150
	maxButton  = 2000
	maxDetail  = 110
	mostListed = 5 // entries of one kind; the record has them all
)

// escape makes text safe for mrkdwn: Slack takes these three as control characters.
func escape(s string) string { return fit(s, maxSection) }

// fit escapes a text and cuts it so that the escaped form, which is what Slack
// counts, has at most n characters and no torn escape.
func fit(s string, n int) string {
	var b strings.Builder
	size := 0
	for _, r := range s {
		esc := string(r)
		switch r {
		case '&':
			esc = "&amp;"
		case '<':
			esc = "&lt;"
		case '>':
			esc = "&gt;"
		}
		add := 1
		if r == '&' || r == '<' || r == '>' {
			add = len(esc)
		}
		if size+add > n-1 {
			b.WriteString("…")
			return b.String()
		}
		b.WriteString(esc)
		size += add
	}
	return b.String()
}

func mrkdwn(s string) *slack.TextBlockObject {
	return slack.NewTextBlockObject(slack.MarkdownType, short(s, maxSection), false, false)
}

func plainText(s string, n int) *slack.TextBlockObject {
	return slack.NewTextBlockObject(slack.PlainTextType, short(s, n), true, false)
}

// RunMessage is the one message of a run: its text for notifications, and its
// blocks. It is a pure function of the record and the time.
func RunMessage(run dr.Run, now time.Time) (string, []slack.Block) {
	title := fmt.Sprintf("%s %s to %s (%s)", dr.Capital(string(run.Kind)), run.Service, run.Target, run.Mode)
	text := fmt.Sprintf("%s: %s", title, run.State)
	blocks := []slack.Block{
		slack.NewHeaderBlock(plainText(stateEmoji(run.State)+" "+title, maxHeader)),
		slack.NewSectionBlock(mrkdwn(summary(run, now)), nil, nil),
	}
	if s := approvalText(run); s != "" {
		blocks = append(blocks, slack.NewSectionBlock(mrkdwn(s), nil, nil))
	}
	blocks = append(blocks, slack.NewSectionBlock(mrkdwn(stepsText(run, now)), nil, nil))
	if run.Progress != nil {
		blocks = append(blocks, slack.NewSectionBlock(mrkdwn(progressText(*run.Progress)), nil, nil))
	}
	if s := outcomeText(run); s != "" {
		blocks = append(blocks, slack.NewSectionBlock(mrkdwn(s), nil, nil))
	}
	if b := buttons(run); b != nil {
		blocks = append(blocks, b)
	}
	foot := fmt.Sprintf("run `%s` · requested <!date^%d^{date_short_pretty} {time_secs}|%s>", run.Run, run.At.Unix(), run.At.UTC().Format(time.RFC3339))
	blocks = append(blocks, slack.NewContextBlock("", mrkdwn(foot)))
	return text, blocks
}

func stateEmoji(s dr.RunState) string {
	switch s {
	case dr.RunSucceeded:
		return "✅"
	case dr.RunPaused:
		return "⏸️"
	case dr.RunWaiting:
		return "⏳"
	case dr.RunRunning:
		return "🔄"
	case dr.RunStopped:
		return "🛑"
	default:
		return "⚪"
	}
}

func summary(run dr.Run, now time.Time) string {
	var b strings.Builder
	fmt.Fprintf(&b, "*%s → %s*, requested by *%s*: %s\n", run.Source, run.Target, escape(run.Requester), fit(run.Reason, 500))
	end := now
	if !run.Ended.IsZero() {
		end = run.Ended
	}
	fmt.Fprintf(&b, "*%s* · %s since the request", run.State, dr.Human(end.Sub(run.Requested())))
	if !run.State.Final() && run.Objective.RTO > 0 {
		fmt.Fprintf(&b, " · %s left of the RTO of %s", dr.Human(run.Objective.RTO-now.Sub(run.Began())), dr.Human(run.Objective.RTO))
	}
	if run.Change.URL != "" {
		fmt.Fprintf(&b, " · <%s|#%d>", run.Change.URL, run.Change.Number)
	}
	if run.PlanLine != "" {
		fmt.Fprintf(&b, " · %s", escape(run.PlanLine))
	}
	for _, a := range run.Accepts[:min(len(run.Accepts), mostListed)] {
		if run.MergeSHA == "" {
			fmt.Fprintf(&b, "\n⚠️ approving accepts: %s", fit(a, 200))
		} else {
			fmt.Fprintf(&b, "\naccepted: %s", fit(a, 200))
		}
	}
	return b.String()
}

func approvalText(run dr.Run) string {
	a := run.Approval
	if a.Needed == 0 {
		return ""
	}
	var b strings.Builder
	fmt.Fprintf(&b, "*Approvals %d of %d*", len(a.By), a.Needed)
	if len(a.By) > 0 {
		fmt.Fprintf(&b, ": %s", escape(strings.Join(a.By, ", ")))
	}
	if run.State == dr.RunWaiting {
		if len(a.Blocked) > 0 {
			fmt.Fprintf(&b, "\n🛑 changes requested by %s", escape(strings.Join(a.Blocked, ", ")))
		}
		for _, reason := range a.Reasons[:min(len(a.Reasons), mostListed)] {
			fmt.Fprintf(&b, "\n• %s", fit(reason, 200))
		}
		if len(a.Waiting) > 0 {
			fmt.Fprintf(&b, "\nwho may: %s", fit(strings.Join(a.Waiting, ", "), 300))
		}
		for _, v := range a.Ignored[:min(len(a.Ignored), mostListed)] {
			fmt.Fprintf(&b, "\n_%s does not count: %s_", escape(v.By), fit(v.Reason, 150))
		}
		if !run.Expires.IsZero() {
			fmt.Fprintf(&b, "\nexpires <!date^%d^{time}|%s>", run.Expires.Unix(), run.Expires.UTC().Format("15:04 UTC"))
		}
	}
	return b.String()
}

func stepsText(run dr.Run, now time.Time) string {
	var lines []string
	for _, s := range run.Steps {
		if s.State == dr.StepPending && run.State.Final() {
			continue
		}
		line := stepEmoji(s.State) + " " + s.Name
		if !s.Started.IsZero() && s.State != dr.StepPending {
			line += " · " + dr.Human(s.Took(now))
		}
		if s.Detail != "" {
			line += " · " + fit(s.Detail, maxDetail)
		}
		lines = append(lines, line)
	}
	if len(lines) == 0 {
		return "starting"
	}
	return strings.Join(lines, "\n")
}

func stepEmoji(s dr.StepState) string {
	switch s {
	case dr.StepDone:
		return "✅"
	case dr.StepRunning:
		return "🔄"
	case dr.StepFailed:
		return "❌"
	case dr.StepSkipped:
		return "⏭️"
	default:
		return "▫️"
	}
}

// barCells is the width of the progress bar.
const barCells = 20

func progressText(p dr.Progress) string {
	filled := 0
	if p.Total > 0 {
		filled = min(barCells, barCells*p.Done/p.Total)
	}
	bar := strings.Repeat("█", filled) + strings.Repeat("░", barCells-filled)
	s := fmt.Sprintf("`%s` %d/%d %s", bar, p.Done, p.Total, escape(p.Stack))
	if p.Current != "" {
		s += " · `" + fit(strings.ReplaceAll(p.Current, "`", "'"), 150) + "`"
	}
	return s
}

func outcomeText(run dr.Run) string {
	if run.Result != nil && run.State == dr.RunSucceeded {
		r := run.Result
		s := fmt.Sprintf("*%s is active in %s.* RTA *%s* of RTO %s", escape(run.Service), run.Target, r.Took(), dr.Human(r.RTO))
		switch {
		case run.Mode == dr.Planned && r.RPAKnown:
			s += " · RPA *0*"
		case r.RPAKnown:
			s += fmt.Sprintf(" · RPA about *%s* of RPO %s", dr.Human(r.RPA), dr.Human(r.RPO))
		default:
			s += " · RPA *unknown*"
		}
		return s
	}
	if run.Outcome == "" {
		return ""
	}
	s := fit(run.Outcome, 1200)
	if run.Question != nil {
		s = "*Paused at " + fit(run.Question.Step, 100) + ".* " + s + "\n" + fit(run.Question.Means, 500)
		if len(run.Question.Votes) > 0 {
			s += fmt.Sprintf("\nskip: %s; %d needed", escape(strings.Join(run.Question.Votes, ", ")), run.Question.Needed)
		}
	}
	if run.Hint != "" {
		s += "\n→ " + fit(run.Hint, 500)
	}
	return s
}

// Action ids of the buttons.
const (
	actionCancel = "drbot_cancel"
	actionAnswer = "drbot_answer_" // followed by the answer
	actionOpen   = "drbot_open"
)

// buttons are what can be done with a run now. Each asks again before it acts,
// and is authorised when it is pressed.
func buttons(run dr.Run) *slack.ActionBlock {
	var els []slack.BlockElement
	if run.Change.URL != "" && !run.State.Final() && run.MergeSHA == "" {
		els = append(els, slack.NewButtonBlockElement(actionOpen, run.Run, plainText("Review the pull request", 75)).WithURL(run.Change.URL))
	}
	if q := run.Question; q != nil {
		for _, a := range q.Answers {
			value := fmt.Sprintf("%s|%d", run.Run, q.Number)
			b := slack.NewButtonBlockElement(actionAnswer+a, value, plainText(dr.Capital(a), 75)).
				WithConfirm(confirm(dr.Capital(a)+"?", dr.Capital(a)+" "+q.Step+" of "+run.Run))
			if a == "retry" {
				b = b.WithStyle(slack.StylePrimary)
			}
			els = append(els, b)
		}
	} else if run.State == dr.RunWaiting {
		els = append(els, slack.NewButtonBlockElement(actionCancel, run.Run, plainText("Cancel", 75)).
			WithStyle(slack.StyleDanger).WithConfirm(confirm("Cancel?", "Nothing has been changed; the pull request is closed.")))
	}
	if len(els) == 0 {
		return nil
	}
	return slack.NewActionBlock("drbot_actions", els...)
}

func confirm(title, text string) *slack.ConfirmationBlockObject {
	return slack.NewConfirmationBlockObject(plainText(title, 100), plainText(text, 300), plainText("Yes", 30), plainText("No", 30))
}

// NoteMessage is a reply in a run's thread or a scheduled report.
func NoteMessage(n dr.Note, mention func(person string) string) (string, []slack.Block) {
	text := short(n.Title, 300)
	head := levelEmoji(n.Level) + " *" + fit(n.Title, 200) + "*"
	if n.Link != "" {
		head += " · <" + n.Link + "|open>"
	}
	for _, p := range n.Mention {
		head += " " + mention(p)
	}
	blocks := []slack.Block{slack.NewSectionBlock(mrkdwn(head), nil, nil)}
	for _, chunk := range chunks(n.Lines, maxSection-100) {
		if len(blocks) == 4 { // three sections of lines stay under Slack's undocumented total
			blocks = append(blocks, slack.NewContextBlock("", mrkdwn("more was cut; the record has it all")))
			break
		}
		blocks = append(blocks, slack.NewSectionBlock(mrkdwn(chunk), nil, nil))
	}
	if n.Context != "" {
		blocks = append(blocks, slack.NewContextBlock("", mrkdwn(fit(n.Context, 500))))
	}
	return text, blocks
}

func levelEmoji(l dr.Level) string {
	switch l {
	case dr.OK:
		return "🟢"
	case dr.Warn:
		return "🟡"
	case dr.Fail:
		return "🔴"
	default:
		return "⚫"
	}
}

// chunks joins lines into texts of at most n runes.
func chunks(lines []string, n int) []string {
	var out []string
	cur, size := "", 0
	for _, l := range lines {
		l = fit(l, 900)
		add := len([]rune(l)) + 1
		if size+add > n && cur != "" {
			out, cur, size = append(out, cur), "", 0
		}
		if cur != "" {
			cur += "\n"
		}
		cur, size = cur+l, size+add
	}
	if cur != "" {
		out = append(out, cur)
	}
	return out
}
