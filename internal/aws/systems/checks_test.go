package systems_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/internal/aws"
	"github.com/drbot/drbot/internal/aws/awstest"
	"github.com/drbot/drbot/internal/aws/systems"
)

var checkNames = []string{"aurora.writer", "aurora.state", "aurora.target-sync", "aurora.target-instance", "aurora.lag", "source.reachable", "target.workload", "target.controller"}

// levels makes the checks, and holds them to what every check must have.
func levels(t *testing.T, c *aws.Client, s dr.Service, mode dr.Mode) map[string]dr.Check {
	t.Helper()
	checks := systems.All(c).Checks(t.Context(), s, mode, awstest.Seoul, awstest.Tokyo)
	var names []string
	byName := make(map[string]dr.Check)
	for _, check := range checks {
		names = append(names, check.Name)
		byName[check.Name] = check
		if check.At.IsZero() || check.Level == "" || check.Region == "" {
			t.Errorf("%+v", check)
		}
		if check.Level == dr.Unknown && (check.Value != nil || check.Detail.Empty()) {
			t.Errorf("unknown, with a value or without words: %+v", check)
		}
		if detail := awstest.Say(t, check.Detail); strings.Contains(detail, "raw text") || strings.Contains(detail, "operation error") {
			t.Errorf("people are shown %q", detail)
		}
	}
	if !slices.Equal(names, checkNames) {
		t.Errorf("checks %q, want %q", names, checkNames)
	}
	return byName
}

func TestChecksWhenAllIsWell(t *testing.T) {
	f := awstest.NewFake(t)
	f.AllWell()
	for name, check := range levels(t, f.Client(t), awstest.Portal(), dr.Planned) {
		if check.Level != dr.OK {
			t.Errorf("%s: %s", name, check.Line())
		}
	}
	if n := len(f.Asked()); n > 6 {
		t.Errorf("%d calls: %q", n, f.Asked())
	}
}

func TestChecksWithTheSourceLost(t *testing.T) {
	f := awstest.NewFake(t)
	f.AllWell()
	f.On("ap-northeast-2 DescribeDBClusters", f.Hang)
	c := f.Client(t, func(o *aws.Options) { o.CallTimeout = 500 * time.Millisecond })
	start := time.Now()
	got := levels(t, c, awstest.Portal(), dr.Disaster)
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
	if n := f.Count("ap-northeast-2 DescribeGlobalClusters"); n != 0 {
		t.Error("the global state was read through the source")
	}
}

func TestChecksThatFail(t *testing.T) {
	pilot := awstest.Portal()
	pilot.Strategy = dr.PilotLight
	pending := "<FailoverState><Status>failing-over</Status><ToDbClusterArn>" + awstest.TokyoARN + "</ToDbClusterArn></FailoverState>"
	for name, tc := range map[string]struct {
		service dr.Service
		what    string
		answer  awstest.Answer
		check   string
		level   dr.Level
		says    string
	}{
		"writer elsewhere":  {awstest.Portal(), "DescribeGlobalClusters", awstest.GlobalCluster("available", "", awstest.SeoulARN+" false connected", awstest.TokyoARN+" true connected"), "aurora.writer", dr.Fail, "ap-northeast-1"},
		"no writer":         {awstest.Portal(), "DescribeGlobalClusters", awstest.GlobalCluster("available", "", awstest.TokyoARN+" false connected"), "aurora.writer", dr.Fail, "no writer"},
		"two writers":       {awstest.Portal(), "DescribeGlobalClusters", awstest.GlobalCluster("available", "", awstest.SeoulARN+" true connected", awstest.TokyoARN+" true connected"), "aurora.writer", dr.Fail, "2 writers"},
		"unheard-of status": {awstest.Portal(), "DescribeGlobalClusters", awstest.GlobalCluster("frobnicating", "", awstest.SeoulARN+" true connected"), "aurora.state", dr.Fail, "frobnicating"},
		"pending":           {awstest.Portal(), "DescribeGlobalClusters", awstest.GlobalCluster("available", pending, awstest.SeoulARN+" true connected"), "aurora.state", dr.Fail, "failing-over"},
		"resync":            {awstest.Portal(), "DescribeGlobalClusters", awstest.GlobalCluster("available", "", awstest.SeoulARN+" true connected", awstest.TokyoARN+" false pending-resync"), "aurora.target-sync", dr.Fail, "pending-resync"},
		"no member":         {awstest.Portal(), "DescribeGlobalClusters", awstest.GlobalCluster("available", "", awstest.SeoulARN+" true connected"), "aurora.target-sync", dr.Fail, "no member"},
		"state unreadable":  {awstest.Portal(), "DescribeGlobalClusters", awstest.XMLError(403, "AccessDenied"), "aurora.target-sync", dr.Unknown, "rds:DescribeGlobalClusters"},
		"headless":          {awstest.Portal(), "ap-northeast-1 DescribeDBInstances", awstest.DBInstances(), "aurora.target-instance", dr.Fail, "headless"},
		"instance starting": {awstest.Portal(), "ap-northeast-1 DescribeDBInstances", awstest.DBInstances("t creating"), "aurora.target-instance", dr.Fail, "creating"},
		"cluster busy":      {awstest.Portal(), "ap-northeast-1 DescribeDBClusters", awstest.DBCluster("portal-tokyo", "upgrading", "t"), "aurora.target-instance", dr.Warn, "upgrading"},
		"cluster deleted":   {awstest.Portal(), "ap-northeast-1 DescribeDBClusters", awstest.DBCluster("portal-tokyo", "deleting", "t"), "aurora.target-instance", dr.Fail, "deleting"},
		"cluster missing":   {awstest.Portal(), "ap-northeast-1 DescribeDBClusters", awstest.XMLError(404, "DBClusterNotFoundFault"), "aurora.target-instance", dr.Fail, "no database cluster"},
		"instances fault":   {awstest.Portal(), "ap-northeast-1 DescribeDBInstances", awstest.XMLError(500, "InternalFailure"), "aurora.target-instance", dr.Unknown, "500"},
		"no lag":            {awstest.Portal(), "GetMetricData", awstest.Metrics(), "aurora.lag", dr.Unknown, "no reading"},
		"source answers no": {awstest.Portal(), "ap-northeast-2 DescribeDBClusters", awstest.XMLError(404, "DBClusterNotFoundFault"), "source.reachable", dr.OK, "no database cluster"},
		"source refuses":    {awstest.Portal(), "ap-northeast-2 DescribeDBClusters", awstest.XMLError(503, "ServiceUnavailable"), "source.reachable", dr.Unknown, "planned run needs both"},
		"CodeDeploy":        {awstest.Portal(), "DescribeServices", controlledBy("CODE_DEPLOY"), "target.controller", dr.Fail, "deployed by CODE_DEPLOY"},
		"external":          {awstest.Portal(), "DescribeServices", controlledBy("EXTERNAL"), "target.controller", dr.Fail, "deployed by EXTERNAL"},
		"workload missing":  {awstest.Portal(), "DescribeServices", awstest.JSON(200, `{"services":[],"failures":[{"reason":"MISSING"}]}`), "target.workload", dr.Fail, "no ECS service"},
		"made by the run":   {pilot, "DescribeServices", awstest.JSON(400, `{"__type":"ClusterNotFoundException"}`), "target.workload", dr.Warn, "no ECS service"},
		"workload gone":     {awstest.Portal(), "DescribeServices", awstest.ECSService("INACTIVE", 0, 0), "target.workload", dr.Fail, "INACTIVE"},
		"workload denied":   {awstest.Portal(), "DescribeServices", awstest.JSON(400, `{"__type":"AccessDeniedException"}`), "target.workload", dr.Unknown, "ecs:DescribeServices"},
	} {
		t.Run(name, func(t *testing.T) {
			f := awstest.NewFake(t)
			f.AllWell()
			f.On(tc.what, tc.answer)
			got := levels(t, f.Client(t), tc.service, dr.Planned)[tc.check]
			if got.Level != tc.level || !strings.Contains(awstest.Say(t, got.Detail), tc.says) {
				t.Errorf("%s, want %s with %q", got.Line(), tc.level, tc.says)
			}
		})
	}
}

func TestChecksOfAServiceThatIsHardlyConfigured(t *testing.T) {
	f := awstest.NewFake(t)
	bare := dr.Service{Name: "bare", Resources: []dr.Resource{{System: dr.AuroraGlobal}, {System: dr.ECSService}}}
	for name, check := range levels(t, f.Client(t), bare, dr.Disaster) {
		if check.Level != dr.Unknown {
			t.Errorf("%s: %s", name, check.Line())
		}
	}
	if got := f.Asked(); len(got) != 0 {
		t.Errorf("asked %q", got)
	}
}

// controlledBy is Portal's ECS service under a deployment controller.
func controlledBy(controller string) awstest.Answer {
	return awstest.JSON(200, `{"services":[{"serviceName":"portal","status":"ACTIVE","desiredCount":2,"runningCount":2,"deploymentController":{"type":"`+controller+`"}}],"failures":[]}`)
}

// A service that ECS does not deploy itself is refused before anything is changed, in both modes.
func TestCaseAWS15Controller(t *testing.T) {
	for controller, refused := range map[string]bool{"ECS": false, "CODE_DEPLOY": true, "EXTERNAL": true} {
		for _, mode := range []dr.Mode{dr.Planned, dr.Disaster} {
			t.Run(controller+"/"+string(mode), func(t *testing.T) {
				f := awstest.NewFake(t)
				f.AllWell()
				f.On("DescribeServices", controlledBy(controller))
				check := levels(t, f.Client(t), awstest.Portal(), mode)["target.controller"]
				if (check.Level == dr.Fail) != refused || refused && check.Need != dr.NeedSound {
					t.Errorf("%s, needed %q", check.Line(), check.Need)
				}
			})
		}
	}
}
