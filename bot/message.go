package bot

import (
	"fmt"
	"strings"
	"time"

	"github.com/slack-go/slack"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/text"
	"github.com/drbot/drbot/view"
)

// RunMessage is the one message of a run: its text for notifications, and its
// blocks. It is a pure function of the words, the record and the time.
func RunMessage(words text.Words, run dr.Run, now time.Time) (string, []slack.Block) {
	w, plain, v := marked(words), words.Plain(), view.Run(run, now)
	title := plain.Say(v.Headline)
	blocks := []slack.Block{slack.NewHeaderBlock(plainText(stateEmoji(v.State)+" "+title, maxHeader))}
	section := func(s string) {
		if s != "" {
			blocks = append(blocks, slack.NewSectionBlock(mrkdwn(s), nil, nil))
		}
	}
	section(summary(w, v))
	section(approval(w, v.Approval))
	section(steps(w, v.Steps))
	section(progress(v.Progress))
	section(outcome(w, v))
	if b := buttons(plain, v); b != nil {
		blocks = append(blocks, b)
	}
	blocks = append(blocks, slack.NewContextBlock("", mrkdwn(w.Say(v.Foot))))
	return fit(title+": "+plain.Say(v.Standing), maxHeader), blocks
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

func summary(w text.Words, v view.View) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s, %s\n%s", w.Strong(v.Route), cut(w.Say(v.Asked), 600), w.Strong(v.Standing))
	for _, c := range v.Clock {
		fmt.Fprintf(&b, " · %s", w.Say(c))
	}
	if v.Change.URL != "" {
		fmt.Fprintf(&b, " · <%s|#%d>", v.Change.URL, v.Change.Number)
	}
	if !v.Plan.Empty() {
		fmt.Fprintf(&b, " · %s", cut(w.Say(v.Plan), 300))
	}
	mark := "⚠️ "
	if v.Accepted {
		mark = ""
	}
	for _, a := range v.Accepts[:min(len(v.Accepts), mostListed)] {
		fmt.Fprintf(&b, "\n%s%s", mark, cut(w.Say(a), 220))
	}
	for _, c := range v.NotOK[:min(len(v.NotOK), mostListed)] {
		fmt.Fprintf(&b, "\n%s", cut(w.Say(c), 220))
	}
	return b.String()
}

func approval(w text.Words, a *view.Approval) string {
	if a == nil {
		return ""
	}
	head := w.Strong(a.Count)
	if len(a.By) > 0 {
		head += ": " + fit(strings.Join(a.By, ", "), 300)
	}
	lines := []string{head}
	if !a.Blocked.Empty() {
		lines = append(lines, "🛑 "+cut(w.Say(a.Blocked), 300))
	}
	for _, reason := range a.Reasons[:min(len(a.Reasons), mostListed)] {
		lines = append(lines, "• "+cut(w.Say(reason), 200))
	}
	if !a.Waiting.Empty() {
		lines = append(lines, cut(w.Say(a.Waiting), 300))
	}
	for _, v := range a.Ignored[:min(len(a.Ignored), mostListed)] {
		lines = append(lines, "_"+cut(w.Say(v), 200)+"_")
	}
	if !a.Expires.Empty() {
		lines = append(lines, w.Say(a.Expires))
	}
	return strings.Join(lines, "\n")
}

func steps(w text.Words, all []view.Step) string {
	var lines []string
	for _, s := range all {
		line := stepEmoji(s.State) + " " + fit(s.Name, 100)
		if !s.Started.IsZero() {
			line += " · " + text.Duration(s.Took)
		}
		if !s.Detail.Empty() {
			line += " · " + cut(w.Say(s.Detail), maxDetail)
		}
		lines = append(lines, line)
	}
	if len(lines) == 0 {
		return w.Say(dr.T("run.starting"))
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

func progress(p *dr.Progress) string {
	if p == nil {
		return ""
	}
	filled := 0
	if p.Total > 0 {
		filled = min(barCells, barCells*p.Done/p.Total)
	}
	bar := strings.Repeat("█", filled) + strings.Repeat("░", barCells-filled)
	s := fmt.Sprintf("`%s` %d/%d %s", bar, p.Done, p.Total, fit(p.Stack, 100))
	if p.Current != "" {
		s += " · `" + fit(strings.ReplaceAll(p.Current, "`", "'"), 150) + "`"
	}
	return s
}

// outcome is how the run stands, what it asks and what to do next.
func outcome(w text.Words, v view.View) string {
	var lines, verdict []string
	for _, l := range v.Verdict.Lines {
		verdict = append(verdict, cut(w.Say(l), 1200))
	}
	if head := strings.TrimSpace(w.Strong(v.Verdict.Lead) + " " + strings.Join(verdict, " · ")); head != "" {
		lines = append(lines, head)
	}
	if q := v.Question; q != nil {
		if !q.Means.Empty() {
			lines = append(lines, cut(w.Say(q.Means), 500))
		}
	}
	for _, t := range v.Votes {
		lines = append(lines, cut(w.Say(t), 500))
	}
	if !v.Next.Empty() {
		lines = append(lines, "→ "+cut(w.Say(v.Next), 500))
	}
	return strings.Join(lines, "\n")
}
