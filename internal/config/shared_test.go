package config

import (
	"os"
	"slices"
	"strings"
	"testing"
)

// twin is the example with its service a second time, under another name and with some
// of its text replaced.
func twin(t *testing.T, replace ...string) string {
	t.Helper()
	data, err := os.ReadFile(example)
	if err != nil {
		t.Fatal(err)
	}
	_, one, found := strings.Cut(string(data), "services:\n")
	if !found {
		t.Fatal("the example has no services")
	}
	return string(data) + strings.NewReplacer(append(slices.Clone(replace), "- name: portal\n", "- name: orders\n")...).Replace(one)
}

// own are replacements by which the second service has all of its own.
var own = []string{"cluster:portal-ap", "cluster:orders-ap", "global_cluster: portal", "global_cluster: orders", "key: portal/", "key: orders/", "service: portal,", "service: orders,"}

// TestShared lists what two services, two stacks or two resources may not have in common.
func TestShared(t *testing.T) {
	data, err := os.ReadFile(example)
	if err != nil {
		t.Fatal(err)
	}
	edit := func(replace ...string) string {
		out := string(data)
		for i := 0; i < len(replace); i += 2 {
			if !strings.Contains(out, replace[i]) {
				t.Fatalf("the example has no %q", replace[i])
			}
			out = strings.Replace(out, replace[i], replace[i+1], 1)
		}
		return out
	}
	const state = `, key: portal/ap-northeast-1.tfstate}`
	for name, c := range map[string]struct {
		file string
		want []string // none: it is good
	}{
		"two services of their own": {twin(t, own...), nil},
		"one database": {twin(t, own[4:]...), []string{
			"services[1].resources[0].in.ap-northeast-1: is services[0].resources[0].in.ap-northeast-1 of portal already, and a run of one would move the other",
			"services[1].resources[0].in.ap-northeast-2: is services[0]"}},
		"one global database, by other members": {twin(t, slices.Concat(own[:2], own[4:])...), []string{
			"services[1].resources[0].global_cluster: is services[0].resources[0].global_cluster of portal already, and a run of one would move the other"}},
		"one global database twice in a service": {strings.Replace(with(t, twoDatabases, ""), "global_cluster: users", "global_cluster: orders", 1),
			[]string{"services[0].resources[1].global_cluster: is services[0].resources[0].global_cluster already; a run would act on it twice"}},
		"global databases of one name in two accounts": {strings.ReplaceAll(twin(t, slices.Concat(own[4:], []string{"123456789012:cluster", "210987654321:cluster"})...), "role/drbot-promote-{region}", "role/drbot-{service}-{region}"), nil},
		"members in two accounts": {strings.Replace(with(t, twoDatabases, ""), "123456789012:cluster:u2", "210987654321:cluster:u2", 1),
			[]string{`services[0].resources[1].in.ap-northeast-2.cluster_arn: is in the account "210987654321", and services[0].resources[1].in.ap-northeast-1.cluster_arn in "123456789012"`}},
		"one ECS service": {twin(t, own[:6]...), []string{"services[1].resources[1].in.ap-northeast-1: is services[0].resources[1].in.ap-northeast-1 of portal already"}},
		"ECS services of one name in accounts of their own": {strings.Replace(twin(t, own[:6]...), "role/drbot-promote-{region}", "role/drbot-{service}-{region}", 1), nil},
		"one state": {twin(t, slices.Concat(own[:4], own[6:])...), []string{
			"services[1].stacks[1]: has the Terraform state of services[0].stacks[1] of portal, and a run of one would apply the other",
			"services[1].stacks[3]: has the"}},
		"a data stack that two look at": {strings.Replace(twin(t, own...), "key: orders/data", "key: portal/data", 1), nil},
		"a cluster copied in one Region": {strings.Replace(with(t, twoDatabases, ""), "cluster:u1", "cluster:o1", 1),
			[]string{"services[0].resources[1].in.ap-northeast-1: is services[0].resources[0].in.ap-northeast-1 already; a run would act on it twice"}},
		"two stacks of one state": {edit(state, `, key: portal/ap-northeast-2.tfstate}`),
			[]string{"services[0].stacks[2]: has the Terraform state of services[0].stacks[1]: give it a dir, a backend_config or a workspace of its own"}},
		"two stacks of one state, otherwise locked": {edit(`use_lockfile: "true"`+state, `use_lockfile: "false", key: portal/ap-northeast-2.tfstate}`),
			[]string{"services[0].stacks[2]: has the Terraform state of services[0].stacks[1]"}},
		"two stacks of one key in their workspaces": {edit(state, ", key: portal/ap-northeast-2.tfstate}\n        workspace: tokyo"), nil},
		"two stacks of one folder":                  {edit("dir: terraform/live/portal/ap-northeast-1", "dir: terraform/live/portal/ap-northeast-2"), nil}, // their states differ
		"two stacks of one folder and no backend": {edit("dir: terraform/live/portal/ap-northeast-1", "dir: terraform/live/portal/ap-northeast-2",
			"\n        backend_config: {bucket: acme-terraform-state, region: ap-northeast-3, use_lockfile: \"true\", key: portal/ap-northeast-2.tfstate}", "",
			"\n        backend_config: {bucket: acme-terraform-state, region: ap-northeast-3, use_lockfile: \"true\", key: portal/ap-northeast-1.tfstate}", ""),
			[]string{"services[0].stacks[2]: has the Terraform state of services[0].stacks[1]"}},
		"one name for both Regions": {edit("ap-northeast-1: ap-northeast-1.service-be.acme.example", "ap-northeast-1: AP-northeast-2.service-be.acme.example."),
			[]string{`services[0].names.regional.ap-northeast-2: "ap-northeast-2.service-be.acme.example" is services[0].names.regional.ap-northeast-1 already; a Region's name must lead to that Region alone`}},
		"the public name for a Region": {edit("ap-northeast-1: ap-northeast-1.service-be.acme.example", "ap-northeast-1: service-be.acme.example"),
			[]string{"services[0].names.regional.ap-northeast-1: \"service-be.acme.example\" is services[0].names.public already"}},
		"the name of another Region": {edit("ap-northeast-1: ap-northeast-1.service-be.acme.example", "us-east-1: us.acme.example\n        ap-northeast-1: ap-northeast-1.service-be.acme.example"),
			[]string{"services[0].names.regional.us-east-1: is not one of the service's Regions"}},
		"a mistyped hole": {edit("drbot-{region}\n  # On top", "drbot-read-{regoin}\n  # On top", "role/drbot-promote-{region}", "role/drbot-promote-{Region}"), []string{
			"terraform.environment.AWS_SDK_UA_APP_ID: {regoin} is filled in by nothing; did you mean region? known here: service, region (line",
			"aws.promote_role: {Region} is filled in by nothing; did you mean region?"}},
		"a hole where there is none": {edit("dir: terraform/live/portal/data", "dir: terraform/live/{service}/data", "portal/data.tfstate", "\"{service}/data.tfstate\""), []string{
			"services[0].stacks[0].dir: {service} is filled in by nothing here: write it out (line",
			"services[0].stacks[0].backend_config.key: {service} is filled in by nothing here"}},
		"a hole of a probe": {edit("https://{host}/healthz", "https://{host}/{path}"), []string{"services[0].probes[0].url: {path} is filled in by nothing; known here: host"}},
		"redeployed before it was promoted": {edit("acts: [promote, apply/target, redeploy,", "acts: [redeploy, promote, apply/target,", "after: [portal-db]\n", "after: []\n"), []string{
			"services[0].acts[0]: redeploy stands before promote: its new tasks would hold the old writer; put it behind"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Parse([]byte(c.file), options(false))
			got := said(t, err)
			if len(c.want) == 0 && err != nil {
				t.Errorf("it is refused:\n%s", got)
			}
			for _, want := range c.want {
				if !strings.Contains(got, want) {
					t.Errorf("%s\nmust say %q", got, want)
				}
			}
		})
	}
}
