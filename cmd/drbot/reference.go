package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/internal/aws"
	"github.com/drbot/drbot/text"
	"github.com/drbot/drbot/workflows/steps"
)

func (w *world) referenceCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "reference",
		Short: w.words.Sentence(dr.T("cli.reference")),
		Args:  bare,
		RunE: func(c *cobra.Command, _ []string) error {
			return w.print(nil, "%s", reference(w.words, w.parts, c.Root()))
		},
	}
}

// reference is docs/reference.md: every command, kind of step, system and check, from
// where each is told.
func reference(words text.Words, p parts, root *cobra.Command) string {
	var b strings.Builder
	table := func(title string, head []string, rows [][]string) {
		fmt.Fprintf(&b, "\n## %s\n\n| %s |\n|%s\n", title, strings.Join(head, " | "), strings.Repeat("---|", len(head)))
		for _, r := range rows {
			fmt.Fprintf(&b, "| %s |\n", strings.Join(r, " | "))
		}
	}
	say := words.Sentence
	b.WriteString("# Reference\n\n" + say(dr.T("reference.intro")) + "\n")
	var rows [][]string
	for _, v := range p.verbs {
		usage := words.Usage(v)
		rows = append(rows, []string{code("/dr " + strings.TrimPrefix(typedInSlack(words, v), "/dr ")), code(usage), say(dr.T(dr.TextID("verb." + v.Name)))})
	}
	table(say(dr.T("reference.commands")), []string{"Slack", "shell", ""}, rows)
	rows = nil
	for _, c := range typeable(root) {
		if !slices.ContainsFunc(p.verbs, func(v dr.Verb) bool { return v.Name == c.Name() && c.Parent() == root }) {
			rows = append(rows, []string{code(strings.TrimSuffix(c.UseLine(), " [flags]")), c.Short})
		}
	}
	table(say(dr.T("reference.shell")), []string{"shell", ""}, rows)
	rows = nil
	for _, k := range p.shown() {
		act := "–"
		if k.Act != nil {
			act = code(actForm(k))
		}
		rows = append(rows, []string{code(k.ID), act, say(dr.T(dr.TextID("skip." + string(k.Skip)))), say(dr.DoesOf(k.ID))})
	}
	table(say(dr.T("reference.kinds")), []string{say(dr.T("reference.kind")), "`acts:`", say(dr.T("reference.skip")), ""}, rows)
	rows = nil
	for _, s := range p.infos() {
		for _, f := range s.Fields {
			where := say(dr.T("reference.everywhere"))
			if f.Regional {
				where = say(dr.T("reference.regional"))
			}
			if f.Optional {
				where += ", " + words.Say(dr.T("reference.optional"))
			}
			rows = append(rows, []string{code(s.ID), code(f.Name), where, words.Say(s.Means(f.Name))})
		}
	}
	table(say(dr.T("reference.systems")), []string{say(dr.T("reference.system")), say(dr.T("reference.field")), "", ""}, rows)
	rows = nil
	add := func(of string, specs []dr.Spec, need func(dr.Spec, dr.Mode) string) {
		for _, c := range specs {
			rows = append(rows, []string{code(c.ID), of, c.Unit, need(c, dr.Planned), need(c, dr.Disaster), say(dr.MeansOf(c.ID)), say(dr.MendOf(c.ID))})
		}
	}
	needed := func(c dr.Spec, m dr.Mode) string { return need(words, c, m) }
	for _, s := range p.infos() {
		add(code(s.ID), s.Specs, needed)
	}
	add(say(dr.T("reference.itself")), []dr.Spec{aws.BaseSpec()}, needed)
	add(say(dr.T("reference.repository")), p.rules, needed)
	add(say(dr.T("reference.names")), p.names, func(dr.Spec, dr.Mode) string { return "–" }) // no run starts by these
	table(say(dr.T("reference.checks")), []string{say(dr.T("reference.check")), say(dr.T("reference.system")), say(dr.T("reference.unit")), "planned", "disaster", say(dr.T("reference.means")), say(dr.T("reference.mend"))}, rows)
	return b.String()
}

// typeable are the commands below one that do something, in the order of its help.
func typeable(of *cobra.Command) (out []*cobra.Command) {
	for _, c := range of.Commands() {
		switch {
		case !c.IsAvailableCommand():
		case c.HasSubCommands():
			out = append(out, typeable(c)...)
		default:
			out = append(out, c)
		}
	}
	return out
}

func code(s string) string { return "`" + strings.ReplaceAll(s, "|", "\\|") + "`" }

func typedInSlack(words text.Words, v dr.Verb) string {
	return words.Catalogue().In("en", text.Slack).Usage(v)
}

// actForm is how the configuration lists a kind.
func actForm(k steps.Kind) string {
	switch {
	case len(k.Act.Which) > 0:
		return k.ID + "/" + strings.Join(k.Act.Which, "|")
	case k.Act.On != "":
		return k.ID + "[/NAME]"
	default:
		return k.ID
	}
}

func need(words text.Words, c dr.Spec, m dr.Mode) string {
	n := c.Need[m]
	if n == dr.NeedNothing {
		n = "nothing"
	}
	return words.Say(dr.T(dr.TextID("need." + string(n))))
}
