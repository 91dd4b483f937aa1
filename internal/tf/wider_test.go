package tf

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/text/texttest"
)

// byHand runs Terraform as a person does, on the stack as it is committed last.
func (w *world) byHand(args ...string) {
	w.t.Helper()
	for _, args := range [][]string{{"init", "-input=false", "-backend-config=path=" + w.state()}, args} {
		cmd := exec.CommandContext(w.t.Context(), "terraform", args...)
		cmd.Dir, cmd.Env = filepath.Join(w.tree, "app"), []string{"PATH=" + os.Getenv("PATH"), "HOME=" + w.dir}
		if out, err := cmd.CombinedOutput(); err != nil {
			w.t.Fatalf("terraform %v: %v\n%s", args, err, out)
		}
	}
}

// again commits the stack's resources anew.
func (w *world) again(main string) string {
	w.t.Helper()
	return w.commit(map[string]string{"app/main.tf": header + main})
}

// done applies a commit as its plan is now.
func (w *world) done(key, commit string) {
	w.t.Helper()
	if r := w.apply(w.request(key, commit)); r.Kind != dr.ApplyDone {
		w.t.Fatalf("%s: result %+v", key, r)
	}
}

// wider applies, and sees that it was refused with these words and changed nothing.
func (w *world) wider(req dr.ApplyRequest, says string) {
	w.t.Helper()
	before, err := os.ReadFile(w.state())
	if err != nil && !os.IsNotExist(err) {
		w.t.Fatal(err)
	}
	r := w.apply(req)
	var said []string
	for _, t := range r.Wider {
		said = append(said, texttest.Say(w.t, t))
	}
	if r.Kind != dr.ApplyWider || !slices.Contains(said, says) {
		w.t.Errorf("%s: %s, %q, not %q", req.Key, r.Kind, said, says)
	}
	if after, err := os.ReadFile(w.state()); err != nil && !os.IsNotExist(err) || string(after) != string(before) {
		w.t.Errorf("%s: the state was changed (%v)", req.Key, err)
	}
}

// acts lists a plan's changes, as "address: actions".
func acts(p dr.Plan) []string {
	var out []string
	for _, c := range p.Changes {
		out = append(out, c.Address+": "+strings.Join(c.Actions, "+"))
	}
	return out
}

func replaced(version, input string) string {
	return `
resource "terraform_data" "r" {
  triggers_replace = "` + version + `"
  input            = "` + input + `"
}
`
}

func TestCase13TheBaseDroppedWhatIsReplaced(t *testing.T) {
	w := newWorld(t)
	w.done("first", w.commit(files(replaced("1", "x"))))
	req := w.request("run", w.again(replaced("2", "x")))
	if got := acts(req.Approved); !slices.Equal(got, []string{"terraform_data.r: delete+create"}) {
		t.Fatalf("approved %v", got)
	}
	req.Commit = w.again("")
	w.wider(req, "terraform_data.r: delete where delete, create was approved")
}

func TestCase14SomebodyImportedWhatIsMade(t *testing.T) {
	w := newWorld(t)
	req := w.request("run", w.commit(files(replaced("1", "x"))))
	w.byHand("import", "terraform_data.r", "an-id")
	w.wider(req, "terraform_data.r: delete, create where create was approved")
	w.byHand("taint", "terraform_data.r")
	req.Key = "tainted" // by somebody who is not the run
	w.wider(req, "terraform_data.r: delete, create where create was approved")
}

func TestCase15AnUnknownValueIsNothing(t *testing.T) {
	w := newWorld(t)
	commit := w.commit(files(`
resource "terraform_data" "a" {}
resource "terraform_data" "b" {
  input = terraform_data.a.id == "other" ? "x" : null
}
`))
	req := w.request("run", commit)
	w.byHand("apply", "-auto-approve", "-target=terraform_data.a")
	w.wider(req, "terraform_data.b: input was not known when the plan was approved, and would now be empty")
}

func TestCase16NothingToChange(t *testing.T) {
	w := newWorld(t)
	record := func(region string) string {
		return `
resource "terraform_data" "record" {
  input = { name = "svc", ttl = 60, records = ["` + region + `"], key = sensitive("` + region + `") }
}
resource "terraform_data" "made" {
  count = ` + map[string]string{"seoul": "0", "tokyo": "1"}[region] + `
}
resource "terraform_data" "gone" {
  count = ` + map[string]string{"seoul": "1", "tokyo": "0"}[region] + `
}
`
	}
	seoul := w.commit(files(record("seoul")))
	w.done("first", seoul)
	req := w.request("run", w.again(record("tokyo")))
	if got := acts(req.Approved); len(got) != 3 {
		t.Fatalf("approved %v", got)
	}
	approved := req.Commit
	req.Commit, req.Run = seoul, "another"
	w.wider(req, "nothing to change where 3 changes were approved, and what they were to bring about is not there")

	// 16b: the approved values are there, whoever has brought them.
	req.Commit, req.Key = approved, "done"
	w.byHand("apply", "-auto-approve")
	if r := w.apply(req); r.Kind != dr.ApplyDone || r.Counts != (dr.Counts{}) {
		t.Errorf("as approved: result %+v", r)
	}
}

func TestCase16bTheRunItselfHasDoneIt(t *testing.T) {
	w := newWorld(t)
	g := w.gate("exec")
	commit := w.commit(files(localExec("a", "true", "") + localExec("b", g.command(), "terraform_data.a")))
	req := w.request("died", commit)
	tf := w.terraform()
	wait := w.applying(tf, req)
	g.reached()
	// The local state has what is being made already.
	killSession(t)(supervisorOf(t, tf.disk.applyFolder("died")))
	if r := wait(); r.Kind != dr.ApplyLost {
		t.Fatalf("result %+v", r)
	}
	g.open()
	req.Key = "retry"
	if r := w.apply(req); r.Kind != dr.ApplyDone {
		t.Errorf("result %+v", r)
	}
}

// halved is a stack in which what is replaced is deleted, and not made: what it waits for
// fails until the file is there.
func halved(file, version, input string) string {
	return `
resource "terraform_data" "blocker" {
  count = ` + map[string]string{"1": "0", "2": "1"}[version] + `
  input = "` + version + `"
  provisioner "local-exec" {
    command = "test -e ` + file + `"
  }
}
resource "terraform_data" "r" {
  triggers_replace = "` + version + `"
  input            = { version = "` + version + `", what = "` + input + `", none = null, key = sensitive("k"), empty = {} }
  depends_on       = [terraform_data.blocker]
}
`
}

func TestCase24TheSecondHalfOfAReplacement(t *testing.T) {
	w := newWorld(t)
	file := filepath.Join(w.dir, "mended")
	w.done("first", w.commit(files(halved(file, "1", "x"))))
	req := w.request("half", w.again(halved(file, "2", "x")))
	if got := acts(req.Approved); !slices.Equal(got, []string{"terraform_data.blocker[0]: create", "terraform_data.r: delete+create"}) {
		t.Fatalf("approved %v", got)
	}
	if r := w.apply(req); r.Kind != dr.ApplyFailed || !slices.Equal(r.Made, []string{"terraform_data.r"}) {
		t.Fatalf("result %+v", r)
	}
	if got := acts(w.plan(req.Commit)); !slices.Equal(got, []string{"terraform_data.blocker[0]: delete+create", "terraform_data.r: create"}) {
		t.Fatalf("what is left is %v", got)
	}
	other := req
	other.Key, other.Commit = "other", w.again(halved(file, "2", "y"))
	w.wider(other, "terraform_data.r: input.what would get another value than the approved one")
	w.opts.Held = func(_ context.Context, types []string) ([]string, error) { return types, nil }
	held := req
	held.Key = "held" // what holds data is deleted by nobody unasked, the run's own half or not
	w.wider(held, "terraform_data.blocker[0]: delete, create where create was approved")
	w.opts.Held = nil
	stranger := req
	stranger.Key, stranger.Run = "stranger", "another" // it has left nothing
	w.wider(stranger, "terraform_data.blocker[0]: delete, create where create was approved")

	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	req.Key = "retry"
	if r := w.apply(req); r.Kind != dr.ApplyDone || r.Counts != (dr.Counts{Add: 2, Destroy: 1}) {
		t.Errorf("result %+v", r)
	}
}

func TestCase24bWhatWasReplacedIsDeletedLater(t *testing.T) {
	w := newWorld(t)
	file := filepath.Join(w.dir, "mended")
	// What was replaced is deleted after all that used it.
	stack := func(version, users string) string {
		return `
resource "terraform_data" "r" {
  triggers_replace = "` + version + `"
  lifecycle {
    create_before_destroy = true
  }
}
resource "terraform_data" "user" {
  count = ` + users + `
  input = terraform_data.r.id
  provisioner "local-exec" {
    command = "test -e ` + file + `"
  }
}
`
	}
	w.done("first", w.commit(files(stack("1", "0"))))
	req := w.request("half", w.again(stack("2", "1")))
	if r := w.apply(req); r.Kind != dr.ApplyFailed || !slices.Equal(r.Made, []string{"terraform_data.r"}) {
		t.Fatalf("result %+v", r)
	}
	left := w.plan(req.Commit)
	if len(left.Changes) != 2 || left.Changes[0].Deposed != "terraform_data.r" || !slices.Equal(left.Changes[0].Actions, []string{"delete"}) {
		t.Fatalf("what is left is %+v", left.Changes)
	}
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	req.Key = "retry"
	if r := w.apply(req); r.Kind != dr.ApplyDone || r.Counts != (dr.Counts{Add: 1, Destroy: 2}) {
		t.Errorf("result %+v", r)
	}
	if p := w.plan(req.Commit); len(p.Changes) != 0 {
		t.Errorf("what is left now is %v", acts(p))
	}
}
