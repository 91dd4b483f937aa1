package main

import (
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/drbot/drbot/dr"
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
	switch {
	case !ok:
		return &dr.Error{Code: dr.NotFound, What: dr.T("no-service", "name", dr.Foreign(service)), Next: dr.T("try-one-of", "names", slices.Sorted(maps.Keys(cfg.Services)))}
	case !slices.Contains([]dr.Kind{dr.Failover, dr.Failback, dr.Resume}, kind) || !known:
		return misuse(dr.T("cli.runbook.args"), dr.T("command.try", "command", dr.Cmd("runbook show "+service+" failover planned")))
	case to == "":
		to = s.Regions[1] // away from the Region that is named first; back to it with failback
		if kind == dr.Failback {
			to = s.Regions[0]
		}
	case !s.Has(to):
		return misuse(dr.T("no-region", "region", dr.Foreign(string(to)), "service", s.Name, "first", s.Regions[0], "second", s.Regions[1]), dr.T("try-one-of", "names", s.Regions))
	}
	list, err := workflows.Steps(w.parts.kinds, s, dr.Request{Kind: kind, Service: service, Target: to, Mode: m})
	if err != nil {
		return err
	}
	names := workflows.StepNames(kind, list)
	return w.print(names, "%s\n  %s\n", w.words.Say(dr.T("cli.runbook.head", "kind", kind, "service", service, "target", to, "mode", m)), strings.Join(names, "\n  "))
}
