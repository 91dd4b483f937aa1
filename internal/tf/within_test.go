package tf

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/drbot/drbot/dr"
)

// TestAPipeInTheCheckoutHoldsNobody: what runs behind the wall (here: in the place of a
// provider) replaces a file of its checkout by a pipe, before which who reads it would stand
// for ever, past every limit.
func TestAPipeInTheCheckoutHoldsNobody(t *testing.T) {
	w := newWorld(t)
	w.opts.TerraformPath = w.wrapper("show", "rm ../active_region.auto.tfvars; mkfifo ../active_region.auto.tfvars")
	commit := w.commit(files("resource \"terraform_data\" \"a\" {}\n"))
	svc := trusting()
	svc.Repository.File = "active_region.auto.tfvars"
	ended := make(chan error, 1)
	tf, ctx := w.terraform(), t.Context()
	go func() {
		_, err := tf.Plan(ctx, dr.PlanRequest{Service: svc, Stack: w.stack(), Commit: commit, Drift: true})
		ended <- err
	}()
	select {
	case err := <-ended:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(2 * time.Minute):
		t.Error("the plan has not ended: the bot stands before a pipe")
	}
}

// TestReadWithin reads what a checkout has, by its links too, and nothing else.
func TestReadWithin(t *testing.T) {
	dir := t.TempDir()
	root := filepath.Join(dir, "src")
	at := func(name string) string { return filepath.Join(root, name) }
	err := os.MkdirAll(at("app"), 0o700)
	for name, text := range map[string]string{"value": "v", "app/own": "o", "long": strings.Repeat("x", 11), "../secret": "s"} {
		if err == nil {
			err = os.WriteFile(at(name), []byte(text), 0o600)
		}
	}
	for name, to := range map[string]string{"app/linked": "../value", "app/out": "../../secret", "app/whole": filepath.Join(dir, "secret"), "app/zero": "/dev/zero", "app/round": "round"} {
		if err == nil {
			err = os.Symlink(to, at(name))
		}
	}
	if err == nil {
		err = syscall.Mkfifo(at("pipe"), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"value": "v", "app/own": "o", "app/linked": "v", "app/../value": "v",
		"long": "", "app": "", "pipe": "", "app/out": "", "app/whole": "", "app/zero": "", "app/round": "", "none": "", "../secret": "",
	} {
		data, err := readWithin(root, name, 10)
		if string(data) != want || (err == nil) != (want != "") {
			t.Errorf("%s: %q, %v", name, data, err)
		}
	}
	if _, err := openPlain(at("app/linked"), 10); err == nil {
		t.Error("a link was opened")
	}
	if _, err := openPlain(at("pipe"), 10); err == nil {
		t.Error("a pipe was opened")
	}
	if names, err := namesWithin(root, "app"); err != nil || len(names) != 6 {
		t.Errorf("%v, %v", names, err)
	}
	if _, err := namesWithin(root, "pipe"); err == nil {
		t.Error("a pipe was listed")
	}
	if !sameWithin(root, "app/linked", "value") || sameWithin(root, "app/own", "value") || sameWithin(root, "app/out", "app/whole") {
		t.Error("what a link leads to is not told")
	}
}
