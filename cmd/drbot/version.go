package main

import (
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"

	"github.com/drbot/drbot/dr"
)

// edition is that of the runbooks and of what is stored: with the next one a run that is
// under way may need the one before.
const edition = "0.2"

// built is what the program says of itself.
type built struct {
	Edition string `json:"edition"`
	Commit  string `json:"commit,omitempty"` // that it was built of; empty outside a repository
	Changed bool   `json:"changed,omitempty"`
	Go      string `json:"go"`
}

func versionCommand(w *world) *cobra.Command {
	c := &cobra.Command{Use: "version", Short: w.words.Sentence(dr.T("cli.version")), Args: cobra.NoArgs, RunE: func(*cobra.Command, []string) error {
		b := builtOf(debug.ReadBuildInfo())
		line := dr.T("cli.version.line", "edition", b.Edition, "go", dr.Foreign(b.Go))
		switch {
		case b.Changed:
			line = dr.T("cli.version.changed", "edition", b.Edition, "go", dr.Foreign(b.Go), "commit", b.Commit)
		case b.Commit != "":
			line = dr.T("cli.version.commit", "edition", b.Edition, "go", dr.Foreign(b.Go), "commit", b.Commit)
		}
		return w.tell(b, line)
	}}
	c.Flags().BoolVar(&w.json, "json", false, w.words.Say(dr.T("cli.flag.json")))
	return c
}

func builtOf(info *debug.BuildInfo, ok bool) built {
	b := built{Edition: edition, Go: runtime.Version()}
	if !ok {
		return b
	}
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			b.Commit = s.Value
		case "vcs.modified":
			b.Changed = s.Value == "true"
		}
	}
	return b
}
