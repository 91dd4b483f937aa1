package aws_test

import (
	"io"
	"net/http"
	"strings"
	"syscall"
	"testing"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/internal/aws"
	"github.com/drbot/drbot/internal/aws/awstest"
)

// TestCaseAWS11TheTrueHost is told where drbot's own credentials come from the STS of the
// lost Region, although those of a role in another are wanted.
func TestCaseAWS11TheTrueHost(t *testing.T) {
	for name, tc := range map[string]struct {
		way  way
		says string
	}{
		"refused": {breaks(dialled(syscall.ECONNREFUSED)), "cannot be reached"},
		"broken":  {breaks(io.ErrUnexpectedEOF), "cannot be reached"},
		"silent":  {hangs, "did not answer within"},
		"503":     {answers(503, "ServiceUnavailable"), "fault of its own (503)"},
		"a proxy": {page(403, "text/html", "<html>raw text</html>"), "a proxy on the way"},
	} {
		t.Run(name, func(t *testing.T) {
			ownChain(t)
			c, err := aws.New(t.Context(), aws.Options{CallTimeout: awstest.CallTimeout, HTTPClient: &http.Client{Transport: way(func(r *http.Request) (*http.Response, error) {
				t.Errorf("%s was asked without credentials", r.URL.Host)
				return nil, io.EOF
			})}})
			if err != nil {
				t.Fatal(err)
			}
			c.WebIdentity(t, awstest.Seoul, tc.way)
			for _, err := range []error{read(t.Context(), c), act(t.Context(), c)} {
				awstest.Refused(t, err, dr.Temporary)
				what, _ := awstest.Told(t, err)
				for _, want := range []string{"STS (sts.ap-northeast-2.amazonaws.com) in ap-northeast-2", tc.says} {
					if !strings.Contains(what, want) {
						t.Errorf("people are shown %q, want %q in it", what, want)
					}
				}
			}
		})
	}
}

// TestCaseAWS11TheBasesRegion is told of a service that is moved from or to it, and of no other.
func TestCaseAWS11TheBasesRegion(t *testing.T) {
	for region, told := range map[dr.Region]bool{awstest.Seoul: true, awstest.Tokyo: true, "ap-northeast-3": false, "": false} {
		ownChain(t)
		t.Setenv("AWS_DEFAULT_REGION", "")
		t.Setenv("AWS_REGION", string(region))
		c, err := aws.New(t.Context(), aws.Options{})
		if err != nil {
			t.Fatal(err)
		}
		found := c.Based(t.Context(), "portal", awstest.Seoul, awstest.Tokyo)
		if len(found) > 0 != told {
			t.Errorf("%q: %+v", region, found)
		}
		for _, check := range found {
			want := "by way of sts." + string(region) + ".amazonaws.com (AWS_REGION is " + string(region) + ")"
			if said := awstest.Say(t, check.Line()); check.Level != dr.Warn || check.Need != dr.NeedFact || !strings.Contains(said, want) {
				t.Errorf("told as %s, %q, want %q in it", check.Level, said, want)
			}
		}
	}
}
