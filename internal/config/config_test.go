package config

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/text"
)

const example = "../../drbot.example.yaml"

func secrets(name string) string {
	if name == "DRBOT_HASH_KEY" {
		return "9f86d081884c7d659a2feaa0c55ad015" // not what somebody has thought up
	}
	if strings.HasPrefix(name, "DRBOT_") && name != "DRBOT_DATABASE_URL" {
		return "a secret of " + name
	}
	return ""
}

// options are the program's, with systems as it knows them.
func options(read bool) Options {
	return Options{Getenv: secrets, Secrets: read, Acts: listable(), DefaultActs: usual(), Systems: []dr.SystemInfo{
		{ID: dr.AuroraGlobal, Fields: []dr.Field{
			{Name: "global_cluster", Form: `[A-Za-z][A-Za-z0-9-]{0,62}`},
			{Name: "cluster_arn", Regional: true, Form: `arn:aws[a-z-]*:rds:[a-z0-9-]+:\d{12}:cluster:[A-Za-z][A-Za-z0-9-]*`},
		}, Specs: []dr.Spec{{ID: "aurora.lag", Role: dr.RoleLag}}},
		{ID: dr.ECSService, Fields: []dr.Field{
			{Name: "cluster", Regional: true},
			{Name: "service", Regional: true},
			{Name: "target_group", Regional: true, Optional: true},
		}},
	}}
}

// listable are acts as the program's kinds of steps tell them, and usual those of a
// service that lists none.
func listable() []dr.ActInfo {
	return []dr.ActInfo{
		{ID: "promote", On: dr.AuroraGlobal, Needed: true},
		{ID: "apply", Which: []string{"target", "traffic"}, Needed: true},
		{ID: "redeploy", On: dr.ECSService, After: "promote"},
		{ID: "gate", Repeats: true, Needed: true, Before: "apply/traffic"},
	}
}

func usual() []string {
	return []string{"promote", "apply/target", "redeploy", "gate", "apply/traffic"}
}

// said is an error as people read it.
func said(t testing.TB, err error) string {
	t.Helper()
	if err == nil {
		return ""
	}
	c, bad := text.New(dr.Verbs())
	if bad != nil {
		t.Fatal(bad)
	}
	what, next := c.In("en", text.Shell).Error(err)
	if what == "" || next == "" {
		t.Errorf("the error %v is said as %q, %q", err, what, next)
	}
	return what
}

// TestExample loads the documented configuration, so that its documentation is true.
func TestExample(t *testing.T) {
	c, err := Load(example, options(true))
	if err != nil {
		t.Fatal(err)
	}
	s := c.Services["portal"]
	if s.Cooldown != 30*time.Minute || s.Quorum != 2 || s.Expiry != time.Hour || s.Objectives.RTO != 4*time.Hour {
		t.Errorf("portal has other limits than its file says: %+v", s)
	}
	if !slices.Equal(s.Acts, usual()) {
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
		if !strings.Contains(string(data), key+":") && !slices.Contains([]string{rest, "headless", "workloads", "clusters"}, key) { // the old keys are documented by their notice
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
	file := string(data)
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
		if !strings.Contains(file, r[0]) {
			t.Fatalf("the example does not say %q", r[0])
		}
		file = strings.Replace(file, r[0], r[1], 1)
	}
	_, err = Parse([]byte(file), options(true))
	if err == nil {
		t.Fatal("a file with twelve faults was taken")
	}
	for _, path := range []string{
		"services[0].quorum", "services[0].strategy", "services[0].expirey: unknown key", "services[0].channel",
		"services[0].schedule.time_zone", "services[0].regions", "people[1].github", `services[0].approvers[1]: "zoe"`,
		"services[0].repository.file", "slack.team_id", "github.token", "services[0].resources[0].in.ap-northeast-1",
	} {
		if !strings.Contains(said(t, err), "\n  "+path) {
			t.Errorf("%s is not reported", path)
		}
	}
	if t.Failed() {
		t.Log(said(t, err))
	}
}

func TestFaultsOfShape(t *testing.T) {
	for file, want := range map[string]string{
		"listen: [1]":                       "listen: must be a text",
		"people: alice":                     "people: must be a list",
		"services:\n  - quorum: two":        "services[0].quorum: must be a whole number",
		"timing: {poll: soon}":              "timing.poll:",
		"timing: {poll: 5}":                 "timing.poll: must be a duration",
		"state: {throwaway: perhaps}":       "state.throwaway: must be true or false",
		"slack: {token: abc}":               "slack.token: this is no name of where the secret is",
		"a: b\n\tc: d":                      "not YAML",
		"slack: {token: {env: A, file: B}}": "slack.token: say where",
	} {
		if _, err := Parse([]byte(file), options(false)); !strings.Contains(said(t, err), want) {
			t.Errorf("%q: %s; it must say %q", file, said(t, err), want)
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
	file := strings.Replace(string(data), "{env: DRBOT_SLACK_TOKEN}", "{file: "+path+"}", 1)
	c, err := Parse([]byte(file), options(true))
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
	f.Add([]byte("services:\n  - {database: {}, resources: [null, {name: a, in: {x: null}, after: [a], y: z}]}"))
	f.Add([]byte("people: [null]\nservices: [null, {stacks: [null], probes: [null]}]"))
	f.Add([]byte("a: &a [x, x]\nservices: *a"))
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := Parse(data, options(false))
		if err != nil {
			if what, next := dr.Told(err); dr.CodeOf(err) != dr.Invalid || what.Empty() || next.Empty() {
				t.Errorf("refused with %s, %s, code %s", what, next, dr.CodeOf(err))
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
		if s.Names.Regional[to] == "" {
			t.Errorf("%s: nothing is known of %s", name, to)
		}
		for _, r := range s.Resources {
			if r.System == dr.AuroraGlobal && r.At(to, "cluster_arn") == "" || r.System == dr.ECSService && r.At(to, "service") == "" {
				t.Errorf("%s: nothing is known of %s in %s", name, r.Name, to)
			}
		}
	}
	if order, err := dr.ResourceOrder(s.Resources); err != nil || len(order) == 0 {
		t.Errorf("%s has the resources %v: %v", name, s.Resources, err)
	}
	gate, traffic := slices.Index(s.Acts, "gate"), slices.Index(s.Acts, "apply/traffic")
	promotes := slices.ContainsFunc(s.Acts, func(a string) bool { return strings.HasPrefix(a, "promote") })
	if promotes != (len(s.ResourcesOf(dr.AuroraGlobal)) > 0) || gate < 0 || traffic < gate {
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

// TestFits asks what else is wrong with a service once nothing is, and says it with the
// faults of the others.
func TestFits(t *testing.T) {
	o, asked := options(true), 0
	o.Fits = func(s dr.Service) []dr.Text {
		asked++
		return []dr.Text{dr.T("list.twice", "step", s.Name)}
	}
	_, err := Load(example, o)
	if !strings.Contains(said(t, err), "\n  services[0]: the step portal is there twice (line ") || asked != 1 {
		t.Errorf("asked %d times: %s", asked, said(t, err))
	}
	data, err := os.ReadFile(example)
	if err != nil {
		t.Fatal(err)
	}
	_, err = Parse([]byte(strings.Replace(string(data), "strategy: pilot-light", "strategy: hope", 1)), o)
	if err == nil || asked != 1 {
		t.Errorf("a service with a fault was asked about: %d times", asked)
	}
}

// TestMistakenForAValue refuses what YAML takes for a comment, and a secret that stands where its
// place is to be named, whose own words are in no fault.
func TestMistakenForAValue(t *testing.T) {
	data, err := os.ReadFile(example)
	if err != nil {
		t.Fatal(err)
	}
	const inside = ": this is no name of where the secret is; a secret does not stand in this file: write env: "
	token := "token: {env: DRBOT_GITHUB_TOKEN}"
	for now, c := range map[string]struct{ was, fault string }{
		"channel: #dr-portal":                       {"channel: C0123ABCD", `services[0].channel: empty: for YAML #dr-portal is a comment; put it in quotes, "#dr-portal" (line `},
		`channel: "#dr-portal"`:                     {"channel: C0123ABCD", `services[0].channel: "#dr-portal" is no Slack channel id (C0123ABCD;`},
		"channel: # to be found":                    {"channel: C0123ABCD", `services[0].channel: `},
		"token: ghp_0000":                           {token, "github.token" + inside},
		"token: {env: ghp_0000}":                    {token, "github.token" + inside},
		"token: {file: github_pat_0000}":            {token, "github.token" + inside},
		"token: {env: xoxb-0000}":                   {token, "github.token" + inside},
		"token: {env: 0000-secret}":                 {token, "github.token" + inside},
		"token: {env: a0000b1c2d3e4f5a6}":           {token, "github.token" + inside}, // in hex
		"token: {env: A0000aBcDeFgHi_jKlMn}":        {token, "github.token" + inside}, // in base 64
		"token: {file: a0000b1c2d3e4f5a6}":          {token, "github.token" + inside},
		"token: {env: DRBOT_PORTAL_ap_northeast_2}": {token, ""},
		"token: {env: DRBOT_GITHUB_TOKEN2}":         {token, ""},
		"token: {file: /run/secrets/github}":        {token, ""},
	} {
		if !strings.Contains(string(data), c.was) {
			t.Fatalf("the example has no %q", c.was)
		}
		_, err := Parse([]byte(strings.Replace(string(data), c.was, now, 1)), options(false))
		switch {
		case c.fault == "" && err != nil:
			t.Errorf("%s: %s", now, said(t, err))
		case c.fault != "" && (err == nil || !strings.Contains(said(t, err), c.fault) || strings.Contains(said(t, err), "0000")):
			t.Errorf("%s: %s, and not %s", now, said(t, err), c.fault)
		}
	}
}

// TestQuorumCanBeReached counts the approvers with each requester left out in turn: where
// one of them could never have a run approved, the file is refused, with who it is.
func TestQuorumCanBeReached(t *testing.T) {
	data, err := os.ReadFile("../../drbot.example.yaml")
	if err != nil {
		t.Fatal(err)
	}
	const requesters, approvers = "requesters: [alice, bob, carol, dave]", "approvers: [alice, bob, carol, dave]"
	if !strings.Contains(string(data), requesters) || !strings.Contains(string(data), approvers) {
		t.Fatal("the example lists other people")
	}
	for _, c := range []struct{ may, approve, fault string }{
		{"[alice, dave]", "[alice, bob]", "services[0].approvers: with alice as the requester, 1 person may approve, but 2 are needed"},
		{"[alice, bob, carol, dave]", "[carol, dave]", "services[0].approvers: with carol, dave as the requester, 1 person may approve, but 2 are needed"},
		{"[alice]", "[carol, dave]", ""},
		{"[alice, bob]", "[alice, bob, carol]", ""},
	} {
		file := strings.Replace(strings.Replace(string(data), requesters, "requesters: "+c.may, 1), approvers, "approvers: "+c.approve, 1)
		switch _, err := Parse([]byte(file), options(true)); {
		case c.fault == "" && err != nil:
			t.Errorf("%s, %s: %v", c.may, c.approve, err)
		case c.fault != "" && (err == nil || !strings.Contains(said(t, err), c.fault)):
			t.Errorf("%s, %s: %v, and not %q", c.may, c.approve, err, c.fault)
		}
	}
}

// TestCase19And3KeysOfStacks reads a workspace, and what is left out of plans' comparison; each entry says where and why.
func TestCase19And3KeysOfStacks(t *testing.T) {
	data, err := os.ReadFile(example)
	if err != nil {
		t.Fatal(err)
	}
	with := func(entry string) []byte {
		return []byte(strings.Replace(string(data), "    probes:\n", "    unstable: ["+entry+"]\n    probes:\n", 1))
	}
	c, err := Parse(with("{stack: tokyo, address: a.b, attribute: tags.at, reason: the time}"), options(true))
	want := []dr.Unstable{{Stack: "tokyo", Address: "a.b", Attribute: "tags.at", Reason: "the time"}}
	if err != nil || !slices.Equal(c.Services["portal"].Unstable, want) {
		t.Fatalf("%v, %v", c, err)
	}
	_, err = Parse([]byte(strings.Replace(string(data), "        # workspace: prod ", "        workspace: a/b ", 1)), options(true))
	if want := "services[0].stacks[0].workspace: \"a/b\" is no name"; !strings.Contains(said(t, err), want) {
		t.Errorf("%s is not among\n%s", want, said(t, err))
	}
	_, err = Parse(with("{stack: osaka, address: ' '}"), options(true))
	for _, fault := range []string{".stack: there is no stack", ".address: missing", ".attribute: missing", ".reason: missing"} {
		if !strings.Contains(said(t, err), "services[0].unstable[0]"+fault) {
			t.Errorf("%s is not among\n%s", fault, said(t, err))
		}
	}
}

// A login that nobody has may stand in for one whose account is to be forgotten; a person
// without one is refused.
func TestALoginStandsIn(t *testing.T) {
	text, err := os.ReadFile(example)
	if err != nil {
		t.Fatal(err)
	}
	old := "github: [bob-lee]"
	if !strings.Contains(string(text), old) {
		t.Fatalf("the example has no %q", old)
	}
	for now, fine := range map[string]bool{"github: [bob-lee-]": true, "github: []": false} {
		name := filepath.Join(t.TempDir(), "drbot.yaml")
		if err := os.WriteFile(name, []byte(strings.Replace(string(text), old, now, 1)), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Load(name, options(true)); (err == nil) != fine {
			t.Errorf("%s: %v", now, err)
		}
	}
}
