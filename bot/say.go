package bot

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/view"
	"github.com/drbot/drbot/workflows"
)

// said gives the words for what came of something that a person asked of a run.
func (s *Server) said(ctx context.Context, c workflows.Caller, verb string) func(dr.Run, dr.Text, error) string {
	return func(run dr.Run, what dr.Text, err error) string {
		if err != nil {
			return s.refused(ctx, c, verb, err)
		}
		return s.words.Say(dr.T("bot.said", "run", run.Run, "said", what))
	}
}

// refused logs why somebody did not get what they asked for and says it to them.
func (s *Server) refused(ctx context.Context, c workflows.Caller, verb string, err error) string {
	s.log.WarnContext(ctx, "command refused", "who", c.SlackID, "verb", verb, "error", err)
	return s.refusal(err)
}

// refusal is an error for a person: what happened and what to type next. Only an error
// that was decided before anything began is without the words for those who cannot know
// whether it was taken; none at all is work that did not end.
func (s *Server) refusal(err error) string {
	what, next := dr.Told(err)
	if unsure(err) {
		look := dr.T("bot.look", "command", dr.Cmd("status"))
		if known := (*dr.Error)(nil); errors.As(err, &known) && !next.Empty() {
			look = dr.T("bot.look.too", "next", next, "command", dr.Cmd("status"))
		}
		next = look
	}
	out := cut(s.words.Say(dr.T("bot.sorry", "what", what)), 1500)
	if !next.Empty() {
		out += "\n→ " + cut(s.words.Say(next), 1500)
	}
	return out
}

// unsure tells whether what was asked for may have been done although there is an error.
func unsure(err error) bool {
	switch dr.CodeOf(err) {
	case dr.Invalid, dr.Denied, dr.Conflict, dr.NotFound:
		return err == nil
	default:
		return true
	}
}

func errTooMany() error {
	return &dr.Error{Code: dr.Conflict, What: dr.T("bot.too-many"), Next: dr.T("bot.too-many.next")}
}

func errOtherWorkspace() error {
	return &dr.Error{Code: dr.Denied, What: dr.T("bot.other-workspace"), Next: dr.T("bot.other-workspace.next")}
}

// help lists the verbs, what each is for, and the options.
func (s *Server) help() string {
	var lines, options []string
	for _, v := range s.words.Catalogue().Verbs() {
		lines = append(lines, "• "+s.words.Code(s.words.Usage(v))+" – "+s.words.Say(dr.T(dr.TextID("verb."+v.Name))))
		for _, p := range v.Params {
			line := "• " + s.words.Code(option(p)) + " – " + s.words.Say(dr.T(dr.TextID("param."+p.Name)))
			if p.Option && !slices.Contains(options, line) {
				options = append(options, line)
			}
		}
	}
	lines = append(lines, s.words.Say(dr.T("bot.help.modes")), s.words.Say(dr.T("bot.help.options")))
	return strings.Join(append(lines, options...), "\n")
}

const statusRuns = 5

func (s *Server) status(ctx context.Context, c workflows.Caller, service string) string {
	seen, err := s.books.Status(ctx, c, workflows.Look{Service: service, Limit: statusRuns, Standing: true})
	if err != nil {
		return s.refused(ctx, c, "status", err)
	}
	if len(seen.Runs) == 1 && service != "" && seen.Runs[0].Run == service {
		return s.whole(seen.Runs[0])
	}
	var b strings.Builder
	for _, t := range seen.Standing {
		b.WriteString(cut(s.words.Say(t), 300) + "\n")
	}
	if len(seen.Runs)+len(seen.Standing) == 0 {
		return s.words.Say(dr.T("bot.no-runs"))
	}
	for _, run := range seen.Runs {
		line, why := view.Line(run, s.now())
		b.WriteString(stateEmoji(run.State) + " " + cut(s.words.Say(line), 300) + "\n")
		if !why.Empty() {
			b.WriteString("   " + cut(s.words.Say(why), 300) + "\n")
		}
		for _, v := range view.Votes(run) {
			b.WriteString("   " + cut(s.words.Say(v), 300) + "\n")
		}
	}
	return b.String()
}

// whole is one run as its message shows it, but for the buttons.
func (s *Server) whole(run dr.Run) string {
	w, v := s.words, view.Run(run, s.now())
	var parts []string
	for _, part := range []string{stateEmoji(v.State) + " " + w.Strong(v.Headline), summary(w, v), approval(w, v.Approval), steps(w, v.Steps), progress(v.Progress), outcome(w, v), w.Say(v.Foot)} {
		if part != "" {
			parts = append(parts, part)
		}
	}
	return strings.Join(parts, "\n")
}
