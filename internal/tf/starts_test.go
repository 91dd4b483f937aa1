package tf

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/drbot/drbot/dr"
)

// starts puts a script before a program that notes what it is started for, and gives what has
// been noted since it was last asked.
func (w *world) starts(program string) (path string, since func() string) {
	w.t.Helper()
	real, err := exec.LookPath(program)
	if err != nil {
		w.t.Fatal(err)
	}
	dir := w.t.TempDir()
	log := filepath.Join(dir, "log")
	path = filepath.Join(dir, program)
	if err := os.WriteFile(path, fmt.Appendf(nil, "#!/bin/sh\necho \"$1\" >> %s\nexec %s \"$@\"\n", log, real), 0o700); err != nil {
		w.t.Fatal(err)
	}
	w.opts.Isolation = Isolation{} // it writes where a wall would not let it
	return path, func() string {
		w.t.Helper()
		data, err := os.ReadFile(log)
		if err != nil && !os.IsNotExist(err) {
			w.t.Fatal(err)
		}
		_ = os.Remove(log) // or there was none
		return strings.Join(strings.Fields(string(data)), " ")
	}
}

// TestStarts holds how many processes a plan, an apply and a comparison start: each takes
// longer, behind its wall, than what it does.
func TestStarts(t *testing.T) {
	w := newWorld(t)
	gitSpy, gits := w.starts("git")
	spy, terraforms := w.starts("terraform")
	w.opts.TerraformPath = spy
	commit := w.commit(files(`resource "terraform_data" "a" {}` + "\n" + `module "m" { source = "../m" }`))
	base := w.commit(map[string]string{"m/main.tf": `resource "terraform_data" "b" {}`, "README.md": "read me\n"})
	t.Setenv("PATH", filepath.Dir(gitSpy)+":"+os.Getenv("PATH"))
	tf := w.terraform()
	if err := newGit(w.job()).have(t.Context(), base); err != nil {
		t.Fatal(err)
	}
	gits()

	req := w.request("starts", base)
	if got := gits(); got != "cat-file ls-tree checkout" {
		t.Errorf("a plan starts git for %s", got)
	}
	if got := terraforms(); got != "version init plan show workspace" { // since the state is empty
		t.Errorf("a plan starts Terraform for %s", got)
	}
	if r := w.apply(req); r.Kind != dr.ApplyDone {
		t.Fatalf("result %+v", r)
	}
	if got := gits(); got != "cat-file ls-tree checkout" {
		t.Errorf("an apply starts git for %s", got)
	}
	if got := terraforms(); got != "version init plan show workspace apply" {
		t.Errorf("an apply starts Terraform for %s", got)
	}

	next := w.commit(map[string]string{"README.md": "read me again\n"})
	gits()
	g, done := newGit(w.job()).reading()
	defer done()
	if err := g.have(t.Context(), commit, next); err != nil {
		t.Fatal(err)
	}
	if got := gits(); got != "cat-file fetch" {
		t.Errorf("for two commits git is started for %s", got)
	}
	same := dr.TreesRequest{Service: trusting(), Stacks: []dr.Stack{w.stack()}, From: dr.Tree{Commit: commit, MergeInto: base}, To: dr.Tree{Commit: base}}
	if changed, err := tf.Changed(t.Context(), same); changed || err != nil {
		t.Errorf("a commit that is in the base already: changed %t, %v", changed, err)
	}
	if got := gits(); got != "cat-file merge-tree" {
		t.Errorf("to compare the same files git is started for %s", got)
	}
	other := same
	other.From = dr.Tree{Commit: commit}
	if changed, err := tf.Changed(t.Context(), other); !changed || err != nil {
		t.Errorf("a module more: changed %t, %v", changed, err)
	}
	if got := gits(); got != "cat-file ls-tree ls-tree" {
		t.Errorf("to compare others git is started for %s", got)
	}
}

// job is one of this world's that reads the repository.
func (w *world) job() job {
	return job{Place: place{WorkDir: w.opts.WorkDir, GitURL: "file://" + w.bare, Wall: w.opts.Isolation.of(toPlan)}}
}

// TestTheEndOfAnApplyIsHeard looks at an apply once an hour: who started its supervisor has
// the result when that ends.
func TestTheEndOfAnApplyIsHeard(t *testing.T) {
	w := newWorld(t)
	commit := w.commit(files(`resource "terraform_data" "a" {}`))
	req := w.request("heard", commit)
	w.opts.ApplyPoll = time.Hour
	if r := w.applying(w.terraform(), req)(); r.Kind != dr.ApplyDone {
		t.Errorf("result %+v", r)
	}
}

// TestAskingGit asks for what is there, for what is not, and after git has gone.
func TestAskingGit(t *testing.T) {
	w := newWorld(t)
	commit := w.commit(files(""))
	g := newGit(w.job())
	if err := g.have(t.Context(), commit); err != nil {
		t.Fatal(err)
	}
	g, done := g.reading()
	defer done()
	none := strings.Repeat("1", 40)
	for _, gone := range []bool{false, true} {
		if gone {
			if err := g.asker.cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
			_, err := g.ask(t.Context(), askInfo, commit)
			for err == nil { // it was not dead yet
				_, err = g.ask(t.Context(), askInfo, commit)
			}
		}
		all, err := g.ask(t.Context(), askContents, none, commit+":app/main.tf", commit+"^{tree}")
		if err != nil {
			t.Fatal(err)
		}
		if all[0].kind != "" || all[1].text != header || all[2].kind != kindTree {
			t.Errorf("git says %+v", all)
		}
	}
	if _, err := g.ask(t.Context(), askInfo, commit+"\ncontents "+commit); err == nil {
		t.Error("two questions are taken for one")
	}
	if _, err := g.ask(t.Context(), askInfo, commit); err != nil {
		t.Error(err)
	}
	done()
	if _, err := g.ask(t.Context(), askInfo, commit); err != nil || g.asker.cmd != nil {
		t.Errorf("after the reading: %v, and a git is left: %t", err, g.asker.cmd != nil)
	}
}
