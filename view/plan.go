package view

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/text"
)

const (
	// planRows bounds the ordinary lines of a plan shown for one stack.
	planRows = 200
	// planRunes bounds a comment: GitHub would cut what is longer, wherever that is.
	planRunes = 60_000
	// pathsNamed bounds the attributes named of one resource.
	pathsNamed = 20
	// reasonsInLine bounds the reasons of a denial that stand in its line.
	reasonsInLine = 10
)

// Plan are the comments that carry the plan and its digest: one, unless what is never cut
// needs more. They name addresses, actions and attributes, never values. What is deleted, replaced,
// forgotten or overwritten stands first and is never cut; what is cut is counted by its kind.
func (p PullRequest) Plan(run dr.Run, plans dr.Plans, digest string, d dr.Decision) []string {
	w := p.words()
	title := func(n, of int) string {
		if of == 1 {
			return w.Say(dr.T("pr.plan", "run", run.Run, "commit", short(run.Change.Head)))
		}
		return w.Say(dr.T("pr.plan.part", "run", run.Run, "commit", short(run.Change.Head), "n", n, "of", of))
	}
	g := &leaves{foot: w.Say(dr.T("pr.digest", "digest", digest)) + "\n"}
	g.room = planRunes - utf8.RuneCountInString(title(999, 999)+g.foot) - foldRunes
	p.head(g, plans, d)
	p.stacks(g, plans)
	return g.bound(title)
}

// nameRunes bounds a name that others chose.
const nameRunes = 300

// middle shortens what is long in its middle: what tells one of its kind from another
// stands at the ends.
func middle(s string) string {
	r := []rune(s)
	if len(r) <= nameRunes {
		return s
	}
	const kept = nameRunes/2 - 10
	return fmt.Sprintf("%s...(%d)...%s", string(r[:kept]), len(r)-2*kept, string(r[len(r)-kept:]))
}

// head writes what stands before the plans of the stacks.
func (p PullRequest) head(g *leaves, plans dr.Plans, d dr.Decision) {
	w := p.words()
	g.write(fmt.Sprintf("| %s |\n|---|---|---|---|\n", w.Say(dr.T("pr.plan.head"))))
	for _, pl := range plans {
		c := pl.Counts()
		g.write(fmt.Sprintf("| %s | %d | %d | %d |\n", plain(pl.Stack), c.Add, c.Change, c.Destroy))
	}
	policy, more := dr.T("pr.policy.allowed", "policy", d.Policy), []dr.Text(nil)
	if !d.Allowed {
		n := min(len(d.Reasons), reasonsInLine)
		policy, more = dr.T("pr.policy.denied", "policy", d.Policy, "reasons", d.Reasons[:n]), d.Reasons[n:]
	}
	g.write(fmt.Sprintf("\n%s\n\n", w.Say(policy)))
	p.headed(g, dr.T("pr.policy.denied.more", "n", len(more)), more)
	if d.Allowed {
		p.headed(g, dr.T("pr.accepts"), d.Reasons)
	}
	p.headed(g, dr.T("pr.plan.failed"), failing(plans))
	p.headed(g, dr.T("pr.plan.left-out"), leftOut(plans))
	p.headed(g, dr.T("pr.plan.allowed"), allowedCode(plans))
	p.headed(g, dr.T("pr.plan.masked"), masked(plans))
}

// headed are points below a line that stands out; nothing when there are none.
func (p PullRequest) headed(g *leaves, head dr.Text, points []dr.Text) {
	if len(points) == 0 {
		return
	}
	g.write(p.words().Strong(head) + "\n\n")
	for _, l := range points {
		g.write(p.bullet(l))
	}
	g.write("\n")
}

// failing are the checks of the configuration that fail in the plans.
func failing(plans dr.Plans) []dr.Text {
	var out []dr.Text
	for _, pl := range plans {
		for _, c := range pl.Failed {
			out = append(out, dr.T("pr.plan.check", "stack", pl.Stack, "check", dr.Foreign(c)))
		}
	}
	return out
}

// leftOut are the attributes that no comparison of plans looks at.
func leftOut(plans dr.Plans) []dr.Text {
	var out []dr.Text
	for _, pl := range plans {
		for _, c := range pl.Changes {
			for i, l := range c.LeftOut {
				if i == pathsNamed {
					out = append(out, dr.T("pr.plan.unstable.more", "stack", pl.Stack, "address", dr.Foreign(c.Address), "n", len(c.LeftOut)-pathsNamed))
					break
				}
				out = append(out, dr.T("pr.plan.unstable", "stack", pl.Stack, "address", dr.Foreign(c.Address), "path", dr.Foreign(l.Path), "reason", l.Reason))
			}
		}
	}
	return out
}

// allowedNamed is how much of a stack's code that is allowed is told in full.
const allowedNamed = 10

// allowedCode is what the code does beside what the plans show.
func allowedCode(plans dr.Plans) []dr.Text {
	var out []dr.Text
	for _, pl := range plans {
		for i, a := range pl.Allowed {
			if i == allowedNamed {
				out = append(out, dr.T("pr.plan.allowed.more", "stack", pl.Stack, "n", len(pl.Allowed)-allowedNamed))
				break
			}
			out = append(out, dr.T("pr.plan.allowed.at", "stack", pl.Stack, "at", dr.Foreign(a.At), "says", a.Says, "reason", a.Reason))
		}
	}
	return out
}

// maskedNamed is how many addresses are named in which something is written by its number.
const maskedNamed = 10

// masked are the addresses that do not read as they are written.
func masked(plans dr.Plans) []dr.Text {
	var out []dr.Text
	n := 0
	for _, pl := range plans {
		for _, c := range pl.Changes {
			if text.Unmask(c.Address) == c.Address {
				continue
			}
			if n++; n <= maskedNamed {
				out = append(out, dr.T("pr.plan.masked.at", "stack", pl.Stack, "address", dr.Foreign(c.Address)))
			}
		}
	}
	if n > maskedNamed {
		out = append(out, dr.T("pr.plan.masked.more", "n", n-maskedNamed))
	}
	return out
}

// stacks writes the plan of each stack, folded. What is grave is written whatever its
// length; of the rest what the comments have room for that this takes.
func (p PullRequest) stacks(g *leaves, plans dr.Plans) {
	type fold struct {
		summary     string
		grave, rest []row
	}
	var folds []fold
	room := g.room - g.written()
	for _, pl := range plans {
		f := fold{summary: p.words().Say(dr.T("pr.plan.stack", "stack", pl.Stack, "n", len(pl.Changes)))}
		f.grave, f.rest = p.rows(pl)
		folds = append(folds, f)
		room -= utf8.RuneCountInString(f.summary) + foldRunes
		for _, r := range f.grave {
			room -= r.runes()
		}
	}
	for room < 0 { // what is grave takes further comments: the rest has what the last one leaves
		room += g.room
	}
	for _, f := range folds {
		g.unfold(f.summary)
		for _, r := range f.grave {
			g.write(r.line + "\n")
		}
		n := 0
		for ; n < min(len(f.rest), planRows) && f.rest[n].runes() <= room; n++ {
			room -= f.rest[n].runes()
			g.write(f.rest[n].line + "\n")
		}
		if n < len(f.rest) {
			g.write(fmt.Sprintf("... %s\n", fence(p.Line(uncounted(f.rest[n:])))))
		}
		g.fold()
	}
}

// foldRunes is about what stands around the rows of a stack, and counts those left out.
const foldRunes = 300

// row is a line of a plan.
type row struct{ kind, line string }

func (r row) runes() int { return utf8.RuneCountInString(r.line) + 1 }

// rows are the lines of a stack's plan: deletes, replacements and what is forgotten or overwritten, in
// this order, and apart from them the rest and the outputs that change.
func (p PullRequest) rows(pl dr.Plan) (grave, rest []row) {
	changes := slices.SortedStableFunc(slices.Values(pl.Changes), func(a, b dr.ResourceChange) int { return gravity(a) - gravity(b) })
	for _, c := range changes {
		r := row{p.shown(c), p.rowOf(c)}
		if gravity(c) == ordinary {
			rest = append(rest, r)
		} else {
			grave = append(grave, r)
		}
	}
	for _, o := range pl.Outputs {
		rest = append(rest, row{outputRow, outputRow + " " + fence(o)})
	}
	return grave, rest
}

// outputRow is Terraform's word, as the actions are.
const outputRow = "output"

const ordinary = 3

// gravity orders changes by what is lost.
func gravity(c dr.ResourceChange) int {
	has := func(a string) bool { return slices.Contains(c.Actions, a) }
	switch {
	case has("delete") && !has("create"):
		return 0
	case has("delete"):
		return 1
	case has("forget"), c.Overwrites:
		return 2
	}
	return ordinary
}

// shown are the actions of a change as one word.
func (p PullRequest) shown(c dr.ResourceChange) string {
	var all []string
	for _, a := range c.Shown().List {
		if a.Text != nil {
			all = append(all, p.Words.Plain().Say(*a.Text))
		} else {
			all = append(all, a.Foreign)
		}
	}
	return strings.Join(all, "+")
}

func (p PullRequest) rowOf(c dr.ResourceChange) string {
	line := fence(p.shown(c)) + " "
	if c.From != "" {
		line += fence(c.From) + " -> "
	}
	line += fence(c.Address)
	var names []string
	for _, name := range c.PathNames() {
		names = append(names, fence(name))
	}
	if len(names) == 0 || !slices.Contains(c.Actions, "update") {
		return line
	}
	more := len(names) - pathsNamed
	line += " (" + strings.Join(names[:min(len(names), pathsNamed)], ", ")
	if more > 0 {
		line += ", " + p.Line(dr.T("pr.plan.more", "n", more))
	}
	return line + ")"
}

// uncounted says how many rows of each kind are not shown.
func uncounted(rows []row) dr.Text {
	of := map[string]int{}
	for _, r := range rows {
		of[r.kind]++
	}
	var kinds []dr.Text
	for _, k := range slices.Sorted(maps.Keys(of)) {
		kinds = append(kinds, dr.T("pr.plan.kind", "n", of[k], "kind", k))
	}
	return dr.T("pr.plan.cut", "n", len(rows), "kinds", kinds)
}
