package main

import (
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/text"
)

// verb makes the command of a verb from the table that Slack's is made from, and gives
// do the parameters by their names.
func (w *world) verb(v dr.Verb, do func(*cobra.Command, map[string]string) error) *cobra.Command {
	usage := strings.TrimPrefix(w.words.Usage(v), "drbot ")
	values, switches := map[string]*string{}, map[string]*bool{}
	short := w.words.Sentence(dr.T(dr.TextID("verb." + v.Name)))
	c := &cobra.Command{
		Use:   usage,
		Short: short,
		Long:  short + ".\n\n" + more(w.words, v),
		RunE: func(c *cobra.Command, typed []string) error {
			args := map[string]string{}
			for _, p := range v.Params {
				switch {
				case switches[p.Name] != nil && *switches[p.Name]:
					args[p.Name] = "yes"
				case values[p.Name] != nil && strings.TrimSpace(*values[p.Name]) != "":
					args[p.Name] = *values[p.Name]
				case p.Flag == "" && len(typed) > 0:
					args[p.Name], typed = typed[0], typed[1:]
				}
			}
			if len(typed) > 0 {
				return misuse(dr.T("command.extra", "typed", strings.Join(typed, " ")), dr.T("command.try", "command", dr.Cmd(usage)))
			}
			if err := complete(v, args); err != nil {
				return err
			}
			return do(c, args)
		},
	}
	for _, p := range v.Params {
		if p.Flag == "" {
			continue
		}
		name, help := strings.TrimPrefix(p.Flag, "--"), w.words.Say(dr.T(dr.TextID("param."+p.Name)))
		if p.Switch {
			switches[p.Name] = c.Flags().Bool(name, false, help)
		} else {
			values[p.Name] = c.Flags().String(name, "", help)
		}
	}
	return c
}

// more is what a verb does at length; nothing where no catalogue has it.
func more(w text.Words, v dr.Verb) string {
	said := w.Say(dr.T(dr.TextID("more." + v.Name)))
	if said == "more."+v.Name {
		return ""
	}
	return said
}

// complete asks for the first parameter that is missing or not what it must be.
func complete(v dr.Verb, args map[string]string) error {
	for _, p := range v.Params {
		value, given := args[p.Name]
		if !given && !p.Optional {
			cmd := dr.Command{Verb: v.Name, Args: args}
			next := dr.T("command.try", "command", cmd)
			if p.Name == "run" {
				next = dr.T("command.list-runs", "status", dr.Cmd("runs"), "command", cmd)
			}
			return misuse(dr.T(dr.TextID("which."+p.Name)), next)
		}
		if !given || !p.Time {
			continue
		}
		if _, err := time.Parse(time.RFC3339, value); err != nil {
			return misuse(dr.T("command.no-time", "typed", value), dr.T("command.time-form", "option", p.Flag))
		}
	}
	return nil
}
