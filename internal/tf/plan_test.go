package tf

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/text/texttest"
)

const canary = "canary-6f1c0b"

func TestPlanIsAnAllowList(t *testing.T) {
	w := newWorld(t)
	secret := filepath.Join(w.dir, "secret")
	if err := os.WriteFile(secret, []byte(canary), 0o600); err != nil {
		t.Fatal(err)
	}
	commit := w.commit(files(`
resource "terraform_data" "a" {
  input = {
    region = var.active_region
    tags   = { Name = "x", "a.b" = "y" }
    list   = [{ cidrs = ["10.0.0.0/8"] }]
    hidden = sensitive({ key = file("` + secret + `") })
  }
}
resource "terraform_data" "b" {
  input = terraform_data.a.id
}
data "terraform_remote_state" "late" {
  backend = "local"
  config  = { path = terraform_data.b.output }
}
output "hidden" {
  sensitive = true
  value     = file("` + secret + `")
}
check "size" {
  assert {
    condition     = terraform_data.a.input.region == "elsewhere"
    error_message = "` + canary + `"
  }
}
`))
	p := w.plan(commit)

	var addresses []string
	for _, c := range p.Changes {
		addresses = append(addresses, c.Address)
		if c.Type != "terraform_data" || !slices.Equal(c.Actions, []string{"create"}) || c.Stack != "app" {
			t.Errorf("change %+v", c)
		}
	}
	if want := []string{"terraform_data.a", "terraform_data.b"}; !slices.Equal(addresses, want) {
		t.Fatalf("addresses %v, want %v: reading a data source is no change", addresses, want)
	}
	wantPaths := []string{
		"id", "input.hidden", "input.list[0].cidrs[0]", "input.region", `input.tags.Name`, `input.tags["a.b"]`, "output",
	}
	if got := p.Changes[0].PathNames(); !slices.Equal(slices.Sorted(slices.Values(got)), slices.Sorted(slices.Values(wantPaths))) {
		t.Errorf("paths %q, want %q", got, wantPaths)
	}
	for _, path := range p.Changes[0].Paths {
		unknown := path.Path == "id" || path.Path == "output"
		if unknown != (path.Value == "") {
			t.Errorf("path %s has hash %q", path.Path, path.Value)
		}
	}
	if !slices.Equal(p.Outputs, []string{"hidden"}) || !slices.Equal(p.Failed, []string{"check.size"}) {
		t.Errorf("outputs %v, failed %v", p.Outputs, p.Failed)
	}
	if p.LockFile != "none" || p.Terraform == "" || p.Stack != "app" || p.Drift != nil {
		t.Errorf("plan %+v", p)
	}
	if data, err := json.Marshal(p); err != nil || strings.Contains(string(data), canary) || strings.Contains(string(data), "10.0.0.0") {
		t.Errorf("a value is in the plan: %s, %v", data, err)
	}
	if left, err := os.ReadDir(filepath.Join(w.opts.WorkDir, "plans")); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}

	if again := w.plan(commit); !reflect.DeepEqual(again, p) {
		t.Errorf("the same commit gave another plan:\n%+v\n%+v", again, p)
	}
	w.opts.HashKey = []byte("another key of 16 bytes or more")
	other := w.plan(commit)
	if slices.Equal(other.Changes[0].Paths, p.Changes[0].Paths) || !slices.Equal(other.Changes[0].PathNames(), p.Changes[0].PathNames()) {
		t.Error("the hashes do not depend on the key alone")
	}
}

func TestPlanOfAChange(t *testing.T) {
	w := newWorld(t)
	first := w.commit(files(`
resource "terraform_data" "a" {
  input = { tags = { Name = "x", Gone = "y" }, list = ["1", "2"], same = "s" }
}
resource "terraform_data" "old" {}
`))
	if r := w.apply(w.request("first", first)); r.Kind != dr.ApplyDone || r.Counts.Add != 2 {
		t.Fatalf("result %+v", r)
	}
	if p := w.plan(first); len(p.Changes) != 0 || len(p.Outputs) != 0 {
		t.Fatalf("changes after the apply: %+v", p)
	}
	second := w.commit(map[string]string{"app/main.tf": header + `
resource "terraform_data" "a" {
  input = { tags = { Name = "z" }, list = ["1"], same = "s" }
}
resource "terraform_data" "moved" {}
moved {
  from = terraform_data.old
  to   = terraform_data.moved
}
output "new" {
  value = 1
}
`})
	p := w.plan(second)
	if len(p.Changes) != 2 || !slices.Equal(p.Changes[0].Actions, []string{"update"}) || !slices.Equal(p.Changes[1].Actions, []string{"move"}) {
		t.Fatalf("changes %+v", p.Changes)
	}
	if from := p.Changes[1].From; from != "terraform_data.old" {
		t.Errorf("it is moved from %q", from)
	}
	a := p.Changes[0]
	if want := []string{"input.list[1]", "input.tags.Gone", "input.tags.Name", "output"}; !slices.Equal(a.PathNames(), want) {
		t.Errorf("paths %q, want %q", a.PathNames(), want)
	}
	if want := []string{"input.list[1]", "input.tags.Gone"}; !slices.Equal(a.Nulled, want) {
		t.Errorf("nulled %q, want %q", a.Nulled, want)
	}
	drift, err := w.terraform().Plan(t.Context(), dr.PlanRequest{Service: trusting(), Stack: w.stack(), Commit: second, Drift: true})
	if err != nil || len(drift.Changes) != 2 || len(drift.Drift) != 0 {
		t.Errorf("drift %+v, %v", drift, err)
	}
}

func TestPlanOfAMerge(t *testing.T) {
	w := newWorld(t)
	main := `
resource "terraform_data" "region" {
  input = var.active_region
}
`
	w.commit(files(main))
	w.git(w.tree, "checkout", "-q", "-b", "flip")
	flip := w.commit(map[string]string{"active_region.auto.tfvars": "active_region = \"ap-northeast-1\"\n"})
	w.git(w.tree, "checkout", "-q", "main")
	base := w.commit(map[string]string{"app/more.tf": `resource "terraform_data" "more" {}`})
	clash := w.commit(map[string]string{"active_region.auto.tfvars": "active_region = \"us-east-1\"\n"})

	tf := w.terraform()
	merged, err := tf.Plan(t.Context(), dr.PlanRequest{Service: trusting(), Stack: w.stack(), Commit: flip, MergeInto: base})
	if err != nil || len(merged.Changes) != 2 {
		t.Fatalf("plan %+v, %v", merged, err)
	}
	alone := w.plan(flip)
	if got, want := merged.Changes[1].Paths, alone.Changes[0].Paths; len(alone.Changes) != 1 || !slices.Equal(got, want) {
		t.Errorf("the merge has paths %v, the commit alone %v", got, want)
	}
	_, err = tf.Plan(t.Context(), dr.PlanRequest{Service: trusting(), Stack: w.stack(), Commit: flip, MergeInto: clash})
	if dr.CodeOf(err) != dr.Conflict {
		t.Errorf("a conflict gave %v", err)
	}
}

func TestPlanRefuses(t *testing.T) {
	w := newWorld(t)
	all := files("")
	all["out/in"] = "-> ../../../../.."
	all["file"] = "x"
	commit := w.commit(all)
	tf := w.terraform()
	for name, c := range map[string]struct {
		commit, merge, dir string
		want               dr.Code
	}{
		"short SHA":       {commit[:12], "", "app", dr.Invalid},
		"branch":          {"main", "", "app", dr.Invalid},
		"option":          {"--upload-pack=touch /tmp/x", "", "app", dr.Invalid},
		"upper case":      {strings.ToUpper(commit), "", "app", dr.Invalid},
		"merge into name": {commit, "main", "app", dr.Invalid},
		"unknown commit":  {strings.Repeat("0123456789", 4), "", "app", dr.Temporary},
		"parent folder":   {commit, "", "../app", dr.Invalid},
		"absolute":        {commit, "", "/etc", dr.Invalid},
		"nothing":         {commit, "", "", dr.Invalid},
		"linked out":      {commit, "", "out/in", dr.Uncertain},
		"missing":         {commit, "", "nowhere", dr.NotFound},
		"a file":          {commit, "", "file", dr.NotFound},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := tf.Plan(t.Context(), dr.PlanRequest{Service: trusting(), Stack: dr.Stack{Name: "app", Dir: c.dir}, Commit: c.commit, MergeInto: c.merge})
			if err == nil || dr.CodeOf(err) != c.want {
				t.Errorf("got %v, want code %s", err, c.want)
			}
		})
	}
	if left, err := os.ReadDir(filepath.Join(w.opts.WorkDir, "plans")); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestPlanFailureIsScrubbed(t *testing.T) {
	w := newWorld(t)
	w.opts.Environment = map[string]string{"DB_PASSWORD": canary}
	commit := w.commit(files(`
resource "terraform_data" "a" {
  lifecycle {
    precondition {
      condition     = var.active_region == "elsewhere"
      error_message = "` + canary + `"
    }
  }
}
`))
	_, err := w.terraform().Plan(t.Context(), dr.PlanRequest{Service: trusting(), Stack: w.stack(), Commit: commit})
	if err == nil || strings.Contains(err.Error(), canary) {
		t.Fatalf("got %v", err)
	}
	if msg, _ := texttest.Told(t, err); !strings.Contains(msg, "Resource precondition failed") {
		t.Errorf("the message says %q", msg)
	}
}

func TestInitKeepsToTheLockFile(t *testing.T) {
	w := newWorld(t)
	empty := files(`resource "terraform_data" "a" {}`)
	empty["app/.terraform.lock.hcl"] = "# no providers\n"
	commit := w.commit(empty)
	p := w.plan(commit)
	if len(p.LockFile) != 64 || len(p.Changes) != 1 {
		t.Errorf("plan %+v", p)
	}

	// A provider that is at hand and not in the lock file must not be chosen.
	w.opts.PluginDir = filepath.Join(filepath.Dir(w.dir), "mirror")
	version := filepath.Join(w.opts.PluginDir, "registry.terraform.io", "hashicorp", "null", "3.2.1")
	for _, platform := range []string{"linux_amd64", "linux_arm64", "darwin_arm64", "darwin_amd64"} {
		if err := os.MkdirAll(filepath.Join(version, platform), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(version, platform, "terraform-provider-null_v3.2.1"), []byte("#!/bin/sh\n"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	commit = w.commit(map[string]string{"app/null.tf": `resource "null_resource" "n" {}`})
	_, err := w.terraform().Plan(t.Context(), dr.PlanRequest{Service: trusting(), Stack: w.stack(), Commit: commit})
	if msg, _ := texttest.Told(t, err); !strings.Contains(msg, "Provider dependency changes detected") {
		t.Errorf("got %v", err)
	}
}

func TestPlansInParallel(t *testing.T) {
	w := newWorld(t)
	commit := w.commit(files(`resource "terraform_data" "a" {}`))
	w.opts.PlanUnlocked = true
	w.opts.Environment = map[string]string{"TF_PLUGIN_CACHE_DIR": t.TempDir()}
	tf := w.terraform()
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			p, err := tf.Plan(t.Context(), dr.PlanRequest{Service: trusting(), Stack: w.stack(), Commit: commit})
			if err != nil || len(p.Changes) != 1 {
				t.Errorf("plan %+v, %v", p, err)
			}
		})
	}
	all.Wait()
}

func TestPlanTimeout(t *testing.T) {
	w := newWorld(t)
	g := w.gate("plan")
	w.opts.TerraformPath = w.wrapper("plan", "echo '{}'; exec cat "+g.fifo)
	w.opts.PlanTimeout = 3 * time.Second
	commit := w.commit(files(""))
	_, err := w.terraform().Plan(t.Context(), dr.PlanRequest{Service: trusting(), Stack: w.stack(), Commit: commit})
	if what, _ := texttest.Told(t, err); dr.CodeOf(err) != dr.Temporary || what != "The plan of stack app took longer than 3s." {
		t.Errorf("got %q, %v", what, err)
	}
}

func TestTokenGoesToTheForgeAlone(t *testing.T) {
	w := newWorld(t)
	var mu sync.Mutex
	var seen []string
	forge := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		seen = append(seen, r.Header.Get("Authorization"))
		http.Error(rw, "no "+r.Header.Get("Authorization"), http.StatusForbidden)
	}))
	defer forge.Close()
	w.opts.GitURL = func(dr.Repository) string { return forge.URL + "/o/r.git" }
	w.opts.GitToken = func(context.Context, dr.Repository, string) (string, error) { return canary, nil }
	_, err := w.terraform().Plan(t.Context(), dr.PlanRequest{Service: trusting(), Stack: w.stack(), Commit: strings.Repeat("a", 40)})
	if err == nil || strings.Contains(err.Error(), canary) || strings.Contains(err.Error(), basic(canary)) {
		t.Errorf("got %v", err)
	}
	if len(seen) == 0 || seen[0] != "Basic "+basic(canary) {
		t.Errorf("the forge was sent %q", seen)
	}
	for _, text := range []string{canary, basic(canary)} {
		if found := holding(t, w.opts.WorkDir, text); len(found) > 0 {
			t.Errorf("the token is in %v", found)
		}
	}
}

func TestOldPlanFoldersAreSwept(t *testing.T) {
	w := newWorld(t)
	tf := w.terraform()
	busy, release, err := tf.disk.scratch(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer release()
	left := filepath.Join(w.opts.WorkDir, "plans", "left")
	if err := os.Mkdir(left, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(left+".lock", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	w.terraform()
	if _, err := os.Stat(left); !os.IsNotExist(err) {
		t.Errorf("the old folder is there: %v", err)
	}
	if _, err := os.Stat(busy); err != nil {
		t.Errorf("the folder in use is gone: %v", err)
	}
}

func TestNewRefuses(t *testing.T) {
	for name, spoil := range map[string]func(*Options){
		"no folder":       func(o *Options) { o.WorkDir = "" },
		"short key":       func(o *Options) { o.HashKey = []byte("short") },
		"no repository":   func(o *Options) { o.GitURL = nil },
		"no supervisor":   func(o *Options) { o.SupervisorCommand = nil },
		"gone supervisor": func(o *Options) { o.SupervisorCommand = []string{"/nowhere/drbot"} },
		"gone terraform":  func(o *Options) { o.TerraformPath = "/nowhere/terraform" },
		"variable":        func(o *Options) { o.PassEnv = []string{"TF_VAR_x"} },
		"logging":         func(o *Options) { o.Environment = map[string]string{"TF_LOG": "trace"} },
	} {
		o := options(t.TempDir(), "/x")
		spoil(&o)
		if _, err := New(o); dr.CodeOf(err) != dr.Invalid || err == nil {
			t.Errorf("%s: got %v", name, err)
		}
	}
	for _, url := range []string{"https://user:" + canary + "@example.com/r", "http://example.com/r", "ssh://example.com/r", "git@example.com:r", "ext::sh", "-x", "", "https://%zz" + canary} {
		if _, err := checkGitURL(url); dr.CodeOf(err) != dr.Invalid || err == nil || strings.Contains(err.Error(), canary) {
			t.Errorf("%s: got %v", url, err)
		}
	}
}
