package config

import (
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/drbot/drbot/dr"
)

// TestWhatCodeMayDo reads what the code of a service may do; whatever is allowed has a reason,
// and a word that means nothing is told with those that do.
func TestWhatCodeMayDo(t *testing.T) {
	data, err := os.ReadFile(example)
	if err != nil {
		t.Fatal(err)
	}
	from, to := strings.Index(string(data), "    terraform:\n"), strings.Index(string(data), "    # What is done after the merge")
	if from < 0 || to < from {
		t.Fatal("the example has no terraform of a service")
	}
	with := func(entry string) (dr.CodeRules, error) {
		c, err := Parse([]byte(string(data[:from])+entry+string(data[to:])), options(true))
		if err != nil {
			return dr.CodeRules{}, err
		}
		return c.Services["portal"].Code, nil
	}
	for entry, want := range map[string]dr.CodeRules{
		"":                                    {ModuleHosts: []string{"registry.terraform.io"}},
		"    terraform: {module_hosts: []}\n": {ModuleHosts: []string{}},
		"    terraform: {lock_file: optional, module_hosts: [github.com/acme, 'git.example:8443'], allow: [{what: provisioner, path: terraform/live, reason: a seed}]}\n": {
			ModuleHosts: []string{"github.com/acme", "git.example:8443"}, LockFileOptional: true,
			Allow: []dr.Allow{{What: dr.CodeProvisioner, Path: "terraform/live", Reason: "a seed"}},
		},
	} {
		if got, err := with(entry); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %+v, %v, want %+v", entry, got, err, want)
		}
	}
	_, err = with("    terraform: {lock_file: no, module_hosts: ['https://x.example', '*'], allow: [{what: provisioners, path: ../x, reason: ' '}, {why: x}]}\n")
	for _, fault := range []string{
		".lock_file: ", ".module_hosts[0]: \"https://x.example\" is no host", ".module_hosts[1]: \"*\" is no host",
		".allow[0].what: nothing that is refused is called \"provisioners\"; did you mean provisioner?", ".allow[0].path: \"../x\"", ".allow[0].reason: missing",
		".allow[1].why: ", ".allow[1].reason: missing",
	} {
		if !strings.Contains(said(t, err), "services[0].terraform"+fault) {
			t.Errorf("%s is not among\n%s", fault, said(t, err))
		}
	}
}
