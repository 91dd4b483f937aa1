package tf

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/internal/wall"
	"github.com/drbot/drbot/internal/wall/walltest"
)

// ordinaryWorld is a world whose bot is an ordinary user and may switch to two others.
func ordinaryWorld(t *testing.T, programs string, landlock int) *world {
	t.Helper()
	w := newWorld(t)
	w.opts.Isolation.Launcher, w.opts.Isolation.Switch = filepath.Join(programs, "drbot-launch"), filepath.Join(programs, "drbot-switch")
	w.opts.Isolation.Landlock, w.opts.Isolation.Filter, w.opts.Isolation.Shell = landlock, wall.Look().Filter, true
	w.opts.Isolation.User, w.opts.Isolation.ApplyUser = walltest.Plan, walltest.Apply
	for dir := w.dir; dir != filepath.Clean(os.TempDir()); dir = filepath.Dir(dir) {
		if err := os.Chmod(dir, 0o711); err != nil {
			t.Fatal(err)
		}
	}
	return w
}

// landlocks are the versions that a test of users is played with.
func landlocks() map[string]int {
	out := map[string]int{"alone": 0}
	if has := wall.Look().Landlock; has > 0 {
		out["with Landlock"] = has
	}
	return out
}

// nothingLeft waits until the rooms of plans and applies are gone.
func (w *world) nothingLeft() {
	w.t.Helper()
	for _, dir := range []string{"plans", tempsDir, "applies/*/" + workFolder} {
		eventually(w.t, "nothing is left in "+dir, func() bool {
			pattern := filepath.Join(w.opts.WorkDir, dir)
			if !strings.Contains(dir, "*") {
				pattern = filepath.Join(pattern, "*")
			}
			left, err := filepath.Glob(pattern)
			return err == nil && len(left) == 0
		})
	}
}

// TestTerraformByTheSwitch has a bot that is an ordinary user plan as one user and apply as
// another: what is the bot's stays out of reach, each has its own, the state is theirs both,
// and all that they leave is cleared away, folders that they closed too.
func TestTerraformByTheSwitch(t *testing.T) {
	programs := walltest.Ordinary(t)
	if programs == "" {
		return
	}
	for name, landlock := range landlocks() {
		t.Run(name, func(t *testing.T) {
			w := ordinaryWorld(t, programs, landlock)
			secret, told := filepath.Join(w.dir, "secret"), filepath.Join(w.dir, "told")
			for path, mode := range map[string]os.FileMode{secret: 0o600, told: 0o666} {
				if err := os.WriteFile(path, []byte(""), mode); err != nil {
					t.Fatal(err)
				}
				if err := os.Chmod(path, mode); err != nil {
					t.Fatal(err)
				}
			}
			if err := os.WriteFile(secret, []byte(canary), 0o600); err != nil {
				t.Fatal(err)
			}
			closed := `mkdir -p "$TMPDIR/a/b" && touch "$TMPDIR/a/b/c" && chmod 000 "$TMPDIR/a"; mkdir -p here/closed && chmod 500 here/closed; id -u >> ` + told
			all := files(fmt.Sprintf(`
resource "terraform_data" "loot" {
  for_each = toset([try(file(%q), "kept-out-1"), try(file("/proc/%d/environ"), "kept-out-2")])
}
resource "terraform_data" "who" {
  provisioner "local-exec" {
    command = %q
  }
}
`, secret, os.Getpid(), fmt.Sprintf("%s; cat %s >> %s; kill -0 %d && echo signalled >> %s; true", closed, secret, told, os.Getpid(), told)))
			commit := w.commit(all)
			req := w.request("key", commit)
			var addresses []string
			for _, c := range req.Approved.Changes {
				addresses = append(addresses, c.Address)
			}
			got := strings.Join(addresses, " ")
			if strings.Contains(got, canary) || !strings.Contains(got, "kept-out-1") || !strings.Contains(got, "kept-out-2") {
				t.Errorf("the plan has %s", got)
			}
			if r := w.apply(req); r.Kind != dr.ApplyDone || r.Counts.Add != 3 {
				t.Fatalf("%+v", r)
			}
			said, err := os.ReadFile(told)
			if err != nil || string(said) != fmt.Sprintf("%d\n", walltest.Apply) {
				t.Errorf("the provisioner told %q, %v", said, err)
			}
			if p := w.plan(commit); len(p.Changes) != 0 {
				t.Errorf("applied, and it plans %+v", p.Changes)
			}
			// And once more on the same state, by each of the two.
			commit = w.commit(map[string]string{"app/more.tf": `resource "terraform_data" "more" {}`})
			if r := w.apply(w.request("key 2", commit)); r.Kind != dr.ApplyDone || r.Counts.Add != 1 {
				t.Fatalf("%+v", r)
			}
			w.nothingLeft()
		})
	}
}

// TestProviderBehindEveryWall has the real provider work as another user, behind Landlock, the
// filter of system calls and the bound on memory.
func TestProviderBehindEveryWall(t *testing.T) {
	plugins := os.Getenv("TF_PLUGIN_DIR")
	if plugins == "" {
		t.Skip("not proved here: TF_PLUGIN_DIR names no mirror with the AWS provider")
	}
	plugins = walltest.Mirror(t, plugins)
	t.Setenv("TF_PLUGIN_DIR", plugins) // of the test that the ordinary user runs
	programs := walltest.Ordinary(t)
	if programs == "" {
		return
	}
	w := ordinaryWorld(t, programs, wall.Look().Landlock)
	w.opts.PluginDir, w.opts.Isolation.Shell = plugins, false
	w.opts.Environment = map[string]string{"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"}
	commit := w.commit(files(`
terraform {
  required_providers {
    aws = { source = "hashicorp/aws" }
  }
}
provider "aws" {
  region                      = "us-east-1"
  skip_metadata_api_check     = true
  skip_requesting_account_id  = true
  skip_credentials_validation = true
}
data "aws_iam_policy_document" "d" {
  statement {
    actions   = ["s3:GetObject"]
    resources = ["*"]
  }
}
resource "terraform_data" "d" {
  input = data.aws_iam_policy_document.d.json
}
`))
	svc := dr.Service{Code: dr.CodeRules{LockFileOptional: true}}
	p, err := w.terraform().Plan(t.Context(), dr.PlanRequest{Service: svc, Stack: w.stack(), Commit: commit})
	if err != nil || len(p.Changes) != 1 {
		t.Fatalf("%+v, %v", p, err)
	}
	w.nothingLeft()
}

// TestStopReachesTheOtherUser asks an apply to stop, and kills the supervisor of another:
// Terraform hears of the one, and ends with the other.
func TestStopReachesTheOtherUser(t *testing.T) {
	programs := walltest.Ordinary(t)
	if programs == "" {
		return
	}
	w := ordinaryWorld(t, programs, wall.Look().Landlock)
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	pids := filepath.Join(w.dir, "pids")
	must(os.WriteFile(pids, nil, 0o666))
	must(os.Chmod(pids, 0o666))
	commit := w.commit(files(fmt.Sprintf(`
resource "terraform_data" "slow" {
  provisioner "local-exec" {
    command = "echo $PPID >> %s; while kill -0 $PPID; do sleep 0.1; done"
  }
}
`, pids)))
	for n, end := range []syscall.Signal{syscall.SIGTERM, syscall.SIGKILL} {
		tf := w.terraform()
		req := w.request(fmt.Sprint("key ", n), commit)
		ended := make(chan dr.ApplyResult, 1)
		go func() {
			r, err := tf.Apply(t.Context(), req, nil)
			if err != nil {
				t.Error(err)
			}
			ended <- r
		}()
		var pid int
		eventually(t, "the apply is at work", func() bool {
			said, err := os.ReadFile(pids)
			lines := strings.Fields(string(said))
			if err != nil || len(lines) <= n {
				return false
			}
			pid, err = strconv.Atoi(lines[n])
			return err == nil
		})
		var of process
		f := tf.disk.applyFolder(req.Key)
		if known, err := f.read(processFile, &of); !known || err != nil {
			t.Fatal(err)
		}
		must(syscall.Kill(of.PID, end))
		r := <-ended
		if want := map[syscall.Signal]dr.ApplyKind{syscall.SIGTERM: dr.ApplyFailed, syscall.SIGKILL: dr.ApplyLost}[end]; r.Kind != want {
			t.Errorf("%v: %+v", end, r)
		}
		eventually(t, "Terraform has ended", func() bool {
			_, err := os.Stat(fmt.Sprint("/proc/", pid))
			return err != nil
		})
	}
	w.nothingLeft()
}
