package sandbox

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestBothRegionsActive moves the writer between Regions that both run tasks: those of
// the source stop while the writer moves, and run again at the end, as Git says.
func TestBothRegionsActive(t *testing.T) {
	t.Parallel()
	w, ctx := newWorld(t, func(o *Options) { o.Quick = true })
	for _, stack := range []string{home, standby} {
		file := stackFolder + "/" + stack + "/main.tf"
		src, err := w.Hub.FileAt(ctx, "main", file)
		must(t, err)
		both := strings.NewReplacer("local.active ? 2 : 0", "2", "local.active ? 1 : 0", "1").Replace(string(src))
		if both == string(src) {
			t.Fatal("the stack does not say how many tasks run")
		}
		_, err = w.Hub.MoveBase(ctx, loginOf("dave"), file, both, "both Regions are active")
		must(t, err)
		dir := filepath.Join(w.opts.Dir, "seed", filepath.FromSlash(stackFolder), stack)
		must(t, os.WriteFile(filepath.Join(dir, "main.tf"), []byte(both), 0o600))
		must(t, w.terraform(ctx, dir, "apply", "-input=false", "-no-color", "-auto-approve"))
	}
	must(t, w.StartBot(ctx))
	m := moved{approvers: []string{"bob", "carol"}}
	must(t, w.through(ctx, &m, "alice", "/dr failover portal "+standby+" planned the writer moves"))
	for _, region := range []string{home, standby} {
		desired, _, err := w.Cloud.Running(ctx, region)
		must(t, err)
		if desired != 2 {
			t.Errorf("%s wants %d tasks; Git says 2", region, desired)
		}
	}
	for _, words := range []string{"quiesce/" + home, "from 2 tasks to none", "give-back/" + home, "2 tasks again"} {
		must(t, w.waitText(ctx, m.run, words))
	}
}
