package main

import (
	"fmt"
	"strings"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/text"
	"github.com/drbot/drbot/view"
)

// runText is a run as the terminal shows it.
func runText(w text.Words, v view.View) string {
	var b strings.Builder
	line := func(parts ...string) { b.WriteString(strings.Join(parts, "") + "\n") }
	each := func(before string, texts ...dr.Text) {
		for _, t := range texts {
			if !t.Empty() {
				line(before, w.Say(t))
			}
		}
	}
	line(v.Run, ": ", w.Say(v.Headline))
	line(w.Say(v.Route), ", ", w.Say(v.Asked))
	stands := []string{w.Say(v.Standing)}
	for _, t := range append(v.Clock, v.Plan) {
		if !t.Empty() {
			stands = append(stands, w.Say(t))
		}
	}
	line(strings.Join(stands, " · "))
	if v.Change.URL != "" {
		each("", dr.T("run.change", "link", v.Change.URL))
	}
	each("", v.Accepts...)
	each("", v.NotOK...)
	for _, s := range v.Steps {
		line(stepText(w, s))
	}
	if a := v.Approval; a != nil {
		line(strings.TrimSuffix(w.Say(a.Count)+": "+w.Escape(strings.Join(a.By, ", ")), ": "))
		each("  ", a.Blocked)
		each("  ", a.Reasons...)
		each("  ", a.Waiting)
		each("  ", a.Ignored...)
		each("  ", a.Expires)
	}
	if p := v.Progress; p != nil {
		line(fmt.Sprintf("%d/%d ", p.Done, p.Total), w.Escape(strings.TrimSpace(p.Stack+" "+p.Current)))
	}
	each("", v.Verdict.Lead)
	if v.Result != nil {
		each("", v.Result...) // the verdict's lines are its first
	} else {
		each("", v.Verdict.Lines...)
	}
	if q := v.Question; q != nil {
		each("", q.Means)
		for _, a := range q.Answers {
			line("  ", a.Verb, ": ", w.Say(a.Beside))
			line("    ", w.Command(a.Command))
		}
	}
	each("", v.Votes...)
	if !v.Next.Empty() {
		each("", try(v.Next))
	}
	for _, d := range v.Do {
		each("", dr.T("cli.do", "what", d.What, "command", d.Command))
	}
	return b.String()
}

func stepText(w text.Words, s view.Step) string {
	took := ""
	if !s.Started.IsZero() {
		took = text.Duration(s.Took)
	}
	row := fmt.Sprintf("  %-8s %-28s %8s  %s", w.Say(s.Standing), s.Name, took, text.OneLine(w.Say(s.Detail)))
	return strings.TrimRight(row, " ")
}
