package tf

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/text/texttest"
)

// failed plans and gives what people are told.
func (w *world) failed(commit string) (what, next string) {
	w.t.Helper()
	p, err := w.terraform().Plan(w.t.Context(), dr.PlanRequest{Service: trusting(), Stack: w.stack(), Commit: commit})
	if err == nil {
		w.t.Fatalf("it was planned: %+v", p)
	}
	return texttest.Told(w.t, err)
}

// provider puts a provider that cannot run into the mirror of the world.
func (w *world) provider(platform string) {
	w.t.Helper()
	w.opts.PluginDir = filepath.Join(filepath.Dir(w.dir), "mirror")
	dir := filepath.Join(w.opts.PluginDir, "registry.terraform.io", "hashicorp", "null", "3.2.1", platform)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		w.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "terraform-provider-null_v3.2.1"), []byte("#!/bin/sh\n"), 0o755); err != nil {
		w.t.Fatal(err)
	}
}

func TestCase20ALockFileWithoutThisPlatform(t *testing.T) {
	w := newWorld(t)
	platform := runtime.GOOS + "_" + runtime.GOARCH
	w.provider(platform)
	all := files(`resource "null_resource" "n" {}`)
	all["app/.terraform.lock.hcl"] = `
provider "registry.terraform.io/hashicorp/null" {
  version = "3.2.1"
  hashes = [
    "h1:FbGfc+muBsC17Ohy5g806iuI1hQc4SIexpYCrQHQd8w=",
  ]
}
`
	_, next := w.failed(w.commit(all))
	if !strings.Contains(next, "terraform providers lock -platform="+platform) {
		t.Errorf("the hint is %q", next)
	}

	// A provider that the mirror does not have.
	delete(all, "app/.terraform.lock.hcl")
	all["app/main.tf"] = header + `
terraform {
  required_providers {
    other = { source = "example.com/acme/other" }
  }
}
`
	w.git(w.tree, "rm", "-qrf", "app")
	if _, next := w.failed(w.commit(map[string]string{"app/main.tf": all["app/main.tf"], "app/active_region.auto.tfvars": all["app/active_region.auto.tfvars"]})); !strings.Contains(next, "terraform providers mirror -platform="+platform) {
		t.Errorf("the hint is %q", next)
	}
}

// TestAClosedMirror has a mirror that Terraform's user may not read: Terraform's summaries do
// not say so, in the two forms that it has.
func TestAClosedMirror(t *testing.T) {
	for summary, detail := range map[string]string{
		"Failed to install provider":                  "Error while installing hashicorp/aws v5.100.0: after installing registry.terraform.io/hashicorp/aws, failed to compute a checksum for it: open /mirror/terraform-provider-aws: permission denied",
		"Failed to query available provider packages": "Could not retrieve the list of available versions for provider hashicorp/aws: cannot search /mirror: open /mirror: permission denied",
	} {
		if next := hintOf([]diagnostic{{Summary: summary, Detail: detail}}, nil); next.ID != "tf.hint.mirror-closed" {
			t.Errorf("%s: the hint is %v", summary, next)
		}
	}
}

func TestCase20ABannerBeforeTheJSON(t *testing.T) {
	w := newWorld(t)
	commit := w.commit(files(twoResources))
	w.opts.TerraformPath = w.wrapper("show", "echo Welcome to the platform")
	what, next := w.failed(commit)
	if !strings.Contains(next, "banner") || !strings.Contains(what, "could not read its plan") {
		t.Errorf("it says %q, %q", what, next)
	}
}

func TestCase20ARepositoryThatMoved(t *testing.T) {
	w := newWorld(t)
	for _, code := range []int{http.StatusMovedPermanently, http.StatusFound, http.StatusTemporaryRedirect, http.StatusPermanentRedirect} {
		forge := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			http.Redirect(rw, r, "/renamed"+r.URL.Path, code)
		}))
		w.opts.GitURL = func(dr.Repository) string { return forge.URL + "/o/r.git" }
		what, next := w.failed(strings.Repeat("a", 40))
		if !strings.Contains(what, "The repository has moved") || !strings.Contains(next, "present owner and name") {
			t.Errorf("%d: it says %q, %q", code, what, next)
		}
		forge.Close()
	}
}

func TestCase20AVariableWithoutItsLink(t *testing.T) {
	w := newWorld(t)
	all := files(twoResources)
	delete(all, "app/active_region.auto.tfvars")
	if _, next := w.failed(w.commit(all)); !strings.Contains(next, "the link to its file") {
		t.Errorf("the hint is %q", next)
	}
}

// The words are Terraform's of several editions; what is not known gets no hint.
func TestHints(t *testing.T) {
	for said, want := range map[string]dr.TextID{
		"Error: Failed to install provider\n\nthe local package for\nregistry.terraform.io/hashicorp/aws 5.100.0 doesn't match any of the\nchecksums previously recorded": "tf.hint.platform",
		"│ Provider example.com/acme/other v1.0.0 was not\n│ found in any of the search locations":                                                                        "tf.hint.mirror",
		"Error: Inconsistent dependency lock file":                          "tf.hint.lock-file",
		"Error: Provider dependency changes detected":                       "tf.hint.lock-file",
		"Error: Backend configuration changed":                              "tf.hint.backend",
		"Error: Backend initialization required, please run terraform init": "tf.hint.backend",
		"Error: No value for required variable":                             "tf.hint.variable",
		"write /x/plan.bin: no space left on device":                        "tf.disk-full.next",
		"Error: Unreadable module directory":                                "tf.hint.submodule",
		"Error: Resource precondition failed":                               "",
		"":                                                                  "",
	} {
		if got := hintOf(nil, errors.New(said)); got.ID != want {
			t.Errorf("%q: the hint is %q", said, got.ID)
		}
		if got := hintOf([]diagnostic{{Summary: "Failed", Detail: said}}, nil); got.ID != want {
			t.Errorf("%q in the detail: the hint is %q", said, got.ID)
		}
	}
}

// What is wrong with the code itself is told at once, with where it stands; what somebody
// else's fault may be is tried again.
func TestFaultsOfTheCode(t *testing.T) {
	const valid = "resource \"terraform_data\" \"a\" {}\n"
	for name, c := range map[string]struct{ code, at string }{
		"syntax":            {"resource \"terraform_data\" \"b\" {\n  input = = 1\n}\n", "app/more.tf:2"},
		"unclosed":          {"resource \"terraform_data\" \"b\" {\n", "app/more.tf:1"},
		"unknown variable":  {"resource \"terraform_data\" \"b\" {\n  input = var.nobody\n}\n", "app/more.tf:2"},
		"unknown resource":  {"resource \"terraform_data\" \"b\" {\n  input = terraform_data.c.id\n}\n", "app/more.tf:2"},
		"unknown local":     {"resource \"terraform_data\" \"b\" {\n  input = local.nobody\n}\n", "app/more.tf:2"},
		"unknown function":  {"resource \"terraform_data\" \"b\" {\n  input = nobody(1)\n}\n", "app/more.tf:2"},
		"unknown argument":  {"resource \"terraform_data\" \"b\" {\n  inputs = 1\n}\n", "app/more.tf:2"},
		"unknown attribute": {"resource \"terraform_data\" \"b\" {\n  input = terraform_data.a.nobody\n}\n", "app/more.tf:2"},
		"unknown block":     {"resource \"terraform_data\" \"b\" {\n  nobody {}\n}\n", "app/more.tf:2"},
		"twice":             {valid, "app/more.tf:1"},
		"a circle":          {"resource \"terraform_data\" \"b\" { input = terraform_data.c.id }\nresource \"terraform_data\" \"c\" { input = terraform_data.b.id }\n", ""},
		"a missing file":    {"resource \"terraform_data\" \"b\" {\n  input = file(\"nobody\")\n}\n", "app/more.tf:2"},
		"a bad index":       {"resource \"terraform_data\" \"b\" {\n  input = [1][4]\n}\n", "app/more.tf:2"},
		"a bad count":       {"resource \"terraform_data\" \"b\" {\n  count = \"many\"\n}\n", "app/more.tf:2"},
		"a missing module":  {"module \"m\" {\n  source = \"./nobody\"\n}\n", ""},
	} {
		w := newWorld(t)
		all := files(valid)
		all["app/more.tf"] = c.code
		_, err := w.terraform().Plan(t.Context(), dr.PlanRequest{Service: trusting(), Stack: w.stack(), Commit: w.commit(all)})
		what, next := texttest.Told(t, err)
		if dr.CodeOf(err) != dr.Uncertain || !strings.Contains(what, c.at) || !strings.Contains(next, "mend it by a pull request, then answer retry") {
			t.Errorf("%s: %s: %q, %q", name, dr.CodeOf(err), what, next)
		}
		if c.at == "app/more.tf:2" && !strings.Contains(what, `(resource "terraform_data" "b", app/more.tf:2)`) && name != "syntax" {
			t.Errorf("%s: the resource is not named: %q", name, what)
		}
	}
}

// Faults of networks, locks and providers stay what another try may mend.
func TestFaultsOfOthers(t *testing.T) {
	for _, summary := range []string{
		"Error acquiring the state lock", "Failed to query available provider packages", "Error refreshing state: AccessDenied", "Failed to load state",
		"reading EC2 VPC: RequestError: send request failed", "Invalid provider configuration", "Plugin did not respond", "Request cancelled", "Resource precondition failed", "", "Too Many Requests", "Unexpected response", "Insufficient capacity", "Duplicate resource",
	} {
		if (diagnostic{Summary: summary}).ofCode() {
			t.Errorf("%q is taken for a fault of the code", summary)
		}
	}
}
