package main

import (
	"context"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/internal/aws"
	"github.com/drbot/drbot/internal/config"
	"github.com/drbot/drbot/internal/tf"
)

// How long the sessions last that Terraform is lent. One is made anew at half of its time.
// That of an apply is the longest that AWS gives to who has a role itself, so that an apply
// goes on while STS does not answer.
const (
	planSession  = 15 * time.Minute
	applySession = time.Hour
)

// lending is what Terraform gets for AWS: the session of one role, where the configuration
// names the roles; nil where it does not.
func lending(cfg *config.Config, cloud *aws.Client) *tf.Lending {
	if cfg.AWS.ApplyRole == "" {
		return nil
	}
	return &tf.Lending{
		Role: func(service string, region dr.Region, apply bool) string {
			if apply {
				return roleOf(cfg.AWS.ApplyRole, service, region)
			}
			return roleOf(cfg.AWS.ReadRole, service, region)
		},
		Keys:   keysFrom(cloud),
		Source: tf.Source{Environment: ownCredentials(os.Environ()), Endpoint: cfg.AWS.Endpoint, CallTimeout: cfg.AWS.CallTimeout},
	}
}

// roleOf fills in the name of a role.
func roleOf(role, service string, region dr.Region) string {
	return strings.NewReplacer("{service}", service, "{region}", string(region)).Replace(role)
}

// keysFrom makes sessions by a client's own credentials.
func keysFrom(cloud *aws.Client) tf.Borrow {
	return func(ctx context.Context, l tf.Loan) (tf.Keys, error) {
		loan := aws.Loan{Role: l.Role, Region: l.Region, Else: l.Else, For: planSession, Reading: l.Act == tf.ActLook}
		switch l.Act { // terraform/modules/drbot/roles trusts these names alone
		case tf.ActApply:
			loan.Name, loan.For = "drbot-apply", applySession
		case tf.ActLook:
			loan.Name = "drbot-look"
		default:
			loan.Name = "drbot-plan"
		}
		keys, err := cloud.Lend(ctx, loan)
		return tf.Keys(keys), err
	}
}

// borrowing is how the supervisor makes sessions: as the bot does that started it, whose
// credentials it was handed.
func borrowing(ctx context.Context, from tf.Source) (tf.Borrow, error) {
	for name, value := range from.Environment {
		if err := os.Setenv(name, value); err != nil { // of this process's memory alone, which nobody else reads
			return nil, fmt.Errorf("take over the credentials: %w", err)
		}
	}
	cloud, err := aws.New(ctx, aws.Options{Endpoint: from.Endpoint, CallTimeout: from.CallTimeout})
	if err != nil {
		return nil, err
	}
	return keysFrom(cloud), nil
}

// ownCredentials are the variables that lead to drbot's own credentials for AWS, and to AWS.
func ownCredentials(environment []string) map[string]string {
	out := map[string]string{}
	for _, e := range environment {
		name, value, _ := strings.Cut(e, "=")
		switch strings.ToUpper(name) {
		case "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR":
			out[name] = value
		}
		if strings.HasPrefix(name, "AWS_") {
			out[name] = value
		}
	}
	return out
}
