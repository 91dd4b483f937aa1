package tf

import (
	"runtime"
	"strings"
	"testing"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/text/texttest"
)

// TestALockFileIsDemanded refuses a stack that takes a provider from outside which no lock file
// names, or none of whose hashes are known, before the provider is started. A stack of
// Terraform's own resources needs none.
func TestALockFileIsDemanded(t *testing.T) {
	w := newWorld(t)
	w.provider(runtime.GOOS + "_" + runtime.GOARCH) // it cannot run
	plan := func(svc dr.Service, commit string) string {
		t.Helper()
		_, err := w.terraform().Plan(t.Context(), dr.PlanRequest{Service: svc, Stack: w.stack(), Commit: commit})
		if err == nil {
			return ""
		}
		what, next := dr.Told(err)
		return texttest.Say(t, what) + " / " + texttest.Say(t, next)
	}
	strict, optional := dr.Service{Name: "portal"}, dr.Service{Name: "portal", Code: dr.CodeRules{LockFileOptional: true}}
	all := files("resource \"null_resource\" \"n\" {}\n")
	null := w.commit(all)
	if says := plan(strict, null); !strings.Contains(says, "no lock file in the commit names by a hash: registry.terraform.io/hashicorp/null.") || !strings.Contains(says, "lock_file: optional under terraform of service portal") {
		t.Errorf("without a lock file: %s", says)
	}
	if says := plan(optional, null); says == "" || strings.Contains(says, "lock file in the commit") {
		t.Errorf("where it is optional the provider is started, which cannot run: %s", says)
	}
	all["app/.terraform.lock.hcl"] = "provider \"registry.terraform.io/hashicorp/null\" {\n  version = \"3.2.1\"\n}\n"
	if says := plan(strict, w.branch(t).commit(all)); !strings.Contains(says, "no lock file in the commit names by a hash: registry.terraform.io/hashicorp/null") {
		t.Errorf("with a lock file without hashes: %s", says)
	}
	if says := plan(strict, w.branch(t).commit(files("resource \"terraform_data\" \"a\" {}\n"))); says != "" {
		t.Errorf("Terraform's own: %s", says)
	}
}
