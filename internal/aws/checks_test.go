package aws

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/drbot/drbot/dr"
)

var checkNames = []string{"aurora.writer", "aurora.state", "aurora.target-sync", "aurora.target-instance", "aurora.lag", "source.reachable", "target.workload"}

// healthy is a pair of Regions with nothing to complain about.
func healthy(f *fake) {
	f.on("DescribeGlobalClusters", steady())
	f.on("ap-northeast-1 DescribeDBClusters", cluster("portal-tokyo", "available", "t"))
	f.on("ap-northeast-1 DescribeDBInstances", instances("t available"))
	f.on("ap-northeast-2 DescribeDBClusters", cluster("portal-seoul", "available", "s"))
	f.on("GetMetricData", metrics(series{"Complete", map[time.Time]float64{time.Now().Add(-time.Minute): 300}}))
	f.on("DescribeServices", ecsService("ACTIVE", 2, 1))
}

// levels makes the checks, and holds them to what every check must have.
func levels(t *testing.T, c *Client, s dr.Service, mode dr.Mode) map[string]dr.Check {
	t.Helper()
	checks := c.Checks(t.Context(), s, mode, seoul, tokyo)
	var names []string
	byName := make(map[string]dr.Check)
	for _, check := range checks {
		names = append(names, check.Name)
		byName[check.Name] = check
		if check.At.IsZero() || check.Level == "" || check.Region == "" {
			t.Errorf("%+v", check)
		}
		if check.Level == dr.Unknown && (check.Value != nil || check.Detail == "") {
			t.Errorf("unknown, with a value or without words: %+v", check)
		}
		if strings.Contains(check.Detail, "raw text") || strings.Contains(check.Detail, "operation error") {
			t.Errorf("people are shown %q", check.Detail)
		}
	}
	if !slices.Equal(names, checkNames) {
		t.Errorf("checks %q, want %q", names, checkNames)
	}
	return byName
}

func TestChecksWhenAllIsWell(t *testing.T) {
	f := newFake(t)
	healthy(f)
	for name, check := range levels(t, f.client(t), portal(), dr.Planned) {
		if check.Level != dr.OK {
			t.Errorf("%s: %s", name, check.Line())
		}
	}
	if n := len(f.asked()); n > 6 {
		t.Errorf("%d calls: %q", n, f.asked())
	}
}

func TestChecksWithTheSourceLost(t *testing.T) {
	f := newFake(t)
	healthy(f)
	f.on("ap-northeast-2 DescribeDBClusters", f.hang)
	c := f.client(t, func(o *Options) { o.CallTimeout = 500 * time.Millisecond })
	start := time.Now()
	got := levels(t, c, portal(), dr.Disaster)
	if took := time.Since(start); took > 3*time.Second {
		t.Errorf("took %s", took)
	}
	for name, check := range got {
		want := dr.OK
		if name == "source.reachable" {
			want = dr.Unknown
		}
		if check.Level != want {
			t.Errorf("%s: %s", name, check.Line())
		}
	}
	if n := f.count("ap-northeast-2 DescribeGlobalClusters"); n != 0 {
		t.Error("the global state was read through the source")
	}
}

func TestChecksThatFail(t *testing.T) {
	pilot := portal()
	pilot.Strategy = dr.PilotLight
	pending := "<FailoverState><Status>failing-over</Status><ToDbClusterArn>" + tokyoARN + "</ToDbClusterArn></FailoverState>"
	for name, tc := range map[string]struct {
		service dr.Service
		what    string
		answer  func(http.ResponseWriter, call)
		check   string
		level   dr.Level
		says    string
	}{
		"writer elsewhere":  {portal(), "DescribeGlobalClusters", global("available", "", seoulARN+" false connected", tokyoARN+" true connected"), "aurora.writer", dr.Fail, "ap-northeast-1"},
		"no writer":         {portal(), "DescribeGlobalClusters", global("available", "", tokyoARN+" false connected"), "aurora.writer", dr.Fail, "no writer"},
		"two writers":       {portal(), "DescribeGlobalClusters", global("available", "", seoulARN+" true connected", tokyoARN+" true connected"), "aurora.writer", dr.Fail, "2 writers"},
		"unheard-of status": {portal(), "DescribeGlobalClusters", global("frobnicating", "", seoulARN+" true connected"), "aurora.state", dr.Fail, "frobnicating"},
		"pending":           {portal(), "DescribeGlobalClusters", global("available", pending, seoulARN+" true connected"), "aurora.state", dr.Fail, "failing-over"},
		"resync":            {portal(), "DescribeGlobalClusters", global("available", "", seoulARN+" true connected", tokyoARN+" false pending-resync"), "aurora.target-sync", dr.Fail, "pending-resync"},
		"no member":         {portal(), "DescribeGlobalClusters", global("available", "", seoulARN+" true connected"), "aurora.target-sync", dr.Fail, "no member"},
		"state unreadable":  {portal(), "DescribeGlobalClusters", xmlError(403, "AccessDenied"), "aurora.target-sync", dr.Unknown, "rds:DescribeGlobalClusters"},
		"headless":          {portal(), "ap-northeast-1 DescribeDBInstances", instances(), "aurora.target-instance", dr.Fail, "headless"},
		"instance starting": {portal(), "ap-northeast-1 DescribeDBInstances", instances("t creating"), "aurora.target-instance", dr.Fail, "creating"},
		"cluster busy":      {portal(), "ap-northeast-1 DescribeDBClusters", cluster("portal-tokyo", "upgrading", "t"), "aurora.target-instance", dr.Fail, "upgrading"},
		"cluster missing":   {portal(), "ap-northeast-1 DescribeDBClusters", xmlError(404, "DBClusterNotFoundFault"), "aurora.target-instance", dr.Fail, "no database cluster"},
		"instances fault":   {portal(), "ap-northeast-1 DescribeDBInstances", xmlError(500, "InternalFailure"), "aurora.target-instance", dr.Unknown, "500"},
		"no lag":            {portal(), "GetMetricData", metrics(), "aurora.lag", dr.Unknown, "no reading"},
		"source answers no": {portal(), "ap-northeast-2 DescribeDBClusters", xmlError(404, "DBClusterNotFoundFault"), "source.reachable", dr.OK, "no database cluster"},
		"source refuses":    {portal(), "ap-northeast-2 DescribeDBClusters", xmlError(503, "ServiceUnavailable"), "source.reachable", dr.Unknown, "planned run needs both"},
		"workload missing":  {portal(), "DescribeServices", json(200, `{"services":[],"failures":[{"reason":"MISSING"}]}`), "target.workload", dr.Fail, "no ECS service"},
		"made by the run":   {pilot, "DescribeServices", json(400, `{"__type":"ClusterNotFoundException"}`), "target.workload", dr.Warn, "no ECS service"},
		"workload gone":     {portal(), "DescribeServices", ecsService("INACTIVE", 0, 0), "target.workload", dr.Fail, "INACTIVE"},
		"workload denied":   {portal(), "DescribeServices", json(400, `{"__type":"AccessDeniedException"}`), "target.workload", dr.Unknown, "ecs:DescribeServices"},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFake(t)
			healthy(f)
			f.on(tc.what, tc.answer)
			got := levels(t, f.client(t), tc.service, dr.Planned)[tc.check]
			if got.Level != tc.level || !strings.Contains(got.Detail, tc.says) {
				t.Errorf("%s, want %s with %q", got.Line(), tc.level, tc.says)
			}
		})
	}
}

func TestChecksOfAServiceThatIsHardlyConfigured(t *testing.T) {
	f := newFake(t)
	for name, check := range levels(t, f.client(t), dr.Service{Name: "bare"}, dr.Disaster) {
		if check.Level != dr.Unknown {
			t.Errorf("%s: %s", name, check.Line())
		}
	}
	if got := f.asked(); len(got) != 0 {
		t.Errorf("asked %q", got)
	}
}
