package aws

import (
	"math"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/smithy-go/encoding/cbor"

	"github.com/drbot/drbot/dr"
)

func clockAt(now time.Time) func(*Options) {
	return func(o *Options) { o.Clock = func() time.Time { return now } }
}

func TestLag(t *testing.T) {
	now := time.Date(2026, 5, 1, 3, 0, 0, 0, time.UTC)
	ago := func(d time.Duration) time.Time { return now.Add(-d) }
	one := func(d time.Duration, ms float64) series {
		return series{"Complete", map[time.Time]float64{ago(d): ms}}
	}
	none := series{"Complete", nil}
	for name, tc := range map[string]struct {
		answer func(http.ResponseWriter, call)
		level  dr.Level
		value  float64
		at     time.Time
		detail string
	}{
		"ok":             {metrics(one(time.Minute, 420), none), dr.OK, 0.42, ago(time.Minute), ""},
		"zero is zero":   {metrics(one(time.Minute, 0), none), dr.OK, 0, ago(time.Minute), ""},
		"newest of many": {metrics(series{"Complete", map[time.Time]float64{ago(4 * time.Minute): 900_000, ago(time.Minute): 1000, ago(3 * time.Minute): 2}}), dr.OK, 1, ago(time.Minute), ""},
		"at the share":   {metrics(one(time.Minute, 60_000)), dr.OK, 60, ago(time.Minute), ""},
		"above it":       {metrics(one(time.Minute, 60_001)), dr.Warn, 60.001, ago(time.Minute), ""},
		"at the RPO":     {metrics(one(time.Minute, 300_000)), dr.Warn, 300, ago(time.Minute), ""},
		"beyond the RPO": {metrics(one(time.Minute, 300_001)), dr.Fail, 300.001, ago(time.Minute), ""},
		"fallback":       {metrics(none, one(time.Minute, 5000)), dr.OK, 5, ago(time.Minute), "AuroraGlobalDBReplicationLag"},
		"the first wins": {metrics(one(time.Minute, 70_000), one(time.Minute, 1)), dr.Warn, 70, ago(time.Minute), ""},
		"stale":          {metrics(one(6*time.Minute, 420)), dr.Unknown, math.NaN(), ago(6 * time.Minute), "6m0s old"},
		"of the future":  {metrics(one(-time.Hour, 420)), dr.Unknown, math.NaN(), ago(-time.Hour), "lies 1h0m0s in the future"},
		"a bit ahead":    {metrics(one(-30*time.Second, 420)), dr.OK, 0.42, ago(-30 * time.Second), ""},
		"too far ahead":  {metrics(one(-2*time.Minute, 420)), dr.Unknown, math.NaN(), ago(-2 * time.Minute), "in the future"},
		"no lag":         {metrics(one(time.Minute, -1)), dr.Unknown, math.NaN(), ago(time.Minute), "no lag"},
		"no data":        {metrics(none, none), dr.Unknown, math.NaN(), now, "no reading"},
		"no result":      {metrics(), dr.Unknown, math.NaN(), now, "no reading"},
		"forbidden":      {metrics(series{"Forbidden", nil}), dr.Unknown, math.NaN(), now, "may not read"},
		"denied":         {cborAnswer(403, cbor.Map{"__type": cbor.String("AccessDenied")}), dr.Unknown, math.NaN(), now, "cloudwatch:GetMetricData"},
		"fault":          {cborAnswer(500, cbor.Map{"__type": cbor.String("InternalFailure")}), dr.Unknown, math.NaN(), now, "500"},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFake(t)
			f.on("ap-northeast-1 GetMetricData", tc.answer)
			got, err := f.client(t, clockAt(now)).Lag(t.Context(), portal(), tokyo)
			if err != nil {
				t.Fatal(err)
			}
			if got.Name != "aurora.lag" || got.Region != tokyo || got.Level != tc.level || got.Unit != "s" || !got.At.Equal(tc.at) || *got.Threshold != 300 {
				t.Errorf("%+v", got)
			}
			if math.IsNaN(tc.value) != (got.Value == nil) || got.Value != nil && math.Abs(*got.Value-tc.value) > 1e-9 {
				t.Errorf("value %v, want %v", got.Value, tc.value)
			}
			if !strings.Contains(got.Detail, tc.detail) {
				t.Errorf("detail %q, want %q in it", got.Detail, tc.detail)
			}
		})
	}
}

func TestLagAsksThePassiveClusterOnce(t *testing.T) {
	f := newFake(t)
	f.on("ap-northeast-1 GetMetricData", metrics())
	c := f.client(t)
	if _, err := c.Lag(t.Context(), portal(), tokyo); err != nil {
		t.Fatal(err)
	}
	if got := f.asked(); len(got) != 1 {
		t.Errorf("asked %q", got)
	}
	for _, want := range []string{"AuroraGlobalDBRPOLag", "AuroraGlobalDBReplicationLag", "DBClusterIdentifier", "portal-tokyo", "Maximum"} {
		if !strings.Contains(f.last("GetMetricData").body, want) {
			t.Errorf("the question lacks %s", want)
		}
	}
	check, err := c.Lag(t.Context(), portal(), "eu-west-1")
	refused(t, err, dr.Invalid)
	if check.Level != dr.Unknown || check.Value != nil {
		t.Errorf("%+v", check)
	}
}
