package config

import (
	"os"
	"strings"
	"testing"
)

// TestForms gives values that would be found wrong only when they are used, maybe in a disaster.
func TestForms(t *testing.T) {
	data, err := os.ReadFile(example)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ was, is, want string }{
		{`listen: ":8080"`, `listen: "8080"`, `listen: "8080" is no address to listen at`},
		{"sqlite:/var/lib/drbot/drbot.db", "/var/lib/drbot/drbot.db", "state.database: must begin with sqlite:"},
		{"sqlite:/var/lib/drbot/drbot.db", "mysql://u:secret@h/d", "state.database: must begin with sqlite:"},
		{"team_id: T0123ABCD", "team_id: acme", `slack.team_id: "acme" is no id of a Slack workspace`},
		{"git_url: https://github.com", "git_url: github.com", `github.git_url: "github.com" must begin with https://`},
		{"# api_url: https://github.example.com/api/v3/", "api_url: github.example.com", "github.api_url: "},
		{"# endpoint: http://127.0.0.1:4566", "endpoint: 127.0.0.1:4566", "aws.endpoint: "},
		{"read_role: arn:aws:iam::123456789012:role/drbot-read-{region}", "read_role: drbot-read", `aws.read_role: "drbot-read" is no ARN of a role`},
		{"promote_role: arn:aws:iam::123456789012:role/", "promote_role: arn:aws:iam::1234:role/", "aws.promote_role: "},
		{"slack: [U0ALICE01]", `slack: ["@alice"]`, `people[0].slack[0]: "@alice" is no id of a Slack user`},
		{"github: [bob-lee]", `github: ["@bob-lee"]`, `people[1].github[0]: "@bob-lee" is no GitHub login`},
		{"public: service-be.acme.example", "public: https://service-be.acme.example/", `services[0].names.public: "https://service-be.acme.example/" is no host name`},
		{"ap-northeast-1: ap-northeast-1.service-be.acme.example", "ap-northeast-1: tokyo.acme.example:443", "services[0].names.regional.ap-northeast-1: "},
		{`# servers: ["10.0.0.2:53"]`, `servers: ["10.0.0.2"]`, `services[0].names.servers[0]: "10.0.0.2" is no address of a DNS server`},
		{"status: 200}", "status: 2000}", "services[0].probes[0].status: 2000 is no HTTP status"},
	} {
		if !strings.Contains(string(data), c.was) {
			t.Fatalf("the example has no %q", c.was)
		}
		_, err := Parse([]byte(strings.Replace(string(data), c.was, c.is, 1)), options(false))
		if got := said(t, err); !strings.Contains(got, c.want) || !strings.Contains(got, "(line ") || strings.Contains(got, "secret@") {
			t.Errorf("%s: %s\nmust say %q", c.is, got, c.want)
		}
	}
}
