package aurora

import (
	"math"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/smithy-go/encoding/cbor"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/internal/aws"
	"github.com/drbot/drbot/internal/aws/awstest"
)

func clockAt(now time.Time) func(*aws.Options) {
	return func(o *aws.Options) { o.Clock = func() time.Time { return now } }
}

func TestLag(t *testing.T) {
	now := time.Date(2026, 5, 1, 3, 0, 0, 0, time.UTC)
	ago := func(d time.Duration) time.Time { return now.Add(-d) }
	one := func(d time.Duration, ms float64) awstest.Readings {
		return awstest.Readings{Status: "Complete", Points: map[time.Time]float64{ago(d): ms}}
	}
	none := awstest.Readings{Status: "Complete", Points: nil}
	for name, tc := range map[string]struct {
		answer awstest.Answer
		level  dr.Level
		value  float64
		at     time.Time
		detail string
	}{
		"ok":                      {awstest.Metrics(one(time.Minute, 420), none), dr.OK, 0.42, ago(time.Minute), ""},
		"zero is zero":            {awstest.Metrics(one(time.Minute, 0), none), dr.OK, 0, ago(time.Minute), ""},
		"newest of many":          {awstest.Metrics(awstest.Readings{Status: "Complete", Points: map[time.Time]float64{ago(4 * time.Minute): 900_000, ago(time.Minute): 1000, ago(3 * time.Minute): 2}}), dr.OK, 1, ago(time.Minute), ""},
		"at the share":            {awstest.Metrics(one(time.Minute, 60_000)), dr.OK, 60, ago(time.Minute), ""},
		"above it":                {awstest.Metrics(one(time.Minute, 60_001)), dr.Warn, 60.001, ago(time.Minute), ""},
		"at the RPO":              {awstest.Metrics(one(time.Minute, 300_000)), dr.Warn, 300, ago(time.Minute), ""},
		"beyond the RPO":          {awstest.Metrics(one(time.Minute, 300_001)), dr.Fail, 300.001, ago(time.Minute), ""},
		"fallback":                {awstest.Metrics(none, one(time.Minute, 5000)), dr.OK, 5, ago(time.Minute), "AuroraGlobalDBReplicationLag"},
		"the first wins":          {awstest.Metrics(one(time.Minute, 70_000), one(time.Minute, 1)), dr.Warn, 70, ago(time.Minute), ""},
		"stale, the second fresh": {awstest.Metrics(one(6*time.Minute, 420), one(time.Minute, 5000)), dr.OK, 5, ago(time.Minute), "AuroraGlobalDBReplicationLag"},
		"both stale":              {awstest.Metrics(one(6*time.Minute, 420), one(7*time.Minute, 5000)), dr.Unknown, math.NaN(), ago(6 * time.Minute), "6m0s old"},
		"stale":                   {awstest.Metrics(one(6*time.Minute, 420)), dr.Unknown, math.NaN(), ago(6 * time.Minute), "6m0s old"},
		"of the future":           {awstest.Metrics(one(-time.Hour, 420)), dr.Unknown, math.NaN(), ago(-time.Hour), "lies 1h0m in the future"},
		"a bit ahead":             {awstest.Metrics(one(-30*time.Second, 420)), dr.OK, 0.42, ago(-30 * time.Second), ""},
		"too far ahead":           {awstest.Metrics(one(-2*time.Minute, 420)), dr.Unknown, math.NaN(), ago(-2 * time.Minute), "in the future"},
		"no lag":                  {awstest.Metrics(one(time.Minute, -1)), dr.Unknown, math.NaN(), ago(time.Minute), "no lag"},
		"no data":                 {awstest.Metrics(none, none), dr.Unknown, math.NaN(), now, "no reading"},
		"no result":               {awstest.Metrics(), dr.Unknown, math.NaN(), now, "no reading"},
		"forbidden":               {awstest.Metrics(awstest.Readings{Status: "Forbidden", Points: nil}), dr.Unknown, math.NaN(), now, "may not read"},
		"denied":                  {awstest.CBOR(403, cbor.Map{"__type": cbor.String("AccessDenied")}), dr.Unknown, math.NaN(), now, "cloudwatch:GetMetricData"},
		"fault":                   {awstest.CBOR(500, cbor.Map{"__type": cbor.String("InternalFailure")}), dr.Unknown, math.NaN(), now, "500"},
	} {
		t.Run(name, func(t *testing.T) {
			f := awstest.NewFake(t)
			f.On("ap-northeast-1 GetMetricData", tc.answer)
			got, err := New(f.Client(t, clockAt(now))).Lag(t.Context(), awstest.Portal(), awstest.Database(), awstest.Tokyo)
			if err != nil {
				t.Fatal(err)
			}
			if got.Name != "aurora.lag" || got.Region != awstest.Tokyo || got.Level != tc.level || got.Unit != "s" || !got.At.Equal(tc.at) || *got.Threshold != 300 {
				t.Errorf("%+v", got)
			}
			if math.IsNaN(tc.value) != (got.Value == nil) || got.Value != nil && math.Abs(*got.Value-tc.value) > 1e-9 {
				t.Errorf("value %v, want %v", got.Value, tc.value)
			}
			if detail := awstest.Say(t, got.Detail); !strings.Contains(detail, tc.detail) {
				t.Errorf("detail %q, want %q in it", detail, tc.detail)
			}
		})
	}
}

// TestCaseAWS25LagByAnotherDimension finds by which dimensions the metric is published where the
// cluster alone gives none, and remembers it: a source that was is asked for beside the one that is.
func TestCaseAWS25LagByAnotherDimension(t *testing.T) {
	now := time.Now()
	f := awstest.NewFake(t)
	by := func(source string) cbor.Map {
		of := func(name, value string) cbor.Map {
			return cbor.Map{"Name": cbor.String(name), "Value": cbor.String(value)}
		}
		return cbor.Map{"MetricName": cbor.String("m"), "Dimensions": cbor.List{of("DBClusterIdentifier", "portal-tokyo"), of("SourceRegion", source)}}
	}
	f.On("ap-northeast-1 ListMetrics", func(w http.ResponseWriter, c awstest.Call) {
		var all cbor.List
		if strings.Contains(c.Body, "AuroraGlobalDBRPOLag") {
			all = cbor.List{by("eu-west-1"), by("ap-northeast-2")}
		}
		awstest.CBOR(200, cbor.Map{"Metrics": all})(w, c)
	})
	f.On("ap-northeast-1 GetMetricData", func(w http.ResponseWriter, c awstest.Call) {
		reading := func(id string, age time.Duration, ms float64) cbor.Map {
			return cbor.Map{"Id": cbor.String(id), "StatusCode": cbor.String("Complete"),
				"Timestamps": cbor.List{&cbor.Tag{ID: 1, Value: cbor.Float64(float64(now.Add(-age).UnixMilli()) / 1000)}}, "Values": cbor.List{cbor.Float64(ms)}}
		}
		var all cbor.List
		if strings.Contains(c.Body, "SourceRegion") {
			all = cbor.List{reading("lag0_1", time.Minute, 420), reading("lag0_2", 14*time.Minute, 90_000)}
		}
		awstest.CBOR(200, cbor.Map{"MetricDataResults": all})(w, c)
	})
	c := New(f.Client(t))
	for range 2 {
		check, err := c.Lag(t.Context(), awstest.Portal(), awstest.Database(), awstest.Tokyo)
		if err != nil || check.Level != dr.OK || check.Value == nil || *check.Value != 0.42 {
			t.Fatalf("%+v, %v", check, err)
		}
	}
	if want := []string{"ap-northeast-1 GetMetricData", "ap-northeast-1 ListMetrics", "ap-northeast-1 ListMetrics", "ap-northeast-1 GetMetricData", "ap-northeast-1 GetMetricData"}; !slices.Equal(f.Asked(), want) {
		t.Errorf("asked %q", f.Asked())
	}
	// A role that may not look it up reads as before.
	f = awstest.NewFake(t)
	f.On("ap-northeast-1 GetMetricData", awstest.Metrics())
	f.On("ap-northeast-1 ListMetrics", awstest.CBOR(403, cbor.Map{"__type": cbor.String("AccessDenied")}))
	if check, err := New(f.Client(t)).Lag(t.Context(), awstest.Portal(), awstest.Database(), awstest.Tokyo); err != nil || !strings.Contains(awstest.Say(t, check.Detail), "no reading") {
		t.Errorf("%+v, %v", check, err)
	}
}

func TestLagAsksThePassiveClusterOnce(t *testing.T) {
	f := awstest.NewFake(t)
	f.On("ap-northeast-1 GetMetricData", awstest.Metrics(awstest.Readings{Status: "Complete", Points: map[time.Time]float64{time.Now().Add(-time.Minute): 300}}))
	c := New(f.Client(t))
	if _, err := c.Lag(t.Context(), awstest.Portal(), awstest.Database(), awstest.Tokyo); err != nil {
		t.Fatal(err)
	}
	if got := f.Asked(); len(got) != 1 {
		t.Errorf("asked %q", got)
	}
	for _, want := range []string{"AuroraGlobalDBRPOLag", "AuroraGlobalDBReplicationLag", "DBClusterIdentifier", "portal-tokyo", "Maximum"} {
		if !strings.Contains(f.Last("GetMetricData").Body, want) {
			t.Errorf("the question lacks %s", want)
		}
	}
	check, err := c.Lag(t.Context(), awstest.Portal(), awstest.Database(), "eu-west-1")
	awstest.Refused(t, err, dr.Invalid)
	if check.Level != dr.Unknown || check.Value != nil {
		t.Errorf("%+v", check)
	}
}
