package tf

import (
	"os"
	"path/filepath"
	"testing"
)

// A module from elsewhere that is named without a version moves by itself: what of it runs
// shows in no plan and in no commit of this repository, and is other code all the same.
func TestRemoteModuleThatMoves(t *testing.T) {
	w := newWorld(t)
	other := t.TempDir()
	w.opts.Isolation.Paths.Read = []string{other}
	module := func(command string) {
		t.Helper()
		text := "resource \"terraform_data\" \"r\" {\n  provisioner \"local-exec\" {\n    command = \"" + command + "\"\n  }\n}\n"
		if err := os.WriteFile(filepath.Join(other, "main.tf"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		w.git(other, "add", "-A")
		w.git(other, "-c", "user.name=a", "-c", "user.email=a@example.com", "commit", "-q", "-m", command)
	}
	w.git(other, "init", "-q")
	module("true")
	commit := w.commit(files("module \"m\" {\n  source = \"git::file://" + other + "\"\n}\n"))
	first := w.plan(commit)
	if same := w.plan(commit); same.Code != first.Code {
		t.Error("the same code is another")
	}
	module("true # or not")
	if later := w.plan(commit); later.Code == first.Code {
		t.Error("other code is the same")
	}
}
