package aws_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/internal/aws"
	"github.com/drbot/drbot/internal/aws/awstest"
)

func TestLend(t *testing.T) {
	f := awstest.NewFake(t)
	f.On("AssumeRole", assumed())
	loan := aws.Loan{Role: awstest.Role, Region: awstest.Tokyo, Name: "drbot-plan", For: 15 * time.Minute}
	keys, err := f.Client(t).Lend(t.Context(), loan)
	if err != nil || keys.ID != "ASIA" || keys.Secret != "s" || keys.Token != "t" || time.Until(keys.Until) < 50*time.Minute {
		t.Fatalf("%+v, %v", keys, err)
	}
	asked := f.Last("AssumeRole").Form
	for name, want := range map[string]string{"RoleArn": awstest.Role, "RoleSessionName": "drbot-plan", "DurationSeconds": "900", "Policy": "", "PolicyArns.member.1.arn": ""} {
		if got := asked.Get(name); got != want {
			t.Errorf("%s is %q, not %q", name, got, want)
		}
	}
	if _, err := f.Client(t).Lend(t.Context(), loan); err != nil || f.Count("ap-northeast-1 AssumeRole") != 2 {
		t.Errorf("a session is given twice: %v, %v", f.Asked(), err)
	}
}

// TestLendOnlyToRead has a role that may change things narrowed to reads: no emulated AWS
// knows what that does, so that it is the request which is looked at.
func TestLendOnlyToRead(t *testing.T) {
	f := awstest.NewFake(t)
	f.On("AssumeRole", assumed())
	for role, want := range map[string]string{
		awstest.Role: "arn:aws:iam::aws:policy/ReadOnlyAccess",
		strings.Replace(awstest.Role, "arn:aws:", "arn:aws-cn:", 1): "arn:aws-cn:iam::aws:policy/ReadOnlyAccess",
	} {
		if _, err := f.Client(t).Lend(t.Context(), aws.Loan{Role: role, Region: awstest.Tokyo, Name: "drbot-look", For: 15 * time.Minute, Reading: true}); err != nil {
			t.Fatal(err)
		}
		asked := f.Last("AssumeRole").Form
		if got := asked.Get("PolicyArns.member.1.arn"); got != want {
			t.Errorf("narrowed by %q, not %q", got, want)
		}
		var policy struct {
			Statement []struct {
				Effect string
				Action []string
			}
		}
		if err := json.Unmarshal([]byte(asked.Get("Policy")), &policy); err != nil || len(policy.Statement) != 1 {
			t.Fatalf("%s: %v", asked.Get("Policy"), err)
		}
		if s := policy.Statement[0]; s.Effect != "Allow" || !slices.Equal(s.Action, []string{"kms:Decrypt", "secretsmanager:GetSecretValue"}) {
			t.Errorf("%+v", s)
		}
	}
}

// TestLendInDrbotsOwnRegion asks the STS of the control Region where the chain names one: the
// role of a stack that belongs to no Region is had whichever is lost.
func TestLendInDrbotsOwnRegion(t *testing.T) {
	f := awstest.NewFake(t)
	f.On("AssumeRole", assumed())
	lend := func(region dr.Region) {
		t.Helper()
		if _, err := f.Client(t).Lend(t.Context(), aws.Loan{Role: awstest.Role, Region: region, Else: awstest.Tokyo, Name: "drbot-plan", For: 15 * time.Minute}); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("AWS_REGION", "")
	lend("")
	t.Setenv("AWS_REGION", "ap-northeast-3")
	lend("")
	lend(awstest.Seoul)
	if want := []string{"ap-northeast-1 AssumeRole", "ap-northeast-3 AssumeRole", "ap-northeast-2 AssumeRole"}; !slices.Equal(f.Asked(), want) {
		t.Errorf("asked %v, not %v", f.Asked(), want)
	}
}

func TestLendRefused(t *testing.T) {
	f := awstest.NewFake(t)
	f.On("AssumeRole", awstest.XMLError(403, "AccessDenied"))
	loan := aws.Loan{Role: awstest.Role, Region: awstest.Tokyo, Name: "drbot-plan", For: 15 * time.Minute}
	_, err := f.Client(t).Lend(t.Context(), loan)
	awstest.Refused(t, err, dr.Denied)
	if msg, next := awstest.Told(t, err); !strings.Contains(msg, awstest.Role) || !strings.Contains(next, "sts:AssumeRole") {
		t.Errorf("%q, %q", msg, next)
	}
	loan.Region = ""
	_, err = f.Client(t).Lend(t.Context(), loan)
	awstest.Refused(t, err, dr.Invalid)
	f.On("AssumeRole", awstest.XML("<Credentials><AccessKeyId>ASIA</AccessKeyId></Credentials>"))
	loan.Region = awstest.Tokyo
	_, err = f.Client(t).Lend(t.Context(), loan)
	awstest.Refused(t, err, dr.Temporary)
}
