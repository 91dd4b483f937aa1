package config

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/drbot/drbot/dr"
)

const example = "../../drbot.example.yaml"

func secrets(name string) string {
	if strings.HasPrefix(name, "DRBOT_") && name != "DRBOT_DATABASE_URL" {
		return "a secret of " + name
	}
	return ""
}

// TestExample loads the documented configuration, so that its documentation is true.
func TestExample(t *testing.T) {
	c, err := Load(example, secrets, true)
	if err != nil {
		t.Fatal(err)
	}
	s := c.Services["portal"]
	if s.Cooldown != 30*time.Minute || s.Quorum != 2 || s.Expiry != time.Hour || s.Objectives.RTO != 4*time.Hour {
		t.Errorf("portal has other limits than its file says: %+v", s)
	}
	if !slices.Equal(s.Acts, dr.DefaultActs()) {
		t.Errorf("the documented acts are not the defaults: %v", s.Acts)
	}
	if st := s.RunStacks(dr.Disaster, "ap-northeast-2", "ap-northeast-1"); len(st) != 2 || st[0].Name != "tokyo" || st[1].Name != "traffic" {
		t.Errorf("a disaster applies %v", st)
	}
	if st := s.RunStacks(dr.Planned, "ap-northeast-2", "ap-northeast-1"); len(st) != 3 || st[2].Name != "seoul" {
		t.Errorf("a planned run applies %v", st)
	}
	if c.Slack.Token != "a secret of DRBOT_SLACK_TOKEN" {
		t.Error("the Slack token was not read")
	}
}

// TestExampleHasEveryKey keeps the example complete: every key of the file's types
// stands in it, at least in a comment.
func TestExampleHasEveryKey(t *testing.T) {
	data, err := os.ReadFile(example)
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range allKeys() {
		if !strings.Contains(string(data), key+":") && key != "headless" { // documented by its refusal
			t.Errorf("drbot.example.yaml does not document %q", key)
		}
	}
}

// TestFaultsAllAtOnce breaks a file in many places and expects every one with its path.
func TestFaultsAllAtOnce(t *testing.T) {
	data, err := os.ReadFile(example)
	if err != nil {
		t.Fatal(err)
	}
	text := string(data)
	for _, r := range [][2]string{
		{"quorum: 2 ", "quorum: 1 "},
		{"strategy: pilot-light", "strategy: hope"},
		{"expiry: 60m", "expirey: 60m"},
		{"channel: C0123ABCD", "channel: '#dr-portal'"},
		{"time_zone: Asia/Seoul", "time_zone: Asia/Soul"},
		{"regions: [ap-northeast-2, ap-northeast-1]", "regions: [ap-northeast-2, ap-northeast-2]"},
		{"github: [bob-lee]", "github: [Alice-Kim]"},
		{"approvers: [alice, bob, carol, dave]", "approvers: [alice, zoe]"},
		{"file: terraform/live/portal/active_region", "file: ../live/portal/active_region"},
		{"team_id: T0123ABCD", "team_id: ''"},
		{"token: {env: DRBOT_GITHUB_TOKEN} ", "token: {env: NOT_SET} "},
		{"cluster:portal-ap-northeast-1", "cluster:portal tokyo"},
	} {
		if !strings.Contains(text, r[0]) {
			t.Fatalf("the example does not say %q", r[0])
		}
		text = strings.Replace(text, r[0], r[1], 1)
	}
	_, err = Parse([]byte(text), secrets, true)
	if err == nil {
		t.Fatal("a file with twelve faults was taken")
	}
	for _, path := range []string{
		"services[0].quorum", "services[0].strategy", "services[0].expirey: unknown key", "services[0].channel",
		"services[0].schedule.time_zone", "services[0].regions", "people[1].github", `services[0].approvers[1]: "zoe"`,
		"services[0].repository.file", "slack.team_id", "github.token", "services[0].database.clusters.ap-northeast-1",
	} {
		if !strings.Contains(err.Error(), path) {
			t.Errorf("%s is not reported", path)
		}
	}
	if t.Failed() {
		t.Log(err)
	}
}

func TestFaultsOfShape(t *testing.T) {
	for text, want := range map[string]string{
		"listen: [1]":                       "listen: must be a text",
		"people: alice":                     "people: must be a list",
		"services:\n  - quorum: two":        "services[0].quorum: must be a whole number",
		"timing: {poll: soon}":              "timing.poll:",
		"timing: {poll: 5}":                 "timing.poll: must be a duration",
		"state: {throwaway: perhaps}":       "state.throwaway: must be true or false",
		"slack: {token: abc}":               "slack.token: must be a mapping",
		"a: b\n\tc: d":                      "not YAML",
		"slack: {token: {env: A, file: B}}": "slack.token: say where",
	} {
		if _, err := Parse([]byte(text), secrets, false); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v; it must say %q", text, err, want)
		}
	}
}

func TestSecretFromFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(path, []byte("from a file\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(example)
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Replace(string(data), "{env: DRBOT_SLACK_TOKEN}", "{file: "+path+"}", 1)
	c, err := Parse([]byte(text), secrets, true)
	if err != nil {
		t.Fatal(err)
	}
	if c.Slack.Token != "from a file" {
		t.Errorf("the token is %q", c.Slack.Token)
	}
}

func FuzzParse(f *testing.F) {
	data, err := os.ReadFile(example)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Add([]byte("services:\n  - regions: [a]\n    workloads: {x: null}"))
	f.Add([]byte("people: [null]\nservices: [null, {stacks: [null], probes: [null]}]"))
	f.Add([]byte("a: &a [x, x]\nservices: *a"))
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := Parse(data, secrets, false)
		if err != nil {
			if msg, hint := dr.Public(err, ""); dr.CodeOf(err) != dr.Invalid || msg == "" || strings.Contains(msg, "faults") && hint == "" {
				t.Errorf("refused with %q, %q, code %s", msg, hint, dr.CodeOf(err))
			}
			return
		}
		if len(c.Services) == 0 || c.Slack.TeamID == "" {
			t.Errorf("taken with %d services and the team %q", len(c.Services), c.Slack.TeamID)
		}
		for name, s := range c.Services {
			taken(t, c.People, name, s)
		}
	})
}

// taken checks what a failover relies on of every service that was let in.
func taken(t *testing.T, people dr.People, name string, s dr.Service) {
	t.Helper()
	if s.Name != name || s.Channel == "" || s.Expiry <= 0 || s.Objectives.RTO <= 0 || s.Objectives.RPO <= 0 {
		t.Errorf("%q: taken with %+v", name, s)
	}
	if len(s.Regions) != 2 || s.Regions[0] == s.Regions[1] {
		t.Fatalf("%s lives in %v", name, s.Regions)
	}
	for _, to := range s.Regions {
		from := s.Regions[0]
		if from == to {
			from = s.Regions[1]
		}
		stacks := s.RunStacks(dr.Disaster, from, to)
		if len(stacks) < 2 || stacks[0].Region != to {
			t.Errorf("%s: a disaster applies %v", name, stacks)
		}
		for _, st := range stacks {
			if st.Role == dr.DataStack || st.Region == from || filepath.IsAbs(st.Dir) || strings.Contains("/"+st.Dir+"/", "/../") {
				t.Errorf("%s: a disaster applies %+v", name, st)
			}
		}
		if s.Database.ClusterARN[to] == "" || s.Workloads[to].Service == "" || s.Names.Regional[to] == "" {
			t.Errorf("%s: nothing is known of %s", name, to)
		}
	}
	gate, traffic := slices.Index(s.Acts, dr.ActGate), slices.Index(s.Acts, dr.ActApplyTraffic)
	if !slices.Contains(s.Acts, dr.ActPromote) || gate < 0 || traffic < gate {
		t.Errorf("%s: the acts are %v", name, s.Acts)
	}
	if s.Quorum < 2 {
		t.Errorf("%s: %d people are enough", name, s.Quorum)
	}
	// Whoever requests, enough people who are somebody else can approve.
	for _, who := range s.Requesters {
		others := map[string]bool{}
		for _, a := range s.Approvers {
			p, known := people.ByName(a)
			if !known {
				t.Errorf("%s: %q may approve and is nobody", name, a)
			}
			if a != who && len(p.GitHubLogins) > 0 {
				others[p.Name] = true
			}
		}
		if _, known := people.ByName(who); !known || len(others) < s.Quorum {
			t.Errorf("%s: %q may request (known: %t), and %d others approve", name, who, known, len(others))
		}
	}
}
