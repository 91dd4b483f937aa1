package aws_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/ecs"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/internal/aws"
	"github.com/drbot/drbot/internal/aws/awstest"
)

// page answers as something that is not AWS does.
func page(status int, kind, body string) way {
	return func(r *http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: status, Header: http.Header{"Content-Type": {kind}}, Request: r, Body: io.NopCloser(strings.NewReader(body))}, nil
	}
}

// readAll asks RDS, ECS and CloudWatch, each of which has a protocol of its own.
func readAll(t *testing.T, c *aws.Client) map[string]error {
	t.Helper()
	session, err := c.Session("portal", awstest.Tokyo, aws.PurposeRead)
	if err != nil {
		t.Fatal(err)
	}
	_, ofECS := aws.Read(t.Context(), session, aws.Connect(session, ecs.NewFromConfig).DescribeServices, &ecs.DescribeServicesInput{Services: []string{"portal"}})
	_, ofCloudWatch := aws.Read(t.Context(), session, aws.Connect(session, cloudwatch.NewFromConfig).ListMetrics, &cloudwatch.ListMetricsInput{})
	return map[string]error{"RDS": read(t.Context(), c), "ECS": ofECS, "CloudWatch": ofCloudWatch}
}

// TestCaseAWS19AProxyAnswers has what stands between drbot and AWS answer in its place, as a
// page for people: the identifiers of the configuration are not to blame.
func TestCaseAWS19AProxyAnswers(t *testing.T) {
	const html = "<html><head><title>Gateway</title></head><body>raw text</body></html>"
	for name, tc := range map[string]struct {
		way  way
		act  dr.Code // of a promotion; a question is always temporary
		says string
	}{
		"429, a page":         {page(429, "text/html; charset=utf-8", html), dr.Temporary, "a proxy on the way to it answered (429 Too Many Requests)"},
		"429, a line":         {page(429, "text/plain", "raw text: rate exceeded"), dr.Temporary, "a proxy on the way to it answered (429"},
		"429, nothing":        {page(429, "", ""), dr.Temporary, "a proxy on the way to it answered (429"},
		"403, a page":         {page(403, "text/html", "\n<!DOCTYPE html>"+html), dr.Uncertain, "a proxy on the way to it answered (403 Forbidden)"},
		"403, of no kind":     {page(403, "", html), dr.Uncertain, "a proxy on the way to it answered (403"},
		"403, JSON":           {page(403, "application/json", `{"error":"raw text"}`), dr.Uncertain, "a proxy on the way to it answered (403"},
		"407, a page":         {page(407, "text/html", html), dr.Temporary, "a proxy on the way to it answered (407 Proxy Authentication Required)"},
		"407, XML":            {page(407, "text/xml", "<Error><Code>raw text</Code></Error>"), dr.Temporary, "a proxy on the way to it answered (407"},
		"302, to a sign-in":   {page(302, "text/html", html), dr.Uncertain, "a proxy on the way to it answered (302 Found)"},
		"200, to a sign-in":   {page(200, "text/html", html), dr.Uncertain, "a proxy on the way to it answered (200 OK)"},
		"502, a page":         {page(502, "text/html", html), dr.Uncertain, "what stands before it answered (502 Bad Gateway)"},
		"too many, by a code": {answers(400, "TooManyRequests"), dr.Temporary, "slow down"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, err := aws.New(t.Context(), aws.Options{Endpoint: "http://127.0.0.1:1", CallTimeout: awstest.CallTimeout, HTTPClient: &http.Client{
				Transport: tc.way, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}})
			if err != nil {
				t.Fatal(err)
			}
			asked := readAll(t, c)
			if strings.HasPrefix(name, "too many") { // the words are RDS's
				asked = map[string]error{"RDS": asked["RDS"]}
			}
			for service, err := range asked {
				awstest.Refused(t, err, dr.Temporary)
				if what, next := awstest.Told(t, err); !strings.Contains(what, tc.says) || !strings.Contains(what, service+" in ap-northeast-1") || strings.Contains(next, "identifiers") {
					t.Errorf("people are shown %q, %q, want %q of %s in it", what, next, tc.says, service)
				}
			}
			err = act(t.Context(), c)
			awstest.Refused(t, err, tc.act)
			if what, _ := awstest.Told(t, err); tc.act == dr.Uncertain && !strings.Contains(what, "RDS in ap-northeast-1 accepted rds:FailoverGlobalCluster: a proxy") {
				t.Errorf("of an act people are shown %q", what)
			}
		})
	}
}

// TestCaseAWS19AProxyMakesNoConnection has a proxy refuse before anything is sent to AWS:
// an act is known not to have been asked for.
func TestCaseAWS19AProxyMakesNoConnection(t *testing.T) {
	for status, says := range map[int]string{403: "answered (403 Forbidden)", 407: "answered (407 Proxy Authentication Required)", 429: "answered (429", 502: "answered (502"} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Method != http.MethodConnect || r.Host != "rds.ap-northeast-1.amazonaws.com:443" {
					t.Errorf("asked for %s %s", r.Method, r.Host)
				}
				http.Error(w, "raw text", status)
			}))
			defer proxy.Close()
			c := aws.Through(t, proxy.URL)
			err := read(t.Context(), c)
			awstest.Refused(t, err, dr.Temporary)
			if what, next := awstest.Told(t, err); !strings.Contains(what, "a proxy on the way to it "+says) || !strings.Contains(next, "rds.ap-northeast-1.amazonaws.com") {
				t.Errorf("people are shown %q, %q", what, next)
			}
			awstest.Refused(t, act(t.Context(), c), dr.Temporary)
		})
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	away := "http://" + l.Addr().String()
	l.Close()
	awstest.Refused(t, act(t.Context(), aws.Through(t, away)), dr.Temporary)
}
