package aws_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/internal/aws"
	"github.com/drbot/drbot/internal/aws/awstest"
)

// roles has every session work under one role.
func roles(o *aws.Options) {
	o.Roles = func(string, dr.Region, aws.Purpose) string { return awstest.Role }
}

// session answers AssumeRole, each time with other keys, which end after a while.
func session(ends time.Duration) awstest.Answer {
	var n atomic.Int32
	return func(w http.ResponseWriter, c awstest.Call) {
		awstest.XML("<Credentials><AccessKeyId>ASIA%d</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken><Expiration>%s</Expiration></Credentials>",
			n.Add(1), time.Now().Add(ends).UTC().Format(time.RFC3339))(w, c)
	}
}

// after refuses n times and answers then.
func after(n int32, refusal, answer awstest.Answer) awstest.Answer {
	return func(w http.ResponseWriter, c awstest.Call) {
		if atomic.AddInt32(&n, -1) >= 0 {
			refusal(w, c)
			return
		}
		answer(w, c)
	}
}

// TestCaseAWS20ARefusedSignature has AWS refuse who asked. The keys are dropped and taken
// anew, and the call is made again, once: a promotion too, which was not looked at.
func TestCaseAWS20ARefusedSignature(t *testing.T) {
	for code, next := range map[string]string{
		"RequestTimeTooSkewed": "clock", "RequestExpired": "clock", "RequestInTheFuture": "clock",
		"ExpiredToken": "session has ended", "ExpiredTokenException": "session has ended",
		"InvalidAccessKeyId": "no such key", "InvalidClientTokenId": "no such key", "UnrecognizedClientException": "no such key",
		"SignatureDoesNotMatch": "secret is not that of the key", "InvalidSignatureException": "secret is not that of the key",
	} {
		for _, status := range []int{400, 403} { // services differ in it
			t.Run(fmt.Sprint(code, status), func(t *testing.T) {
				t.Parallel()
				f := awstest.NewFake(t)
				f.On("AssumeRole", session(time.Hour))
				f.On("DescribeGlobalClusters", after(1, awstest.XMLError(status, code), awstest.SteadyGlobalCluster()))
				f.On("FailoverGlobalCluster", after(1, awstest.XMLError(status, code), awstest.XML("")))
				c := f.Client(t, roles)
				if err := read(t.Context(), c); err != nil {
					t.Error(err)
				}
				if err := act(t.Context(), c); err != nil {
					t.Error(err)
				}
				for what, want := range map[string]int{"AssumeRole": 4, "DescribeGlobalClusters": 2, "FailoverGlobalCluster": 2} {
					if n := f.Count("ap-northeast-1 " + what); n != want {
						t.Errorf("%s was asked for %d times, not %d", what, n, want)
					}
				}
				f.On("DescribeGlobalClusters", awstest.XMLError(status, code))
				f.On("FailoverGlobalCluster", awstest.XMLError(status, code))
				for _, err := range []error{read(t.Context(), c), act(t.Context(), c)} {
					awstest.Refused(t, err, dr.Denied)
					if what, hint := awstest.Told(t, err); !strings.Contains(what, "does not accept drbot's credentials ("+code+")") || !strings.Contains(hint, next) {
						t.Errorf("people are shown %q, %q", what, hint)
					}
				}
				if n := f.Count("ap-northeast-1 FailoverGlobalCluster"); n != 4 {
					t.Errorf("a promotion that is always refused so was asked for %d times, not twice", n-2)
				}
			})
		}
	}
}

// TestCaseAWS20TheSecondAnswerOfAPromotion counts: what becomes of the repetition is not known
// only because the first was refused.
func TestCaseAWS20TheSecondAnswerOfAPromotion(t *testing.T) {
	f := awstest.NewFake(t)
	f.On("FailoverGlobalCluster", after(1, awstest.XMLError(403, "ExpiredToken"), awstest.CutOff))
	awstest.Refused(t, act(t.Context(), f.Client(t)), dr.Uncertain)
	f.On("FailoverGlobalCluster", after(1, awstest.XMLError(403, "ExpiredToken"), awstest.XMLError(400, "InvalidDBClusterStateFault")))
	awstest.Refused(t, act(t.Context(), f.Client(t)), dr.Conflict)
	f.On("FailoverGlobalCluster", awstest.XMLError(500, "ExpiredToken")) // of which nobody knows what it did
	awstest.Refused(t, act(t.Context(), f.Client(t)), dr.Uncertain)
	if n := f.Count("ap-northeast-1 FailoverGlobalCluster"); n != 5 {
		t.Errorf("asked %d times, not 5", n)
	}
}

// clocked is an AWS whose clock is ahead of this host's, and which looks at the time.
func clocked(ahead time.Duration, heeds bool) way {
	return func(r *http.Request) (*http.Response, error) {
		now := time.Now().Add(ahead)
		at, err := time.Parse("20060102T150405Z", r.Header.Get("X-Amz-Date"))
		if err != nil {
			return nil, err
		}
		answer := answers(403, "RequestTimeTooSkewed")
		if heeds && now.Sub(at).Abs() < 5*time.Minute {
			answer = page(200, "text/xml", "<DescribeGlobalClustersResponse><DescribeGlobalClustersResult/></DescribeGlobalClustersResponse>")
			if body, _ := io.ReadAll(r.Body); strings.Contains(string(body), "FailoverGlobalCluster") {
				answer = page(200, "text/xml", "<FailoverGlobalClusterResponse><FailoverGlobalClusterResult/></FailoverGlobalClusterResponse>")
			}
		}
		resp, err := answer(r)
		resp.Header.Set("Date", now.UTC().Format(http.TimeFormat))
		return resp, err
	}
}

// TestCaseAWS20AClockThatIsWrong names both times, and asks again with AWS's.
func TestCaseAWS20AClockThatIsWrong(t *testing.T) {
	client := func(w way) *aws.Client {
		c, err := aws.New(t.Context(), aws.Options{Endpoint: "http://127.0.0.1:1", CallTimeout: awstest.CallTimeout, HTTPClient: &http.Client{Transport: w},
			Clock: func() time.Time { return time.Date(2026, 8, 22, 3, 0, 0, 0, time.UTC) }})
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	c := client(clocked(20*time.Minute, true))
	if err := act(t.Context(), c); err != nil {
		t.Error(err)
	}
	if err := read(t.Context(), c); err != nil {
		t.Error(err)
	}
	theirs := time.Date(2026, 8, 22, 3, 20, 0, 0, time.UTC)
	c = client(clocked(time.Until(theirs), false))
	for _, err := range []error{read(t.Context(), c), act(t.Context(), c)} {
		awstest.Refused(t, err, dr.Denied)
		what, next := awstest.Told(t, err)
		for _, want := range []string{"(RequestTimeTooSkewed), because of the clock", "says " + "2026-08-22 03:00", "AWS's 2026-08-22 03:20"} {
			if !strings.Contains(what, want) {
				t.Errorf("people are shown %q, want %q in it", what, want)
			}
		}
		if !strings.Contains(next, "NTP") {
			t.Errorf("people are told %q", next)
		}
	}
}

// ownChain leaves the host with what a test gives it credentials by.
func ownChain(t *testing.T) {
	t.Helper()
	for _, v := range []string{"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE", "AWS_ROLE_ARN",
		"AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"} {
		t.Setenv(v, "")
	}
	none := filepath.Join(t.TempDir(), "none")
	t.Setenv("AWS_CONFIG_FILE", none)
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", none)
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
}

// written makes a file of AWS's own tools.
func written(t *testing.T, variable, text string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "aws")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv(variable, file)
}

// TestCaseAWS20WhereCredentialsComeFrom names what failed to give them.
func TestCaseAWS20WhereCredentialsComeFrom(t *testing.T) {
	host := func(status int, kind, body string) func(*testing.T) {
		return func(t *testing.T) {
			s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", kind)
				w.WriteHeader(status)
				_, _ = io.WriteString(w, body)
			}))
			t.Cleanup(s.Close)
			t.Setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", s.URL)
		}
	}
	const sso = "[default]\nsso_start_url = https://example.awsapps.com/start\nsso_region = ap-northeast-3\nsso_account_id = 123456789012\nsso_role_name = drbot\n"
	signedIn := func(t *testing.T, until time.Time) {
		t.Setenv("HOME", t.TempDir())
		written(t, "AWS_CONFIG_FILE", sso)
		dir := filepath.Join(os.Getenv("HOME"), ".aws", "sso", "cache")
		if err := os.MkdirAll(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		token := fmt.Sprintf(`{"accessToken":"t","expiresAt":%q}`, until.UTC().Format(time.RFC3339))
		if err := os.WriteFile(filepath.Join(dir, "b12d5af31c1d38ffdbfff8ef5b50f3e4f9a0e8a7.json"), []byte(token), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for name, tc := range map[string]struct {
		host func(*testing.T)
		code dr.Code
		says string
	}{
		"signed out": {func(t *testing.T) { signedIn(t, time.Now().Add(-time.Hour)) }, dr.Denied, "a sign-in of a person (AWS IAM Identity Center, SSO)"},
		"a program that fails": {func(t *testing.T) {
			written(t, "AWS_CONFIG_FILE", "[default]\ncredential_process = false\n")
		}, dr.Denied, "(credential_process) failed"},
		"a program that babbles": {func(t *testing.T) {
			written(t, "AWS_CONFIG_FILE", "[default]\ncredential_process = echo raw text\n")
		}, dr.Denied, "(credential_process) failed"},
		"the agent has a fault":          {host(500, "application/json", `{"code":"InternalServerError","message":"raw text"}`), dr.Temporary, "What gives this host its AWS credentials for ap-northeast-1 answers with a fault of its own (500)"},
		"the agent has a fault, a line":  {host(503, "text/plain", "raw text"), dr.Temporary, "answers with a fault of its own (503)"},
		"the agent wants fewer requests": {host(429, "text/plain", "raw text"), dr.Temporary, "answers with a fault of its own (429)"},
		"the agent refuses":              {host(403, "text/plain", "raw text"), dr.Denied, "cannot be had"},
	} {
		t.Run(name, func(t *testing.T) {
			ownChain(t)
			tc.host(t)
			c, err := aws.New(t.Context(), aws.Options{CallTimeout: 10 * awstest.CallTimeout, HTTPClient: &http.Client{Transport: way(func(r *http.Request) (*http.Response, error) {
				t.Errorf("%s was asked without credentials", r.URL.Host)
				return nil, io.EOF
			})}})
			if err != nil {
				t.Fatal(err)
			}
			for _, err := range []error{read(t.Context(), c), act(t.Context(), c)} {
				awstest.Refused(t, err, tc.code)
				if what, next := awstest.Told(t, err); !strings.Contains(what, tc.says) || next == "" || strings.Contains(next, "identifiers") {
					t.Errorf("people are shown %q, %q, want %q in it", what, next, tc.says)
				}
			}
		})
	}
}

// TestCaseAWS20KeysInAFile has somebody write other keys into the file while drbot runs.
func TestCaseAWS20KeysInAFile(t *testing.T) {
	ownChain(t)
	const keys = "[default]\naws_access_key_id = %s\naws_secret_access_key = secret\n"
	written(t, "AWS_SHARED_CREDENTIALS_FILE", fmt.Sprintf(keys, "OLD"))
	var asked atomic.Int32
	c, err := aws.New(t.Context(), aws.Options{CallTimeout: awstest.CallTimeout, HTTPClient: &http.Client{Transport: way(func(r *http.Request) (*http.Response, error) {
		asked.Add(1)
		if strings.Contains(r.Header.Get("Authorization"), "Credential=OLD/") {
			return answers(403, "InvalidClientTokenId")(r)
		}
		return page(200, "text/xml", "<DescribeGlobalClustersResponse><DescribeGlobalClustersResult/></DescribeGlobalClustersResponse>")(r)
	})}})
	if err != nil {
		t.Fatal(err)
	}
	awstest.Refused(t, read(t.Context(), c), dr.Denied)
	if err := os.WriteFile(os.Getenv("AWS_SHARED_CREDENTIALS_FILE"), fmt.Appendf(nil, keys, "NEW"), 0o600); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := read(t.Context(), c); err != nil {
			t.Error(err)
		}
	}
	if n := asked.Load(); n > 5 {
		t.Errorf("asked %d times", n)
	}
}
