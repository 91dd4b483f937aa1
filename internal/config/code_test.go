package config

import (
	"os"
	"path/filepath"
	"reflect"
	"slices"
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

// TestModuleRepositories has a service take modules from private repositories: with a token that
// is for these alone, or as an App, which makes its own.
func TestModuleRepositories(t *testing.T) {
	key := keyFile(t)
	const token, list = "  token: {env: DRBOT_GITHUB_TOKEN}", "    terraform: {module_repositories: [acme/modules]}\n"
	const own, app = "\n  module_token: {file: ", "  app: {id: 4711, private_key: {file: "
	secret := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(secret, []byte("ghp_modules\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		forge, service string
		fault          string
	}{
		"a token of its own":     {token + own + secret + "}", list, ""},
		"an App":                 {app + key + "}}", list, ""},
		"nothing to read with":   {token, list, "services[0].terraform.module_repositories: "},
		"the bot's own":          {token + "\n  module_token: {env: DRBOT_GITHUB_TOKEN}", list, "github.module_token: it is the bot's own token"},
		"an App, and a token":    {app + key + "}}" + own + secret + "}", list, "github.module_token: the App"},
		"no repository":          {app + key + "}}", "    terraform: {module_repositories: [modules, 'https://x/y']}\n", "services[0].terraform.module_repositories[1]: \"https://x/y\""},
		"more than are bearable": {app + key + "}}", "    terraform: {module_repositories: [" + strings.Repeat("acme/m, ", 21) + "]}\n", "services[0].terraform.module_repositories: 21"},
	} {
		data, err := os.ReadFile(example)
		if err != nil {
			t.Fatal(err)
		}
		text := string(data)
		from, to := strings.Index(text, "    terraform:\n"), strings.Index(text, "    # What is done after the merge")
		text = strings.Replace(text[:from]+c.service+text[to:], token, c.forge, 1)
		got, err := Parse([]byte(text), options(true))
		switch {
		case c.fault != "" && !strings.Contains(said(t, err), c.fault):
			t.Errorf("%s: %q is not among\n%s", name, c.fault, said(t, err))
		case c.fault != "":
		case err != nil || !slices.Equal(got.Services["portal"].Code.ModuleRepositories, []string{"acme/modules"}):
			t.Errorf("%s: %v", name, err)
		case name == "a token of its own" && (got.GitHub.ModuleToken != "ghp_modules" || !slices.Contains(got.Secrets(), "ghp_modules")):
			t.Errorf("%s: it was not read, or nobody knows that it is secret", name)
		}
	}
}

// TestCaseAWS18TheStateInTheSource has the state of stacks kept where a failover may have to do
// without it. A Region's own stack may keep its state there.
func TestCaseAWS18TheStateInTheSource(t *testing.T) {
	data, err := os.ReadFile(example)
	if err != nil {
		t.Fatal(err)
	}
	notices := 0
	kept := func(key, region string) error {
		const third = "region: ap-northeast-3, use_lockfile: \"true\", key: portal/"
		if !strings.Contains(string(data), third+key) {
			t.Fatalf("the example has no state %s in a third Region", key)
		}
		c, err := Parse([]byte(strings.Replace(string(data), third+key, strings.Replace(third, "ap-northeast-3", region, 1)+key, 1)), options(true))
		if err == nil {
			notices += len(c.Notices)
		}
		return err
	}
	for _, c := range []struct{ key, region, fault string }{
		{"traffic.tfstate", "ap-northeast-2", "services[0].stacks[3].backend_config.region: the state is kept in ap-northeast-2"},
		{"traffic.tfstate", "ap-northeast-1", ""}, // the standby, of which a notice tells
		{"ap-northeast-1.tfstate", "ap-northeast-2", "services[0].stacks[2].backend_config.region: "},
		{"ap-northeast-1.tfstate", "ap-northeast-1", ""},
		{"data.tfstate", "ap-northeast-2", ""},
	} {
		switch err := kept(c.key, c.region); {
		case c.fault == "" && err != nil:
			t.Errorf("%s in %s: %v", c.key, c.region, err)
		case c.fault != "" && (err == nil || !strings.Contains(said(t, err), c.fault)):
			t.Errorf("%s in %s: %v", c.key, c.region, err)
		}
	}
	if notices != 1 {
		t.Errorf("%d notices", notices)
	}
}

// TestCaseAWS18AnObjectiveOutlasted has an objective that one wait alone outlasts.
func TestCaseAWS18AnObjectiveOutlasted(t *testing.T) {
	data, err := os.ReadFile(example)
	if err != nil {
		t.Fatal(err)
	}
	_, err = Parse([]byte(strings.Replace(string(data), "objectives: {rto: 4h", "objectives: {rto: 20m", 1)), options(true))
	if err == nil || !strings.Contains(said(t, err), "services[0].objectives.rto: timing.gate lets one step wait 30m") {
		t.Errorf("got %v", err)
	}
}

// TestSecretsOfABackend has keys of AWS stand where the state's place is told: refused, and not
// repeated.
func TestSecretsOfABackend(t *testing.T) {
	data, err := os.ReadFile(example)
	if err != nil {
		t.Fatal(err)
	}
	const key = "AKIAIOSFODNN7EXAMPLE"
	_, err = Parse([]byte(strings.Replace(string(data), "key: portal/traffic.tfstate", "key: portal/traffic.tfstate, access_key: "+key, 1)), options(true))
	if err == nil || !strings.Contains(said(t, err), "services[0].stacks[3].backend_config.access_key: a secret") || strings.Contains(said(t, err), key) {
		t.Errorf("got %v", err)
	}
}
