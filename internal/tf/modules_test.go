package tf

import (
	"context"
	"errors"
	"net/http"
	"net/http/cgi"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/text/texttest"
)

// modulesForge serves the world's repository and one of modules, each to who shows its own
// token, and writes down which token was shown where.
type modulesForge struct {
	url   string
	mu    sync.Mutex
	shown map[string]bool // path's first part and token
}

const (
	ownToken    = canary + "-own"
	moduleToken = canary + "-modules"
)

func newModulesForge(t *testing.T, w *world) *modulesForge {
	t.Helper()
	backend := filepath.Join(w.git(w.dir, "--exec-path"), "git-http-backend")
	if _, err := os.Stat(backend); err != nil {
		t.Skipf("not proved here: this git has no http-backend: %v", err)
	}
	private := filepath.Join(w.dir, "acme", "modules.git")
	tree := filepath.Join(w.dir, "modules-tree")
	if err := os.MkdirAll(tree, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(tree, "main.tf"), []byte(`output "is" { value = "private" }`), 0o644); err != nil {
		t.Fatal(err)
	}
	w.git(tree, "init", "-q", "-b", "main")
	w.git(tree, "add", "-A")
	w.git(tree, "commit", "-q", "-m", "modules")
	w.git(w.dir, "clone", "-q", "--bare", tree, private)
	f := &modulesForge{shown: map[string]bool{}}
	serve := &cgi.Handler{Path: backend, Env: []string{"GIT_PROJECT_ROOT=" + w.dir, "GIT_HTTP_EXPORT_ALL=1"}}
	forge := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		_, token, _ := r.BasicAuth()
		want, of := ownToken, "own"
		if strings.HasPrefix(r.URL.Path, "/acme/modules") {
			want, of = moduleToken, "modules"
		}
		f.mu.Lock()
		f.shown[of+" "+token] = true
		f.mu.Unlock()
		if token != want {
			rw.Header().Set("WWW-Authenticate", `Basic realm="GitHub"`)
			http.Error(rw, "Bad credentials", http.StatusUnauthorized)
			return
		}
		if at, rest, found := strings.Cut(r.URL.Path, "/acme/modules/"); found { // a forge takes both forms
			r.URL.Path = at + "/acme/modules.git/" + rest
		}
		serve.ServeHTTP(rw, r)
	}))
	t.Cleanup(forge.Close)
	f.url = forge.URL
	w.opts.GitURL = func(r dr.Repository) string {
		if r.Name == "modules" {
			return f.url + "/acme/modules.git"
		}
		return f.url + "/infra.git"
	}
	w.opts.GitToken = func(context.Context, dr.Repository, string) (string, error) { return ownToken, nil }
	w.opts.ModuleToken = func(_ context.Context, r dr.Repository) (string, error) {
		if r != (dr.Repository{Owner: "acme", Name: "modules"}) {
			return "", errors.New("another repository")
		}
		return moduleToken, nil
	}
	return f
}

// TestModulesByTheirOwnToken fetches private modules by each way to write their source: with the
// token that reads them, which is shown to nobody else, of which nothing is written, and which
// neither the plan nor the apply has.
func TestModulesByTheirOwnToken(t *testing.T) {
	w := newWorld(t)
	f := newModulesForge(t, w)
	told := filepath.Join(w.dir, "told")
	commit := w.commit(files(`
module "plain" {
  source = "git::` + f.url + `/acme/modules.git"
}
module "without" {
  source = "git::` + f.url + `/acme/modules?ref=main"
}
module "ssh" {
  source = "git::ssh://git@127.0.0.1/acme/modules.git"
}
module "short" {
  source = "git@127.0.0.1:acme/modules.git"
}
resource "terraform_data" "who" {
  input = module.plain.is
  provisioner "local-exec" {
    command = "env >> ` + told + `; echo ended >> ` + told + `"
  }
}
`))
	if err := os.WriteFile(told, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	svc := trusting()
	svc.Code.ModuleRepositories = []string{"acme/modules"}
	w.opts.Isolation.Paths.Write = append(w.opts.Isolation.Paths.Write, told)
	p, err := w.terraform().Plan(t.Context(), dr.PlanRequest{Service: svc, Stack: w.stack(), Commit: commit})
	if err != nil || len(p.Changes) != 1 {
		t.Fatalf("%+v, %v", p, err)
	}
	req := dr.ApplyRequest{Service: svc, Key: "key", Run: "run", Stack: w.stack(), Commit: commit, Approved: p}
	if r := w.apply(req); r.Kind != dr.ApplyDone {
		t.Fatalf("%+v", r)
	}
	env, err := os.ReadFile(told)
	if err != nil || !strings.Contains(string(env), "ended") {
		t.Fatalf("the provisioner told %q, %v", env, err)
	}
	w.nothingLeft() // but what is kept of an apply
	for _, secret := range []string{moduleToken, basic(moduleToken), ownToken, basic(ownToken)} {
		if strings.Contains(string(env), secret) {
			t.Error("the apply had a token")
		}
		if found := holding(t, w.opts.WorkDir, secret); len(found) > 0 {
			t.Errorf("a token is in %v", found)
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.shown["own "+moduleToken] || f.shown["modules "+ownToken] || !f.shown["modules "+moduleToken] {
		t.Errorf("shown: %v", f.shown)
	}
}

// TestModulesOfNobodysList has the same modules where the service does not list their
// repository, and where no token can be had for it.
func TestModulesOfNobodysList(t *testing.T) {
	w := newWorld(t)
	f := newModulesForge(t, w)
	commit := w.commit(files(`
module "plain" {
  source = "git::` + f.url + `/acme/modules.git"
}
`))
	plan := func(repositories ...string) error {
		t.Helper()
		svc := trusting()
		svc.Code.ModuleRepositories = repositories
		p, err := w.terraform().Plan(t.Context(), dr.PlanRequest{Service: svc, Stack: w.stack(), Commit: commit})
		if err == nil {
			t.Fatalf("%v: it was planned: %+v", repositories, p)
		}
		return err
	}
	err := plan()
	what, next := texttest.Told(t, err)
	if !strings.Contains(next, "module_repositories") {
		t.Errorf("it says %q, %q", what, next)
	}
	if err := plan("acme/other"); dr.CodeOf(err) != dr.Temporary {
		t.Errorf("got %v", err)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.shown["modules "+ownToken] || f.shown["modules "+moduleToken] {
		t.Errorf("shown: %v", f.shown)
	}
}
