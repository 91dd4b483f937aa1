package aws

import (
	"context"
	"log/slog"
	"net/http"
	"net/url"
	"sync"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/smithy-go/middleware"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/internal/awshttp"
)

// Purpose says what a client is for, and thereby which role it works under.
type Purpose string

const (
	// PurposeRead is for looking: states, metrics, health.
	PurposeRead Purpose = "read"
	// PurposePromote is for the acts drbot makes itself: moving the writer,
	// scaling a service, replacing its tasks. They are never retried by the SDK.
	PurposePromote Purpose = "promote"
)

// The defaults of Options.
const (
	defaultCallTimeout = 5 * time.Second
	defaultStaleAfter  = 5 * time.Minute
)

// Options configure a Client. The zero value is that of production with the
// credentials of the environment.
type Options struct {
	// Endpoint replaces every AWS endpoint, for local servers that speak the
	// same protocols. Empty in production. With a plain http endpoint the
	// credentials are those of the environment variables or placeholders, and
	// settings that only make sense for TLS (AWS_CA_BUNDLE) are not looked at.
	Endpoint string
	// Roles names the role to assume for a service in a Region, an ARN; empty
	// means the credentials drbot runs with. Nil means that for all.
	Roles func(service string, region dr.Region, purpose Purpose) string
	// CallTimeout bounds one API call with its retries; 5 s by default.
	CallTimeout time.Duration
	// StaleAfter is the age at which a lag reading stops to count; 5 min by default.
	StaleAfter time.Duration
	// HTTPClient makes the calls to AWS; the SDK's own by default.
	HTTPClient *http.Client
	// Clock is time.Now by default.
	Clock func() time.Time
	// Logger gets the causes that people are not shown.
	Logger *slog.Logger
}

// Client opens the sessions that every system works with. It is safe for
// concurrent use.
type Client struct {
	opts Options
	base awssdk.Config
	keys *keys // drbot's own

	mu       sync.Mutex
	sessions map[sessionKey]*Session
}

// New reads the credentials' configuration. It connects to nothing: clients are
// made when a Region is first asked for.
func New(ctx context.Context, o Options) (*Client, error) {
	if o.CallTimeout <= 0 {
		o.CallTimeout = defaultCallTimeout
	}
	if o.StaleAfter <= 0 {
		o.StaleAfter = defaultStaleAfter
	}
	if o.Clock == nil {
		o.Clock = time.Now
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Roles == nil {
		o.Roles = func(string, dr.Region, Purpose) string { return "" }
	}
	base, err := baseConfig(ctx, o)
	if err != nil {
		return nil, err
	}
	c := &Client{opts: o, base: base, sessions: make(map[sessionKey]*Session)}
	c.keys = c.newKeys(ofChain(base.Credentials))
	if plain, _ := localOnly(o); !plain {
		c.keys.anew = readChain
	}
	return c, nil
}

// localOnly tells an endpoint without TLS, which is no endpoint of AWS's.
func localOnly(o Options) (bool, error) {
	if o.Endpoint == "" {
		return false, nil
	}
	u, err := url.Parse(o.Endpoint)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return false, &dr.Error{Code: dr.Invalid, Err: err,
			What: dr.T("aws.endpoint"), Next: dr.T("aws.endpoint.next")}
	}
	return u.Scheme == "http", nil
}

func baseConfig(ctx context.Context, o Options) (awssdk.Config, error) {
	local, err := localOnly(o)
	if err != nil {
		return awssdk.Config{}, err
	}
	if local {
		return localConfig(o)
	}
	cfg, err := loadConfig(ctx)
	if err != nil {
		return awssdk.Config{}, &dr.Error{Code: dr.Invalid, Err: err,
			What: dr.T("aws.configuration"), Next: dr.T("aws.configuration.next")}
	}
	// Set after loading: the loader refuses any client but its own when
	// AWS_CA_BUNDLE is set.
	if o.HTTPClient != nil {
		cfg.HTTPClient = o.HTTPClient
	}
	cfg.HTTPClient = awshttp.Client(cfg.HTTPClient)
	if o.Endpoint != "" {
		cfg.BaseEndpoint = awssdk.String(o.Endpoint)
	}
	return cfg, nil
}

// loadConfig reads the environment and the files of AWS's own tools.
func loadConfig(ctx context.Context) (awssdk.Config, error) {
	return config.LoadDefaultConfig(ctx, config.WithHTTPClient(newTransport()), config.WithAPIOptions(answersOfAWS()), config.WithCredentialsCacheOptions(dueInChain))
}

// readChain reads anew where drbot's own credentials come from: a file may have others by now.
func readChain(ctx context.Context) (source, error) {
	cfg, err := loadConfig(ctx)
	if err != nil {
		return nil, err
	}
	return ofChain(cfg.Credentials), nil
}

// answersOfAWS has each answer looked at before the SDK reads it.
func answersOfAWS() []func(*middleware.Stack) error {
	return []func(*middleware.Stack) error{tellAnswers}
}

// localConfig is made by hand because the loader opens AWS_CA_BUNDLE at once and
// fails when the file is missing, although plain http has no use for it.
func localConfig(o Options) (awssdk.Config, error) {
	env, err := config.NewEnvConfig()
	if err != nil {
		return awssdk.Config{}, &dr.Error{Code: dr.Invalid, Err: err,
			What: dr.T("aws.variables"), Next: dr.T("aws.variables.next")}
	}
	keys := env.Credentials
	if !keys.HasKeys() {
		keys = awssdk.Credentials{AccessKeyID: "local", SecretAccessKey: "local"}
	}
	client := o.HTTPClient
	if client == nil {
		client = &http.Client{Transport: &http.Transport{
			MaxIdleConnsPerHost: 16,
			IdleConnTimeout:     30 * time.Second,
		}}
	}
	return awssdk.Config{
		Region:       env.Region,
		BaseEndpoint: awssdk.String(o.Endpoint),
		HTTPClient:   awshttp.Client(client),
		APIOptions:   answersOfAWS(),
		Credentials: awssdk.NewCredentialsCache(credentials.NewStaticCredentialsProvider(
			keys.AccessKeyID, keys.SecretAccessKey, keys.SessionToken)),
	}, nil
}

// Now is the time by the client's clock.
func (c *Client) Now() time.Time { return c.opts.Clock() }

// Logger gets the causes that people are not shown.
func (c *Client) Logger() *slog.Logger { return c.opts.Logger }

// CallTimeout bounds one API call with its retries, and one check.
func (c *Client) CallTimeout() time.Duration { return c.opts.CallTimeout }

// StaleAfter is the age at which a reading stops to count.
func (c *Client) StaleAfter() time.Duration { return c.opts.StaleAfter }
