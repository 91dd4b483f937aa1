package aws

import (
	"context"
	"reflect"
	"sync"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"

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
	now     func() time.Time
	config  awssdk.Config
	keys    *keys

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
	held := c.keys
	if key.role != "" {
		held = c.assume(key)
	}
	cfg.Credentials = held
	if key.purpose == PurposePromote {
		// The acts have no client token: a second attempt could be a second act.
		cfg.Retryer = func() awssdk.Retryer { return awssdk.NopRetryer{} }
	}
	return &Session{sessionKey: key, timeout: c.opts.CallTimeout, now: c.opts.Clock, config: cfg, keys: held, clients: make(map[reflect.Type]any)}
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

// assume takes a role at the STS endpoint of the very Region it is for: the role of the
// target must not be fetched where the outage is.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_temp_region-endpoints.html
func (c *Client) assume(key sessionKey) *keys {
	return c.newKeys(func(ctx context.Context) (awssdk.Credentials, error) {
		lent, err := c.Lend(ctx, Loan{Role: key.role, Region: key.region, Name: "drbot-" + string(key.purpose), For: time.Hour})
		return awssdk.Credentials{AccessKeyID: lent.ID, SecretAccessKey: lent.Secret, SessionToken: lent.Token,
			Source: "drbot", CanExpire: true, Expires: lent.Until}, err
	})
}

// Read makes one API call in the time of one call, and sorts its error. The credentials
// are fetched before it, so that a failure to get them is told as one.
func Read[In, Out, Option any](ctx context.Context, s *Session, call func(context.Context, In, ...Option) (Out, error), in In) (Out, error) {
	return put(ctx, s, call, in, s.sortRead)
}

// ActOnce makes one API call that changes something, with dr.Uncertain when it may
// have been accepted and any other code when it was not. The credentials are
// fetched before it, so that a failure to get them is known to be no attempt.
func ActOnce[In, Out, Option any](ctx context.Context, s *Session, call func(context.Context, In, ...Option) (Out, error), in In) (Out, error) {
	return put(ctx, s, call, in, s.sortAct)
}

// put makes a call, and makes it again, once, where AWS did not take who made it: what is
// refused so was not even looked at, and other credentials or the right time may do.
func put[In, Out, Option any](ctx context.Context, s *Session, call func(context.Context, In, ...Option) (Out, error), in In, sort func(error) error) (Out, error) {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	var none Out
	for again := false; ; again = true {
		used, err := s.config.Credentials.Retrieve(ctx)
		if err != nil {
			return none, s.sortCredentials(err)
		}
		if err := ctx.Err(); err != nil {
			return none, s.sortRead(err)
		}
		out, err := call(ctx, in)
		switch {
		case err == nil:
			return out, nil
		case again || !unsigned(err):
			return none, sort(err)
		}
		s.keys.drop(used)
	}
}
