package aurora

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/smithy-go/encoding/cbor"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/internal/aws/awstest"
)

// TestCaseAWS26TheMetricThatSpeaks has the preferred metric fallen silent while the other one
// speaks: that one is taken, and it is said in which one's place.
func TestCaseAWS26TheMetricThatSpeaks(t *testing.T) {
	now := time.Date(2026, 5, 1, 3, 0, 0, 0, time.UTC)
	one := func(age time.Duration, ms float64) awstest.Readings {
		return awstest.Readings{Status: "Complete", Points: map[time.Time]float64{now.Add(-age): ms}}
	}
	for name, tc := range map[string]struct {
		answer awstest.Answer
		said   string
	}{
		"stale":             {awstest.Metrics(one(7*time.Minute, 420), one(time.Minute, 5000)), "by AuroraGlobalDBReplicationLag: the last reading of AuroraGlobalDBRPOLag is 7m0s old"},
		"not published yet": {awstest.Metrics(awstest.Readings{Status: "Complete"}, one(time.Minute, 5000)), "by AuroraGlobalDBReplicationLag"},
	} {
		t.Run(name, func(t *testing.T) {
			f := awstest.NewFake(t)
			f.On("ap-northeast-1 GetMetricData", tc.answer)
			c, err := New(f.Client(t, clockAt(now))).Lag(t.Context(), awstest.Portal(), awstest.Database(), awstest.Tokyo)
			if err != nil || c.Level != dr.OK || c.Value == nil || *c.Value != 5 || !c.At.Equal(now.Add(-time.Minute)) {
				t.Fatalf("%+v, %v", c, err)
			}
			if said := awstest.Say(t, c.Detail); said != tc.said {
				t.Errorf("says %q, want %q", said, tc.said)
			}
		})
	}
}

// TestCaseAWS26SilentByTheClusterAlone has both metrics silent by the cluster alone and speak by
// the cluster and the Region it follows: what is stale hides that no more than nothing would.
func TestCaseAWS26SilentByTheClusterAlone(t *testing.T) {
	now := time.Now()
	f := awstest.NewFake(t)
	dimension := func(name, value string) cbor.Map {
		return cbor.Map{"Name": cbor.String(name), "Value": cbor.String(value)}
	}
	f.On("ap-northeast-1 ListMetrics", awstest.CBOR(200, cbor.Map{"Metrics": cbor.List{cbor.Map{"MetricName": cbor.String("m"),
		"Dimensions": cbor.List{dimension("DBClusterIdentifier", "portal-tokyo"), dimension("SourceRegion", "ap-northeast-2")}}}}))
	f.On("ap-northeast-1 GetMetricData", func(w http.ResponseWriter, c awstest.Call) {
		reading := func(id string, age time.Duration, ms float64) cbor.Map {
			return cbor.Map{"Id": cbor.String(id), "StatusCode": cbor.String("Complete"),
				"Timestamps": cbor.List{&cbor.Tag{ID: 1, Value: cbor.Float64(float64(now.Add(-age).UnixMilli()) / 1000)}}, "Values": cbor.List{cbor.Float64(ms)}}
		}
		all := cbor.List{reading("lag0", 9*time.Minute, 90_000), reading("lag1", 9*time.Minute, 90_000)}
		if strings.Contains(c.Body, "SourceRegion") {
			all = append(all, reading("lag0_1", time.Minute, 420))
		}
		awstest.CBOR(200, cbor.Map{"MetricDataResults": all})(w, c)
	})
	c, err := New(f.Client(t)).Lag(t.Context(), awstest.Portal(), awstest.Database(), awstest.Tokyo)
	if err != nil || c.Level != dr.OK || c.Value == nil || *c.Value != 0.42 {
		t.Errorf("%+v, %v", c, err)
	}
	// A role that may not look it up reads what is stale as before.
	f.On("ap-northeast-1 ListMetrics", awstest.CBOR(403, cbor.Map{"__type": cbor.String("AccessDenied")}))
	c, err = New(f.Client(t)).Lag(t.Context(), awstest.Portal(), awstest.Database(), awstest.Tokyo)
	if err != nil || c.Level != dr.Unknown || !strings.Contains(awstest.Say(t, c.Detail), "old") {
		t.Errorf("%+v, %v", c, err)
	}
}
