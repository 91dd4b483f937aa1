package aws_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/rds"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/internal/aws"
	"github.com/drbot/drbot/internal/aws/awstest"
)

// way is what happens between drbot and AWS.
type way func(*http.Request) (*http.Response, error)

func (w way) RoundTrip(r *http.Request) (*http.Response, error) { return w(r) }

func breaks(err error) way { return func(*http.Request) (*http.Response, error) { return nil, err } }

// answers gives a status and, in the form of RDS, a code.
func answers(status int, code string) way {
	return func(r *http.Request) (*http.Response, error) {
		body := "<ErrorResponse><Error><Code>" + code + "</Code><Message>raw text</Message></Error><RequestId>1</RequestId></ErrorResponse>"
		return &http.Response{StatusCode: status, Header: http.Header{}, Request: r, Body: io.NopCloser(strings.NewReader(body))}, nil
	}
}

func hangs(r *http.Request) (*http.Response, error) {
	<-r.Context().Done()
	return nil, r.Context().Err()
}

func dialled(err error) error { return &net.OpError{Op: "dial", Net: "tcp", Err: err} }

// TestEveryErrorHasACode holds what can come of a question and of an act against what
// follows from it.
func TestEveryErrorHasACode(t *testing.T) {
	for name, tc := range map[string]struct {
		way       way
		read, act dr.Code
		says      string // of the question
	}{
		"throttled":             {answers(400, "Throttling"), dr.Temporary, dr.Temporary, "slow down"},
		"throttled, 503":        {answers(503, "RequestLimitExceeded"), dr.Temporary, dr.Temporary, "slow down"},
		"too many requests":     {answers(429, "SomethingNew"), dr.Temporary, dr.Temporary, "slow down"},
		"500":                   {answers(500, "InternalFailure"), dr.Temporary, dr.Uncertain, "fault of its own (500)"},
		"502":                   {answers(502, ""), dr.Temporary, dr.Uncertain, "fault of its own (502)"},
		"503":                   {answers(503, "ServiceUnavailable"), dr.Temporary, dr.Uncertain, "fault of its own (503)"},
		"504":                   {answers(504, "SomethingNew"), dr.Temporary, dr.Uncertain, "fault of its own (504)"},
		"given up by RDS":       {answers(400, "RequestTimeout"), dr.Temporary, dr.Uncertain, "try again (RequestTimeout)"},
		"408":                   {answers(408, "SomethingNew"), dr.Temporary, dr.Uncertain, "try again (SomethingNew)"},
		"no answer in time":     {hangs, dr.Temporary, dr.Uncertain, "did not answer within 2s"},
		"connection refused":    {breaks(dialled(syscall.ECONNREFUSED)), dr.Temporary, dr.Temporary, "cannot be reached"},
		"no such host":          {breaks(dialled(&net.DNSError{Err: "no such host", IsNotFound: true})), dr.Temporary, dr.Temporary, "cannot be reached"},
		"DNS does not answer":   {breaks(dialled(&net.DNSError{Err: "i/o timeout", IsTimeout: true})), dr.Temporary, dr.Temporary, "cannot be reached"},
		"no route":              {breaks(dialled(syscall.EHOSTUNREACH)), dr.Temporary, dr.Temporary, "cannot be reached"},
		"connection reset":      {breaks(&net.OpError{Op: "read", Net: "tcp", Err: syscall.ECONNRESET}), dr.Temporary, dr.Uncertain, "cannot be reached"},
		"broken pipe":           {breaks(&net.OpError{Op: "write", Net: "tcp", Err: syscall.EPIPE}), dr.Temporary, dr.Uncertain, "cannot be reached"},
		"end of file":           {breaks(io.ErrUnexpectedEOF), dr.Temporary, dr.Uncertain, "cannot be reached"},
		"no handshake":          {breaks(errors.New("net/http: TLS handshake timeout")), dr.Temporary, dr.Uncertain, "cannot be reached"},
		"denied":                {answers(403, "AccessDenied"), dr.Denied, dr.Denied, "may not call rds:DescribeGlobalClusters"},
		"expired":               {answers(403, "ExpiredToken"), dr.Denied, dr.Denied, "does not accept drbot's credentials (ExpiredToken)"},
		"the clock is wrong":    {answers(403, "RequestTimeTooSkewed"), dr.Denied, dr.Denied, "does not accept drbot's credentials"},
		"no such key":           {answers(403, "InvalidClientTokenId"), dr.Denied, dr.Denied, "does not accept drbot's credentials"},
		"forbidden, unheard of": {answers(403, "SomethingNew"), dr.Denied, dr.Denied, "(SomethingNew)"},
		"not found":             {answers(404, "GlobalClusterNotFoundFault"), dr.NotFound, dr.NotFound, "does not know the global cluster"},
		"state of the whole":    {answers(400, "InvalidGlobalClusterStateFault"), dr.Conflict, dr.Conflict, "the state does not allow it now"},
		"state of a member":     {answers(400, "InvalidDBClusterStateFault"), dr.Conflict, dr.Conflict, "the state does not allow it now"},
		"bad value":             {answers(400, "InvalidParameterValue"), dr.Invalid, dr.Invalid, "refuses rds:DescribeGlobalClusters (InvalidParameterValue)"},
		"unheard of":            {answers(400, "SomethingNew"), dr.Invalid, dr.Invalid, "(SomethingNew)"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel() // each waits between its attempts
			c, err := aws.New(t.Context(), aws.Options{
				Endpoint: "http://127.0.0.1:1", CallTimeout: awstest.CallTimeout, HTTPClient: &http.Client{Transport: tc.way},
			})
			if err != nil {
				t.Fatal(err)
			}
			err = read(t.Context(), c)
			awstest.Refused(t, err, tc.read)
			if what, _ := awstest.Told(t, err); !strings.Contains(what, tc.says) {
				t.Errorf("people are shown %q, want %q in it", what, tc.says)
			}
			err = act(t.Context(), c)
			awstest.Refused(t, err, tc.act)
			if what, _ := awstest.Told(t, err); strings.HasPrefix(what, "It is not known whether RDS in ap-northeast-1 accepted rds:FailoverGlobalCluster") != (tc.act == dr.Uncertain) {
				t.Errorf("of an act people are shown %q", what)
			}
		})
	}
}

func TestACallThatIsBrokenOff(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	c, err := aws.New(t.Context(), aws.Options{Endpoint: "http://127.0.0.1:1", HTTPClient: &http.Client{Transport: way(func(r *http.Request) (*http.Response, error) {
		cancel()
		return hangs(r)
	})}})
	if err != nil {
		t.Fatal(err)
	}
	awstest.Refused(t, act(ctx, c), dr.Uncertain)
	err = act(ctx, c)
	awstest.Refused(t, err, dr.Temporary) // nothing was sent any more
	err = read(ctx, c)
	awstest.Refused(t, err, dr.Temporary)
	if what, _ := awstest.Told(t, err); !strings.Contains(what, "was broken off") {
		t.Errorf("people are shown %q", what)
	}
}

// What the SDK does not even send is wrong as it is: trying again is no help.
func TestAQuestionThatCannotBePut(t *testing.T) {
	c, err := aws.New(t.Context(), aws.Options{Endpoint: "http://127.0.0.1:1", HTTPClient: &http.Client{Transport: way(hangs)}})
	if err != nil {
		t.Fatal(err)
	}
	session, err := c.Session("portal", awstest.Tokyo, aws.PurposeRead)
	if err != nil {
		t.Fatal(err)
	}
	_, err = aws.Read(t.Context(), session, aws.Connect(session, rds.NewFromConfig).FailoverGlobalCluster, &rds.FailoverGlobalClusterInput{})
	awstest.Refused(t, err, dr.Invalid)
	if what, _ := awstest.Told(t, err); !strings.Contains(what, "could not be asked") {
		t.Errorf("people are shown %q", what)
	}
}

func TestCredentialsThatCannotBeHad(t *testing.T) {
	host := func(status int, body string) func(*testing.T) {
		return func(t *testing.T) {
			s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "application/json")
				w.WriteHeader(status)
				_, _ = io.WriteString(w, body)
			}))
			t.Cleanup(s.Close)
			t.Setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", s.URL)
		}
	}
	for name, tc := range map[string]struct {
		host func(*testing.T)
		code dr.Code
		says string
	}{
		"nothing gives any": {func(*testing.T) {}, dr.Denied, "has no AWS credentials"},
		"a file is missing": {func(t *testing.T) {
			t.Setenv("AWS_ROLE_ARN", awstest.Role)
			t.Setenv("AWS_WEB_IDENTITY_TOKEN_FILE", filepath.Join(t.TempDir(), "missing"))
		}, dr.Denied, "cannot be had"},
		"a program fails": {func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "config")
			if err := os.WriteFile(file, []byte("[default]\ncredential_process = false\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			t.Setenv("AWS_CONFIG_FILE", file)
		}, dr.Denied, "cannot be had"},
		"the container's host has none":  {host(404, `{"code":"NotFound","message":"raw text"}`), dr.Denied, "cannot be had"},
		"the container's host has fault": {host(500, `{"code":"InternalServerError","message":"raw text"}`), dr.Temporary, "fault of its own"},
		"the container's host is away": {func(t *testing.T) {
			s := httptest.NewServer(http.NotFoundHandler())
			s.Close()
			t.Setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", s.URL)
		}, dr.Temporary, "cannot be reached"},
	} {
		t.Run(name, func(t *testing.T) {
			for _, v := range []string{"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE", "AWS_ROLE_ARN",
				"AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"} {
				t.Setenv(v, "")
			}
			none := filepath.Join(t.TempDir(), "none")
			t.Setenv("AWS_CONFIG_FILE", none)
			t.Setenv("AWS_SHARED_CREDENTIALS_FILE", none)
			t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
			tc.host(t)
			c, err := aws.New(t.Context(), aws.Options{CallTimeout: 10 * awstest.CallTimeout, HTTPClient: &http.Client{Transport: way(func(r *http.Request) (*http.Response, error) {
				t.Errorf("%s was asked without credentials", r.URL.Host)
				return nil, io.EOF
			})}})
			if err != nil {
				t.Fatal(err)
			}
			err = read(t.Context(), c)
			awstest.Refused(t, err, tc.code)
			if what, _ := awstest.Told(t, err); !strings.Contains(what, tc.says) {
				t.Errorf("people are shown %q, want %q in it", what, tc.says)
			}
		})
	}
}
