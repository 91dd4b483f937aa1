package aws

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/aws-sdk-go-v2/service/sts/types"

	"github.com/drbot/drbot/dr"
)

// Loan is a session of one role that somebody else works under.
type Loan struct {
	Role string
	// Region is where its STS is asked: that of the very Region it is for. Where it is for none,
	// that of drbot's own chain, which is neither source nor target; where that names none, Else.
	Region, Else dr.Region

	Name    string // of the session, which trust policies ask for and CloudTrail shows
	For     time.Duration
	Reading bool // whatever the role may, the session only reads
}

// Keys are the credentials of a session.
type Keys struct {
	ID, Secret, Token string
	Until             time.Time
}

// Lend makes a session that drbot does not use itself. Each call makes another.
func (c *Client) Lend(ctx context.Context, l Loan) (Keys, error) {
	region := cmp.Or(l.Region, dr.Region(c.base.Region), l.Else)
	if region == "" {
		return Keys{}, &dr.Error{Code: dr.Invalid, What: dr.T("aws.lend.no-region", "role", l.Role), Next: dr.T("aws.lend.no-region.next")}
	}
	in := &sts.AssumeRoleInput{RoleArn: &l.Role, RoleSessionName: &l.Name, DurationSeconds: awssdk.Int32(int32(l.For / time.Second))}
	if l.Reading {
		if err := narrow(in); err != nil {
			return Keys{}, err
		}
	}
	s := c.open(sessionKey{region: region, purpose: PurposeRead}) // with drbot's own credentials, asked again where it may be
	s.role = l.Role
	out, err := Read(ctx, s, sts.NewFromConfig(s.config).AssumeRole, in)
	if err != nil {
		return Keys{}, err
	}
	k := out.Credentials
	if k == nil || k.AccessKeyId == nil || k.SecretAccessKey == nil || k.SessionToken == nil || k.Expiration == nil {
		return Keys{}, &dr.Error{Code: dr.Temporary, What: dr.T("aws.lend.empty", "role", l.Role, "region", region)}
	}
	return Keys{ID: *k.AccessKeyId, Secret: *k.SecretAccessKey, Token: *k.SessionToken, Until: *k.Expiration}, nil
}

// narrow has a session do no more than look: what its role and these policies both allow.
// AWS keeps the list of what reads; what a plan reads beyond it is the key of the state and
// the few secrets that the role names.
func narrow(in *sts.AssumeRoleInput) error {
	partition := "aws"
	if parts := strings.Split(*in.RoleArn, ":"); len(parts) > 1 {
		partition = parts[1]
	}
	policy, err := json.Marshal(map[string]any{
		"Version": "2012-10-17",
		"Statement": []any{map[string]any{
			"Effect": "Allow", "Action": []string{"kms:Decrypt", "secretsmanager:GetSecretValue"}, "Resource": "*",
		}},
	})
	if err != nil {
		return fmt.Errorf("write a session's policy: %w", err)
	}
	in.Policy = awssdk.String(string(policy))
	in.PolicyArns = []types.PolicyDescriptorType{{Arn: awssdk.String("arn:" + partition + ":iam::aws:policy/ReadOnlyAccess")}}
	return nil
}
