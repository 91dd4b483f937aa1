package aws

import (
	"context"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	"github.com/aws/aws-sdk-go-v2/service/rds"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/drbot/drbot/dr"
)

// readAttempts bounds the SDK's own retries of a read.
const readAttempts = 3

// serviceKey tells clients apart. Services that share a role share the client.
type serviceKey struct {
	region  dr.Region
	purpose Purpose
	role    string
}

// services are the clients of one Region under one role.
type services struct {
	serviceKey
	timeout     time.Duration
	credentials awssdk.CredentialsProvider
	rds         *rds.Client
	ecs         *ecs.Client
	elb         *elb.Client
	cloudwatch  *cloudwatch.Client
}

// in gives the clients for a service in a Region, made at the first use.
func (c *Client) in(s dr.Service, region dr.Region, purpose Purpose) (*services, error) {
	if region == "" {
		return nil, &dr.Error{Code: dr.Invalid, Msg: "No Region was named for " + s.Name + "."}
	}
	key := serviceKey{region, purpose, c.opts.Roles(s.Name, region, purpose)}
	c.mu.Lock()
	defer c.mu.Unlock()
	if sv, ok := c.services[key]; ok {
		return sv, nil
	}
	sv := c.connect(key)
	c.services[key] = sv
	return sv, nil
}

func (c *Client) connect(key serviceKey) *services {
	cfg := c.base.Copy()
	cfg.Region = string(key.region)
	// The number of attempts is decided here, not by AWS_MAX_ATTEMPTS.
	cfg.RetryMaxAttempts = 0
	cfg.Retryer = func() awssdk.Retryer { return c.readRetryer() }
	if key.role != "" {
		cfg.Credentials = c.assume(cfg, key)
	}
	if key.purpose == PurposePromote {
		// The acts have no client token: a second attempt could be a second act.
		cfg.Retryer = func() awssdk.Retryer { return awssdk.NopRetryer{} }
	}
	return &services{
		serviceKey:  key,
		timeout:     c.opts.CallTimeout,
		credentials: cfg.Credentials,
		rds:         rds.NewFromConfig(cfg),
		ecs:         ecs.NewFromConfig(cfg),
		elb:         elb.NewFromConfig(cfg),
		cloudwatch:  cloudwatch.NewFromConfig(cfg),
	}
}

func (c *Client) readRetryer() awssdk.Retryer {
	return retry.NewStandard(func(o *retry.StandardOptions) {
		o.MaxAttempts = readAttempts
		// Within the time of one call there is no room for the default of 20 s.
		o.MaxBackoff = c.opts.CallTimeout / 4
	})
}

// assume makes credentials from the STS endpoint of the very Region they are
// for: the role of the target must not be fetched where the outage is.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_temp_region-endpoints.html
func (c *Client) assume(cfg awssdk.Config, key serviceKey) awssdk.CredentialsProvider {
	provider := stscreds.NewAssumeRoleProvider(sts.NewFromConfig(cfg), key.role, func(o *stscreds.AssumeRoleOptions) {
		o.RoleSessionName = "drbot-" + string(key.purpose) // seen in CloudTrail
	})
	return awssdk.NewCredentialsCache(bounded{provider, c.opts.CallTimeout}, func(o *awssdk.CredentialsCacheOptions) {
		o.ExpiryWindow = time.Minute // no call starts with keys that end during it
	})
}

// bounded ends a fetch of credentials in time. The SDK's cache fetches without
// the caller's deadline, so that one fetch can serve several callers.
type bounded struct {
	inner   awssdk.CredentialsProvider
	timeout time.Duration
}

func (b bounded) Retrieve(ctx context.Context) (awssdk.Credentials, error) {
	ctx, cancel := context.WithTimeout(ctx, b.timeout)
	defer cancel()
	return b.inner.Retrieve(ctx)
}

// read makes one API call in the time of one call, and sorts its error.
func read[In, Out, Opt any](ctx context.Context, sv *services, do func(context.Context, In, ...Opt) (Out, error), in In) (Out, error) {
	ctx, cancel := context.WithTimeout(ctx, sv.timeout)
	defer cancel()
	out, err := do(ctx, in)
	if err != nil {
		var none Out
		return none, sv.sort(err)
	}
	return out, nil
}

// act makes one API call that changes something. The credentials are fetched
// before it, so that a failure to get them is known to be no attempt.
func act[In, Out, Opt any](ctx context.Context, sv *services, do func(context.Context, In, ...Opt) (Out, error), in In) (Out, error) {
	var none Out
	ctx, cancel := context.WithTimeout(ctx, sv.timeout)
	defer cancel()
	if _, err := sv.credentials.Retrieve(ctx); err != nil {
		return none, sv.sort(err)
	}
	if err := ctx.Err(); err != nil {
		return none, sv.sort(err)
	}
	out, err := do(ctx, in)
	if err != nil {
		return none, sv.sortAct(err)
	}
	return out, nil
}
