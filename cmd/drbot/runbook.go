package main

import (
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/text"
	"github.com/drbot/drbot/workflows"
)

func (w *world) runbookCommand() *cobra.Command {
	c := &cobra.Command{Use: "runbook", Short: w.words.Sentence(dr.T("cli.runbook")), Args: cobra.ArbitraryArgs, RunE: group}
	var to string
	show := &cobra.Command{
		Use:   "show SERVICE failover|failback|resume planned|disaster",
		Short: w.words.Sentence(dr.T("cli.runbook.show")),
		RunE: func(_ *cobra.Command, args []string) error {
			if len(args) != 3 {
				return misuse(dr.T("cli.runbook.args"), dr.T("command.try", "command", dr.Cmd("runbook show SERVICE failover planned")))
			}
			return w.showRunbook(args[0], dr.Kind(args[1]), args[2], dr.Region(to))
		},
	}
	show.Flags().StringVar(&to, "to", "", w.words.Say(dr.T("cli.runbook.to")))
	show.Flags().BoolVar(&w.json, "json", false, w.words.Say(dr.T("cli.flag.json")))
	c.AddCommand(show)
	return c
}

// showRunbook prints the steps of a run before there is one: the very list that would run.
func (w *world) showRunbook(service string, kind dr.Kind, mode string, to dr.Region) error {
	cfg, err := w.load(false)
	if err != nil {
		return err
	}
	s, ok := cfg.Services[service]
	m, known := dr.ParseMode(mode)
	services := slices.Sorted(maps.Keys(cfg.Services))
	meant := meantRunbook(services, service, string(kind), mode)
	switch {
	case !ok:
		return noService(service, services, meant)
	case !slices.Contains(dr.Kinds(), kind):
		return misuse(dr.T("no-runbook", "typed", dr.Foreign(kind), "names", dr.Kinds()), orTry(meant, dr.Cmd("runbook show "+service+" failover planned")))
	case !known:
		return misuse(dr.T("no-mode", "mode", dr.Foreign(mode)), orTry(meant, dr.Cmd("runbook show "+service+" "+string(kind)+" planned")))
	case to == "":
		to = s.Regions[1] // away from the Region that is named first; back to it with failback
		if kind == dr.Failback {
			to = s.Regions[0]
		}
	case !s.Has(to):
		return misuse(dr.T("no-region", "region", dr.Foreign(string(to)), "service", s.Name, "first", s.Regions[0], "second", s.Regions[1]), dr.T("try-one-of", "names", s.Regions))
	}
	list, err := workflows.Steps(w.parts.shown(), s, dr.Request{Kind: kind, Service: service, Target: to, Mode: m})
	if err != nil {
		return err
	}
	names := workflows.StepNames(kind, list)
	return w.print(names, "%s\n  %s\n", w.words.Say(dr.T("cli.runbook.head", "kind", kind, "service", service, "target", to, "mode", m)), strings.Join(names, "\n  "))
}

func runbooks() []string {
	var names []string
	for _, k := range dr.Kinds() {
		names = append(names, string(k))
	}
	return names
}

// meantRunbook is the command that somebody may have meant who mistyped some of it; empty
// where what they typed is near to nothing.
func meantRunbook(services []string, service, kind, mode string) dr.Text {
	words := []string{"runbook", "show"}
	for _, typed := range []struct {
		word  string
		names []string
	}{{service, services}, {kind, runbooks()}, {mode, []string{string(dr.Planned), string(dr.Disaster)}}} {
		near, ok := text.Nearest(typed.word, typed.names)
		if !ok {
			return dr.Text{}
		}
		words = append(words, near)
	}
	return dr.T("command.nearest", "command", dr.Cmd(strings.Join(words, " ")))
}

func orTry(meant dr.Text, or dr.Command) dr.Text {
	if meant.Empty() {
		return dr.T("command.try", "command", or)
	}
	return meant
}

// noService says which services there are, or which command was meant.
func noService(typed string, services []string, meant dr.Text) error {
	if meant.Empty() {
		meant = dr.T("try-one-of", "names", services)
	}
	return &dr.Error{Code: dr.NotFound, What: dr.T("no-service", "name", dr.Foreign(typed)), Next: meant}
}
