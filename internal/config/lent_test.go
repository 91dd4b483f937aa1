package config

import (
	"os"
	"strings"
	"testing"

	"github.com/drbot/drbot/dr"
)

// TestLent has Terraform's credentials come from one place: what drbot lends, or what the
// file gives, which is told.
func TestLent(t *testing.T) {
	data, err := os.ReadFile("../../drbot.example.yaml")
	if err != nil {
		t.Fatal(err)
	}
	const (
		given   = "    AWS_SDK_UA_APP_ID: drbot-{region}"
		passed  = "pass_env: [AWS_REGION]"
		profile = "    AWS_PROFILE: drbot-read-{region}"
		address = "pass_env: [AWS_REGION, AWS_CONTAINER_CREDENTIALS_RELATIVE_URI]"
		apply   = "  apply_role: arn:aws:iam::123456789012:role/drbot-apply-{region}\n"
		read    = "  read_role: arn:aws:iam::123456789012:role/drbot-read-{region}\n"
	)
	parse := func(pairs ...string) (*Config, error) {
		return Parse([]byte(strings.NewReplacer(pairs...).Replace(string(data))), options(false))
	}
	lent, err := parse()
	if err != nil || lent.AWS.ApplyRole == "" || len(lent.Notices) > 0 {
		t.Fatalf("%+v, %v", lent, err)
	}
	_, err = parse(given, profile, passed, address)
	for _, want := range []string{"terraform.environment.AWS_PROFILE: AWS_PROFILE would give Terraform credentials beside", "terraform.pass_env[1]: AWS_CONTAINER_CREDENTIALS_RELATIVE_URI would give"} {
		if says := said(t, err); !strings.Contains(says, want) {
			t.Errorf("%s\nlacks %s", says, want)
		}
	}
	_, err = parse(read, "")
	if says := said(t, err); !strings.Contains(says, "aws.read_role: with aws.apply_role it must be set too") {
		t.Error(says)
	}
	own, err := parse(apply, "", given, profile, passed, address)
	if err != nil || len(own.Notices) != 1 {
		t.Fatalf("%v, %v", own, err)
	}
	notice := said(t, &dr.Error{Code: dr.Invalid, What: own.Notices[0], Next: own.Notices[0]})
	if !strings.Contains(notice, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI") || !strings.Contains(notice, "AWS_PROFILE") || !strings.Contains(notice, "aws.apply_role") {
		t.Error(notice)
	}
	if none, err := parse(apply, ""); err != nil || len(none.Notices) > 0 {
		t.Errorf("%v, %v", none, err)
	}
}
