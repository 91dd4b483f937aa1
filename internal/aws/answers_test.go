package aws_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/internal/aws"
	"github.com/drbot/drbot/internal/aws/aurora"
	"github.com/drbot/drbot/internal/aws/awstest"
	"github.com/drbot/drbot/internal/aws/ecs"
)

// TestCaseAWS22AnAnswerInWhichNothingStands is unknown, of whichever service, and says of
// nothing that it is not there. Of an act it does not tell that it was accepted.
func TestCaseAWS22AnAnswerInWhichNothingStands(t *testing.T) {
	for name, answer := range map[string]way{
		"nothing": page(200, "text/xml", ""), "of no kind": page(200, "", ""), "space": page(200, "text/xml", " \n"),
		"no content": page(204, "", ""), "no result": page(200, "text/xml", "<DescribeGlobalClustersResponse></DescribeGlobalClustersResponse>"),
	} {
		t.Run(name, func(t *testing.T) {
			c, err := aws.New(t.Context(), aws.Options{Endpoint: "http://127.0.0.1:1", CallTimeout: awstest.CallTimeout, HTTPClient: &http.Client{Transport: answer}})
			if err != nil {
				t.Fatal(err)
			}
			s := awstest.Portal()
			_, err = aurora.New(c).State(t.Context(), s, awstest.Database(), awstest.Tokyo)
			awstest.Refused(t, err, dr.Temporary)
			if what, _ := awstest.Told(t, err); strings.Contains(what, "no global cluster") {
				t.Errorf("people are shown %q", what)
			}
			awstest.Refused(t, act(t.Context(), c), dr.Uncertain)
			if name == "no result" { // is RDS's own form
				return
			}
			_, err = ecs.New(c).State(t.Context(), s, awstest.Workload(), awstest.Tokyo)
			awstest.Refused(t, err, dr.Temporary)
			for service, err := range readAll(t, c) {
				awstest.Refused(t, err, dr.Temporary)
				if what, _ := awstest.Told(t, err); !strings.Contains(what, service+" in ap-northeast-1 answered (20") || !strings.Contains(what, "is not known") {
					t.Errorf("people are shown %q of %s", what, service)
				}
			}
		})
	}
}
