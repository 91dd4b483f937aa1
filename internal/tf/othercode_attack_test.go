//go:build attack

package tf

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/drbot/drbot/dr"
)

// callers stands in for AWS, and keeps by whom it was called.
type callers struct {
	*httptest.Server
	mu    sync.Mutex
	calls []string
}

func newCallers(t *testing.T) *callers {
	c := &callers{}
	c.Server = httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		_, rest, _ := strings.Cut(r.Header.Get("Authorization"), "Credential=")
		key, _, _ := strings.Cut(rest, "/")
		c.mu.Lock()
		c.calls = append(c.calls, r.Method+" "+r.URL.Path+" as "+key)
		c.mu.Unlock()
		_ = json.NewEncoder(rw).Encode("done")
	}))
	t.Cleanup(c.Close)
	return c
}

func (c *callers) as(key string) (out []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, call := range c.calls {
		if strings.Contains(call, " as "+key) {
			out = append(out, call)
		}
	}
	return out
}

// TestAttackByCodeNobodyApproved: what was approved has no code that runs; a module
// that is named without a ref gets, meanwhile, data that act when they are planned. The apply
// is refused as wider, and is offered as a whole, but what nobody approved ran with what every
// plan has, never with what the apply has: neither its session nor its environment.
func TestAttackByCodeNobodyApproved(t *testing.T) {
	for name, lend := range map[string]bool{"lent": true, "by its environment": false} {
		t.Run(name, func(t *testing.T) { unapprovedCode(t, lend) })
	}
}

func unapprovedCode(t *testing.T, lend bool) {
	w := newWorld(t)
	if w.opts.PluginDir = os.Getenv("TF_PLUGIN_DIR"); w.opts.PluginDir == "" {
		t.Skip("not proved here: TF_PLUGIN_DIR names no mirror with the AWS provider")
	}
	w.opts.Logger = slog.New(slog.NewTextHandler(t.Output(), nil))
	aws := newCallers(t)
	w.opts.Environment = map[string]string{"AWS_ENDPOINT_URL": aws.URL, "AWS_ACCESS_KEY_ID": "READ", "AWS_SECRET_ACCESS_KEY": "s"}
	w.opts.ApplyEnvironment = map[string]string{"AWS_ACCESS_KEY_ID": "APPLY"}
	if lend {
		w.opts.Lending = lendingOf(newBank(t, time.Hour).URL)
	}
	remote := filepath.Join(w.dir, "remote")
	w.git(w.dir, "init", "-q", "-b", "main", remote)
	module := func(content string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(remote, "m.tf"), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		w.git(remote, "add", "-A")
		w.git(remote, "commit", "-q", "-m", "change")
	}
	const plain = "terraform {\n  required_providers {\n    aws = { source = \"hashicorp/aws\" }\n  }\n}\nresource \"terraform_data\" \"m\" {\n  input = 1\n}\n"
	module(plain)
	main := "module \"m\" {\n  source = \"git::file://" + remote + "\"\n}\nprovider \"aws\" {\n  region = \"us-east-1\"\n  skip_requesting_account_id = true\n  skip_credentials_validation = true\n  max_retries = 1\n}\n"
	svc := dr.Service{Name: "portal", Code: dr.CodeRules{LockFileOptional: true, ModuleHosts: []string{"file"}}} // nothing else is allowed
	commit := w.commit(files(main))
	approved, err := w.terraform().Plan(t.Context(), dr.PlanRequest{Service: svc, Stack: w.stack(), Commit: commit})
	if err != nil {
		t.Fatal(err)
	}
	module(plain + "data \"aws_lambda_invocation\" \"m\" {\n  function_name = \"delete-everything\"\n  input = \"{}\"\n}\n")
	req := dr.ApplyRequest{Key: "k", Run: "run", Service: svc, Stack: w.stack(), Commit: commit, Approved: approved}
	r := w.apply(req)
	if r.Kind != dr.ApplyWider || r.Plan == nil || r.Plan.Code == approved.Code || len(r.Plan.Changes) != 1 || !slices.ContainsFunc(r.Wider, func(why dr.Text) bool { return why.ID == "wider.code" }) {
		t.Errorf("result %+v", r)
	}
	if ran := aws.as("APPLY"); len(ran) > 0 {
		t.Errorf("what nobody approved ran with what the apply has: %q", ran)
	}
	if len(aws.as("READ")) == 0 {
		t.Error("it did not run at all, so nothing is proved")
	}
	if again := w.apply(req); again.Kind != dr.ApplyWider || again.Plan == nil || again.Plan.Code != r.Plan.Code {
		t.Errorf("the same key gave %+v", again)
	}
	if t.Failed() {
		return
	}
	req.Key, req.Approved = "approved", *r.Plan
	if r := w.apply(req); r.Kind != dr.ApplyDone || r.Counts.Add != 1 {
		t.Errorf("approved, it gave %+v", r)
	}
}

// memoryAtMost is the most that this process has had, in bytes.
func memoryAtMost(t *testing.T) (kb int) {
	t.Helper()
	data, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Skip("not proved here: this system does not tell the memory of a process")
	}
	for line := range strings.Lines(string(data)) {
		if rest, is := strings.CutPrefix(line, "VmHWM:"); is {
			if _, err := fmt.Sscan(rest, &kb); err != nil {
				t.Fatal(err)
			}
		}
	}
	return kb << 10
}

// TestAttackByALongText: one line of HCL, which no policy refuses, makes a hundred
// megabytes of one output. It costs Terraform what it costs; the bot reads as much of it as of
// any plan, and says what there is too much of.
func TestAttackByALongText(t *testing.T) {
	w := newWorld(t)
	before := memoryAtMost(t)
	commit := w.commit(files("locals {\n  a = join(\"\", [for i in range(1024) : \"" + strings.Repeat("x", 100) + "\"])\n}\noutput \"o\" {\n  value = join(\"\", [for i in range(1000) : local.a])\n}\n"))
	_, err := w.terraform().Plan(t.Context(), dr.PlanRequest{Service: dr.Service{Name: "portal"}, Stack: w.stack(), Commit: commit})
	if what, next := dr.Told(err); dr.CodeOf(err) != dr.Uncertain || what.ID != "tf.large" || next.ID != "tf.large.next" {
		t.Errorf("planned with %v", err)
	}
	if more := memoryAtMost(t) - before; more > 512<<20 {
		t.Errorf("100 MB of one output take %d MB of the bot", more>>20)
	}
}
