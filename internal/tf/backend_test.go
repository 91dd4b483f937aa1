package tf

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/drbot/drbot/dr"
)

func TestBackendFile(t *testing.T) {
	got, err := backendFile(map[string]string{
		"bucket": "acme", "encrypt": "true", "password": `p"${a}%{b}\`, "assume_role": `{role_arn = "arn:x"}`, "headers": `["a", "b"]`, "note": "{not one",
	})
	want := `assume_role = {role_arn = "arn:x"}
bucket      = "acme"
encrypt     = "true"
headers     = ["a", "b"]
note        = "{not one"
password    = "p\"$${a}%%{b}\\"`
	if err != nil || squeezed(string(got)) != squeezed(want) {
		t.Errorf("%v\n%s", err, got)
	}
	var wrong *dr.Error
	if _, err := backendFile(map[string]string{"a = 1\nb": "x"}); !errors.As(err, &wrong) || wrong.Code != dr.Invalid {
		t.Errorf("a key that is none: %v", err)
	}
}

// squeezed is a text with one blank for several.
func squeezed(s string) string {
	var out []string
	for line := range strings.Lines(s) {
		out = append(out, strings.Join(strings.Fields(line), " "))
	}
	return strings.Join(out, "\n")
}

// spied has Terraform started by a program that notes every command line.
func (w *world) spied() (log string) {
	w.t.Helper()
	real, err := exec.LookPath("terraform")
	if err != nil {
		w.t.Fatal(err)
	}
	log = filepath.Join(w.dir, "commands")
	spy := filepath.Join(w.dir, "terraform")
	text := fmt.Sprintf("#!/bin/sh\necho \"$@\" >> %s\nexec %s \"$@\"\n", log, real)
	if err := os.WriteFile(spy, []byte(text), 0o700); err != nil {
		w.t.Fatal(err)
	}
	w.opts.TerraformPath, w.opts.Isolation = spy, Isolation{} // it writes where a wall would not let it
	return log
}

// TestBackendIsOnNoCommandLine plans and applies a stack: no command line has a value of the
// backend's configuration, no file with them is left, and Terraform has been told them.
func TestBackendIsOnNoCommandLine(t *testing.T) {
	w := newWorld(t)
	log := w.spied()
	commit := w.commit(files(`resource "terraform_data" "a" {}`))
	tf := w.terraform()
	req := dr.PlanRequest{Service: dr.Service{}, Stack: w.stack(), Commit: commit}
	plan, err := tf.Plan(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	r, err := tf.Apply(t.Context(), dr.ApplyRequest{Key: "k", Run: "r", Service: req.Service, Stack: req.Stack, Commit: commit, Approved: plan}, nil)
	if err != nil || r.Kind != dr.ApplyDone {
		t.Fatalf("%v %+v", err, r)
	}
	if _, err := os.Stat(w.state()); err != nil {
		t.Errorf("the state is not where the configuration says: %v", err)
	}
	said, err := os.ReadFile(log)
	if err != nil || !strings.Contains(string(said), "-backend-config=") || strings.Contains(string(said), w.state()) {
		t.Errorf("%v: the command lines are\n%s", err, said)
	}
	err = filepath.WalkDir(w.opts.WorkDir, func(path string, d os.DirEntry, err error) error {
		if err == nil && d.Name() == "backend.hcl" {
			t.Errorf("%s is left", path)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}
