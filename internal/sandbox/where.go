package sandbox

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/drbot/drbot/dr"
)

// A gap is a time in a run in which nobody else was at work: the bot's own. It lies
// between two acts of others and within a step.
type gap struct {
	step, after, before string
	took                time.Duration
}

// gaps are the times of a window that no span covers, each with its neighbours.
func gaps(spans []span, from, to time.Time, steps []dr.Step) []gap {
	slices.SortFunc(spans, func(a, b span) int { return a.from.Compare(b.from) })
	var out []gap
	at, after := from, "the command"
	for _, s := range append(spans, span{to, to, "the result"}) {
		if s.to.Before(from) || s.from.After(to) {
			continue
		}
		if s.from.After(at) {
			middle := at.Add(s.from.Sub(at) / 2)
			out = append(out, gap{stepAt(steps, middle), after, s.what, s.from.Sub(at)})
		}
		if s.to.After(at) {
			at, after = s.to, s.what
		}
	}
	return out
}

// stepAt names the step that was under way at a moment: of several the one that began
// last.
func stepAt(steps []dr.Step, at time.Time) string {
	name, began := "between steps", time.Time{}
	for _, s := range steps {
		if s.Started.IsZero() || s.Started.After(at) || !s.Ended.IsZero() && s.Ended.Before(at) || s.Started.Before(began) {
			continue
		}
		name, began = s.Name, s.Started
	}
	return name
}

// where gathers the gaps of several runs.
type where struct {
	runs   int
	byStep map[string][]gap
}

// add takes the gaps of one run. Runs go to and fro, so that steps are named by what
// a Region is in them.
func (w *where) add(gs []gap, m moved) {
	regions := strings.NewReplacer(m.to, "TARGET", m.from, "SOURCE")
	if w.byStep == nil {
		w.byStep = map[string][]gap{}
	}
	w.runs++
	for _, g := range gs {
		g.step, g.after, g.before = regions.Replace(g.step), regions.Replace(g.after), regions.Replace(g.before)
		w.byStep[g.step] = append(w.byStep[g.step], g)
	}
}

// say prints where the bot's own share of a run goes: by step, the largest first, and
// of each the longest gaps with what stood before and after them.
func (w *where) say(out io.Writer) {
	total := func(gs []gap) (sum time.Duration) {
		for _, g := range gs {
			sum += g.took
		}
		return sum
	}
	var names []string
	for name := range w.byStep {
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, b string) int { return int(total(w.byStep[b]) - total(w.byStep[a])) })
	_, _ = fmt.Fprintf(out, "\nwhere the bot's own share goes, a run (mean of %d):\n", w.runs)
	for _, name := range names {
		pairs := map[[2]string][]gap{}
		for _, g := range w.byStep[name] {
			key := [2]string{g.after, g.before}
			pairs[key] = append(pairs[key], g)
		}
		var keys [][2]string
		for key := range pairs {
			keys = append(keys, key)
		}
		slices.SortFunc(keys, func(a, b [2]string) int { return int(total(pairs[b]) - total(pairs[a])) })
		_, _ = fmt.Fprintf(out, "  %-24s %8s in %d gaps\n", name, mean(total(w.byStep[name]), w.runs), len(w.byStep[name])/w.runs)
		for _, key := range keys[:min(3, len(keys))] {
			_, _ = fmt.Fprintf(out, "    %8s  after %s, before %s\n", mean(total(pairs[key]), w.runs), key[0], key[1])
		}
	}
	_, _ = fmt.Fprintln(out)
}

func mean(sum time.Duration, n int) time.Duration {
	return (sum / time.Duration(max(1, n))).Round(time.Millisecond)
}
