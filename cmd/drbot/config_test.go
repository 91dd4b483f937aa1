package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/internal/aws/systems"
)

// typed runs the program and gives its status and what it printed.
func typed(args ...string) (status int, stdout, stderr string) {
	var out, err bytes.Buffer
	status = run(context.Background(), args, func(string) string { return "" }, &out, &err)
	return status, out.String(), err.String()
}

func TestConfigCheck(t *testing.T) {
	const example = "../../drbot.example.yaml"
	if status, out, err := typed("config", "check", "--config", example); status != 0 || !strings.Contains(out, "is good: 1 service, 4 people; its secrets were not looked at\n") || strings.Contains(out, "notice") {
		t.Fatalf("status %d, %q, %q", status, out, err)
	}
	data, err := os.ReadFile(example)
	if err != nil {
		t.Fatal(err)
	}
	head, tail, _ := strings.Cut(string(data), "    resources:\n")
	_, names, _ := strings.Cut(tail, "    names:\n")
	for what, c := range map[string]struct {
		resources, stdout, stderr string
		status                    int
	}{
		"the old keys": {status: 0, stdout: "is good: 1 service, 4 people; its secrets were not looked at\nnotice: services[0] (portal): workloads will not be known to the next edition. Write instead:\n    resources:\n      - {name: web, system: ecs-service, in: {",
			resources: "    workloads:\n      ap-northeast-2: {cluster: a, service: web}\n      ap-northeast-1: {cluster: a, service: web}\n"},
		"another Region's cluster": {status: 1, stderr: `services[0].resources[0].in.ap-northeast-1.cluster: "arn:aws:ecs:ap-northeast-2:123456789012:cluster/a" is not in ap-northeast-1`,
			resources: "    resources:\n      - {name: web, system: ecs-service, in: {ap-northeast-2: {cluster: a, service: web}, ap-northeast-1: {cluster: \"arn:aws:ecs:ap-northeast-2:123456789012:cluster/a\", service: web}}}\n"},
		"a target group that is none": {status: 1, stderr: `services[0].resources[0].in.ap-northeast-1.target_group: "a b" is not the name or ARN`,
			resources: "    resources:\n      - {name: web, system: ecs-service, in: {ap-northeast-2: {cluster: a, service: web}, ap-northeast-1: {cluster: a, service: web, target_group: a b}}}\n"},
	} {
		text := head + c.resources + "    names:\n" + strings.ReplaceAll(names, "[promote, ", "[")
		path := filepath.Join(t.TempDir(), "drbot.yaml")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		status, out, complaint := typed("config", "check", "--config", path)
		if status != c.status || !strings.Contains(out, c.stdout) || !strings.Contains(complaint, c.stderr) {
			t.Errorf("%s: status %d, %q, %q", what, status, out, complaint)
		}
	}
}

// TestConfigCheckActs lists acts that make no run, each told with the path of its service.
func TestConfigCheckActs(t *testing.T) {
	data, err := os.ReadFile("../../drbot.example.yaml")
	if err != nil {
		t.Fatal(err)
	}
	const listed = "acts: [promote, apply/target, redeploy, gate, apply/traffic]"
	if !strings.Contains(string(data), listed) {
		t.Fatal("the example lists other acts")
	}
	for acts, want := range map[string]string{
		"[promote, apply/source, redeploy, gate, apply/traffic, apply/target]": `services[0].acts[1]: "apply/source" is no act; known here: promote, apply/target, apply/traffic, redeploy, gate`,
		"[promote, apply/target, quiesce, gate, apply/traffic]":                `services[0].acts[2]: "quiesce" is no act`,
		"[promote, apply/target, apply/traffic, gate]":                         "services[0].acts: a gate must stand before apply/traffic",
		"[apply/target, redeploy, gate, apply/traffic, promote]":               "services[0].acts[2]: gate stands before promote, and cannot pass without it",
		"[redeploy/web, promote, apply/target, gate, apply/traffic]":           "services[0].acts[0]: redeploy/web acts on web, which comes after portal-db: put it behind promote/portal-db, or promote",
		"[apply/target, gate, apply/traffic]":                                  "services[0].acts: promote/portal-db is missing",
	} {
		path := filepath.Join(t.TempDir(), "drbot.yaml")
		if err := os.WriteFile(path, []byte(strings.Replace(string(data), listed, "acts: "+acts, 1)), 0o600); err != nil {
			t.Fatal(err)
		}
		if status, out, said := typed("config", "check", "--config", path); status != 1 || out != "" || !strings.Contains(said, want) {
			t.Errorf("%s: status %d, %q, %q", acts, status, out, said)
		}
	}
}

// TestUnmakeable has the steps of every run made, there and back: what no run of the
// service could be made of is said once, with the run.
func TestUnmakeable(t *testing.T) {
	s := newPlace(t).cfg.Services["portal"]
	if why := unmakeable(standard().shown(), s); len(why) > 0 {
		t.Errorf("the documented service cannot be moved: %v", why)
	}
	words, err := shellWords()
	if err != nil {
		t.Fatal(err)
	}
	for act, want := range map[string]string{
		"dance":        "a failback to ap-northeast-2 (planned) cannot be made: dance is no kind of step; there are ",
		"apply/source": "a failback to ap-northeast-2 (planned) cannot be made: ",
		"apply/target": "a failback to ap-northeast-2 (planned) cannot be made: the step ",
		"gate/web":     "a failback to ap-northeast-2 (planned) cannot be made: nothing may stand behind the slash, and web does",
	} {
		bad := s
		bad.Acts = append(slices.Clone(s.Acts), act)
		if why := unmakeable(standard().shown(), bad); len(why) == 0 || !strings.Contains(words.Say(why[0]), want) {
			t.Errorf("%s: %v", act, why)
		}
	}
}

// TestSystemsAreDocumented finds every field of every system in the example and the documents.
func TestSystemsAreDocumented(t *testing.T) {
	for path, write := range map[string]func(string) string{
		"../../drbot.example.yaml": func(name string) string { return name + ": " },
		"../../docs/configure.md":  func(name string) string { return "`" + name + "`" },
	} {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range systems.Infos() {
			for _, f := range append([]dr.Field{{Name: s.ID}}, s.Fields...) {
				want := write(f.Name)
				if f.Name == s.ID {
					want = s.ID
				}
				if !strings.Contains(string(data), want) {
					t.Errorf("%s does not document %s of %s", path, f.Name, s.ID)
				}
			}
		}
	}
}
