package aws_test

import (
	"context"
	"io"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/rds"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/internal/aws"
	"github.com/drbot/drbot/internal/aws/awstest"
)

// read asks RDS in Tokyo for global clusters.
func read(ctx context.Context, c *aws.Client) error {
	session, err := c.Session("portal", awstest.Tokyo, aws.PurposeRead)
	if err != nil {
		return err
	}
	_, err = aws.Read(ctx, session, aws.Connect(session, rds.NewFromConfig).DescribeGlobalClusters, &rds.DescribeGlobalClustersInput{})
	return err
}

// act fails over in Tokyo.
func act(ctx context.Context, c *aws.Client) error {
	session, err := c.Session("portal", awstest.Tokyo, aws.PurposePromote)
	if err != nil {
		return err
	}
	id := "portal"
	_, err = aws.ActOnce(ctx, session, aws.Connect(session, rds.NewFromConfig).FailoverGlobalCluster,
		&rds.FailoverGlobalClusterInput{GlobalClusterIdentifier: &id, TargetDbClusterIdentifier: &id})
	return err
}

func TestNewOptions(t *testing.T) {
	for _, endpoint := range []string{"127.0.0.1:5000", "ftp://127.0.0.1", "http://", ":"} {
		_, err := aws.New(t.Context(), aws.Options{Endpoint: endpoint})
		awstest.Refused(t, err, dr.Invalid)
	}
}

func TestLocalEndpointNeedsNoCABundle(t *testing.T) {
	t.Setenv("AWS_CA_BUNDLE", filepath.Join(t.TempDir(), "missing.pem"))
	f := awstest.NewFake(t)
	f.On("DescribeGlobalClusters", awstest.SteadyGlobalCluster())
	if err := read(t.Context(), f.Client(t)); err != nil {
		t.Fatal(err)
	}
}

// hosts answers every call with a refusal and keeps the hosts asked.
type hosts struct {
	mu    sync.Mutex
	names []string
}

func (h *hosts) RoundTrip(r *http.Request) (*http.Response, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.names = append(h.names, r.URL.Host)
	return &http.Response{StatusCode: http.StatusForbidden, Header: http.Header{}, Request: r,
		Body: io.NopCloser(strings.NewReader("<ErrorResponse><Error><Code>AccessDenied</Code></Error></ErrorResponse>"))}, nil
}

func TestRolesAreTakenInTheRegionTheyAreFor(t *testing.T) {
	t.Setenv("AWS_ACCESS_KEY_ID", "key")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "secret")
	t.Setenv("AWS_REGION", string(awstest.Seoul))
	var seen hosts
	c, err := aws.New(t.Context(), aws.Options{
		HTTPClient: &http.Client{Transport: &seen},
		Roles:      func(string, dr.Region, aws.Purpose) string { return awstest.Role },
	})
	if err != nil {
		t.Fatal(err)
	}
	err = read(t.Context(), c)
	awstest.Refused(t, err, dr.Denied)
	if want := []string{"sts.ap-northeast-1.amazonaws.com"}; !slices.Equal(seen.names, want) {
		t.Errorf("asked %q, want %q", seen.names, want)
	}
	if msg, hint := awstest.Told(t, err); !strings.Contains(msg, awstest.Role) || !strings.Contains(hint, "sts:AssumeRole") {
		t.Errorf("people are shown %q, %q", msg, hint)
	}
}

func assumed() awstest.Answer {
	return awstest.XML("<Credentials><AccessKeyId>ASIA</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken><Expiration>%s</Expiration></Credentials>",
		time.Now().Add(time.Hour).UTC().Format(time.RFC3339))
}

func TestClientsAreKeptPerRegionAndRole(t *testing.T) {
	f := awstest.NewFake(t)
	f.On("AssumeRole", assumed())
	f.On("DescribeGlobalClusters", awstest.SteadyGlobalCluster())
	f.On("FailoverGlobalCluster", awstest.XML(""))
	c := f.Client(t, func(o *aws.Options) {
		o.Roles = func(_ string, _ dr.Region, p aws.Purpose) string { return awstest.Role + "-" + string(p) }
	})
	for range 3 {
		if err := read(t.Context(), c); err != nil {
			t.Fatal(err)
		}
	}
	if err := act(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	if n := f.Count("ap-northeast-1 AssumeRole"); n != 2 {
		t.Errorf("%d roles taken, want one to read and one to promote: %q", n, f.Asked())
	}
	if got := f.Last("AssumeRole").Form.Get("RoleArn"); got != awstest.Role+"-promote" {
		t.Errorf("took %q to promote", got)
	}
	for _, a := range f.Asked() {
		if strings.HasPrefix(a, string(awstest.Seoul)) {
			t.Errorf("%s was asked for in a disaster", a)
		}
	}
}

func TestAnswersThatAreNone(t *testing.T) {
	for name, tc := range map[string]struct {
		answer awstest.Answer
		code   dr.Code
		says   string
	}{
		"throttled":      {awstest.XMLError(400, "Throttling"), dr.Temporary, "slow down"},
		"fault, html":    {func(w http.ResponseWriter, _ awstest.Call) { http.Error(w, "<html>", http.StatusBadGateway) }, dr.Temporary, "502"},
		"half an answer": {awstest.HalfAnswer, dr.Temporary, "cannot be reached"},
	} {
		t.Run(name, func(t *testing.T) {
			f := awstest.NewFake(t)
			f.On("DescribeGlobalClusters", tc.answer)
			err := read(t.Context(), f.Client(t))
			awstest.Refused(t, err, tc.code)
			if msg, _ := awstest.Told(t, err); !strings.Contains(msg, tc.says) {
				t.Errorf("people are shown %q, want %q in it", msg, tc.says)
			}
			if n := len(f.Asked()); n > 3 {
				t.Errorf("%d attempts", n)
			}
		})
	}
}

func TestARegionThatHangsCostsOneTimeout(t *testing.T) {
	f := awstest.NewFake(t)
	f.On("DescribeGlobalClusters", f.Hang)
	f.On("AssumeRole", f.Hang)
	for name, roles := range map[string]func(string, dr.Region, aws.Purpose) string{
		"service": nil,
		"role":    func(string, dr.Region, aws.Purpose) string { return awstest.Role },
	} {
		c := f.Client(t, func(o *aws.Options) { o.CallTimeout, o.Roles = 100*time.Millisecond, roles })
		start := time.Now()
		err := read(t.Context(), c)
		awstest.Refused(t, err, dr.Temporary)
		if took := time.Since(start); took > awstest.CallTimeout {
			t.Errorf("%s: took %s", name, took)
		}
	}
}

func TestARegionThatRefusesConnections(t *testing.T) {
	f := awstest.NewFake(t)
	c := f.Client(t)
	f.Server.Close()
	err := read(t.Context(), c)
	awstest.Refused(t, err, dr.Temporary)
	if _, err := c.Session("portal", "", aws.PurposeRead); dr.CodeOf(err) != dr.Invalid {
		t.Errorf("without a Region: %v", err)
	}
}

func TestAClientOfAServiceIsMadeOnce(t *testing.T) {
	c := awstest.NewFake(t).Client(t)
	session, err := c.Session("portal", awstest.Tokyo, aws.PurposeRead)
	if err != nil {
		t.Fatal(err)
	}
	first, second := aws.Connect(session, rds.NewFromConfig), aws.Connect(session, rds.NewFromConfig)
	if first != second {
		t.Error("two clients of RDS in one session")
	}
	again, err := c.Session("another", awstest.Tokyo, aws.PurposeRead)
	if err != nil || again != session {
		t.Errorf("services under one role have sessions of their own, %v", err)
	}
}
