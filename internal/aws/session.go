package aws

import (
	"context"
	"reflect"
	"sync"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/drbot/drbot/dr"
)

// readAttempts bounds the SDK's own retries of a read.
const readAttempts = 3

// sessionKey tells sessions apart. Services that share a role share the session.
type sessionKey struct {
	region  dr.Region
	purpose Purpose
	role    string
}

// Session is one Region under one role, with the clients of the AWS services that
// were asked there.
type Session struct {
	sessionKey
	timeout time.Duration
	config  awssdk.Config

	mu      sync.Mutex
	clients map[reflect.Type]any
}

// Session gives that of a service in a Region for a purpose, made at the first use.
func (c *Client) Session(service string, region dr.Region, purpose Purpose) (*Session, error) {
	if region == "" {
		return nil, &dr.Error{Code: dr.Invalid, What: dr.T("aws.no-region", "service", service)}
	}
	key := sessionKey{region, purpose, c.opts.Roles(service, region, purpose)}
	c.mu.Lock()
	defer c.mu.Unlock()
	if s, ok := c.sessions[key]; ok {
		return s, nil
	}
	s := c.open(key)
	c.sessions[key] = s
	return s, nil
}

func (c *Client) open(key sessionKey) *Session {
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
	return &Session{sessionKey: key, timeout: c.opts.CallTimeout, config: cfg, clients: make(map[reflect.Type]any)}
}

// Connect gives a session's client of one AWS service, made at the first use:
// Connect(session, rds.NewFromConfig).
func Connect[Service, Option any](s *Session, newFromConfig func(awssdk.Config, ...func(*Option)) Service) Service {
	kind := reflect.TypeFor[Service]()
	s.mu.Lock()
	defer s.mu.Unlock()
	if known, ok := s.clients[kind].(Service); ok {
		return known
	}
	made := newFromConfig(s.config)
	s.clients[kind] = made
	return made
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
func (c *Client) assume(cfg awssdk.Config, key sessionKey) awssdk.CredentialsProvider {
	provider := stscreds.NewAssumeRoleProvider(sts.NewFromConfig(cfg), key.role, func(o *stscreds.AssumeRoleOptions) {
		o.RoleSessionName = "drbot-" + string(key.purpose) // seen in CloudTrail
	})
	return awssdk.NewCredentialsCache(boundedProvider{provider, c.opts.CallTimeout}, func(o *awssdk.CredentialsCacheOptions) {
		o.ExpiryWindow = time.Minute // no call starts with keys that end during it
	})
}

// boundedProvider ends a fetch of credentials in time. The SDK's cache fetches
// without the caller's deadline, so that one fetch can serve several callers.
type boundedProvider struct {
	inner   awssdk.CredentialsProvider
	timeout time.Duration
}

func (b boundedProvider) Retrieve(ctx context.Context) (awssdk.Credentials, error) {
	ctx, cancel := context.WithTimeout(ctx, b.timeout)
	defer cancel()
	return b.inner.Retrieve(ctx)
}

// Read makes one API call in the time of one call, and sorts its error. The credentials
// are fetched before it, so that a failure to get them is told as one.
func Read[In, Out, Option any](ctx context.Context, s *Session, call func(context.Context, In, ...Option) (Out, error), in In) (Out, error) {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	var none Out
	if _, err := s.config.Credentials.Retrieve(ctx); err != nil {
		return none, s.sortCredentials(err)
	}
	out, err := call(ctx, in)
	if err != nil {
		return none, s.sortRead(err)
	}
	return out, nil
}

// ActOnce makes one API call that changes something, with dr.Uncertain when it may
// have been accepted and any other code when it was not. The credentials are
// fetched before it, so that a failure to get them is known to be no attempt.
func ActOnce[In, Out, Option any](ctx context.Context, s *Session, call func(context.Context, In, ...Option) (Out, error), in In) (Out, error) {
	var none Out
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	if _, err := s.config.Credentials.Retrieve(ctx); err != nil {
		return none, s.sortCredentials(err)
	}
	if err := ctx.Err(); err != nil {
		return none, s.sortRead(err)
	}
	out, err := call(ctx, in)
	if err != nil {
		return none, s.sortAct(err)
	}
	return out, nil
}
