package ecs

import (
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/internal/aws/awstest"
)

func targetsOf(states ...string) awstest.Answer {
	var list strings.Builder
	for _, s := range states {
		list.WriteString("<member><Target><Id>10.0.0.1</Id></Target><TargetHealth><State>" + s + "</State></TargetHealth></member>")
	}
	return awstest.XML("<TargetHealthDescriptions>%s</TargetHealthDescriptions>", list.String())
}

// behind is Portal's ECS service with another target group in Tokyo.
func behind(group string) dr.Resource {
	w := awstest.Workload()
	w.In[awstest.Tokyo][TargetGroup] = group
	return w
}

func TestState(t *testing.T) {
	f := awstest.NewFake(t)
	f.On("DescribeServices", awstest.ECSService("ACTIVE", 3, 2))
	f.On("DescribeTargetHealth", targetsOf("healthy", "initial", "draining", "unhealthy", "healthy"))
	want := dr.WorkloadState{
		Status: "ACTIVE", Desired: 3, Running: 2, Pending: 1, Rollout: "IN_PROGRESS", Deployment: "ecs-svc/2",
		DeployedAt: time.Unix(1800000000, 0).UTC(), Healthy: 2, Targets: 4,
	}
	for name, group := range map[string]string{"by ARN": awstest.GroupARN, "by name": "portal"} {
		got, err := New(f.Client(t)).State(t.Context(), awstest.Portal(), behind(group), awstest.Tokyo)
		got.DeployedAt = got.DeployedAt.UTC()
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
		if arn := f.Last("DescribeTargetHealth").Form.Get("TargetGroupArn"); arn != awstest.GroupARN {
			t.Errorf("%s: asked for %q", name, arn)
		}
	}
	// Seoul's is behind no load balancer.
	if got, err := New(f.Client(t)).State(t.Context(), awstest.Portal(), awstest.Workload(), awstest.Seoul); err != nil || got.Targets != 0 || got.Running != 2 {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestStateThatCannotBeRead(t *testing.T) {
	for name, tc := range map[string]struct {
		services, health awstest.Answer
		code             dr.Code
	}{
		"missing":    {awstest.JSON(200, `{"services":[],"failures":[{"reason":"MISSING"}]}`), nil, dr.NotFound},
		"another's":  {awstest.JSON(200, `{"services":[{"serviceName":"other"}]}`), nil, dr.NotFound},
		"no cluster": {awstest.JSON(400, `{"__type":"ClusterNotFoundException","message":"raw text"}`), nil, dr.NotFound},
		"denied":     {awstest.JSON(400, `{"__type":"AccessDeniedException","message":"raw text"}`), nil, dr.Denied},
		"throttled":  {awstest.JSON(400, `{"__type":"ThrottlingException","message":"raw text"}`), nil, dr.Temporary},
	} {
		t.Run(name, func(t *testing.T) {
			f := awstest.NewFake(t)
			f.On("DescribeServices", tc.services)
			f.On("DescribeTargetHealth", tc.health)
			_, err := New(f.Client(t)).State(t.Context(), awstest.Portal(), awstest.Workload(), awstest.Tokyo)
			awstest.Refused(t, err, tc.code)
		})
	}
	f := awstest.NewFake(t)
	_, err := New(f.Client(t)).State(t.Context(), awstest.Portal(), awstest.Workload(), "eu-west-1")
	awstest.Refused(t, err, dr.Invalid)
}

// What the targets are is told to whoever asks for them, and holds up nobody who does not:
// a redeployment needs none.
func TestCaseAWS12TargetsThatCannotBeRead(t *testing.T) {
	for name, tc := range map[string]struct {
		group  string
		health awstest.Answer
		want   string
	}{
		"no group":       {awstest.GroupARN, awstest.XMLError(400, "TargetGroupNotFound"), "target group"},
		"health denied":  {awstest.GroupARN, awstest.XMLError(403, "AccessDenied"), "elasticloadbalancing:DescribeTargetHealth"},
		"health at rest": {awstest.GroupARN, awstest.XMLError(400, "Throttling"), "Elastic Load Balancing"},
		"another group":  {"elsewhere", nil, "elsewhere"},
	} {
		t.Run(name, func(t *testing.T) {
			f := awstest.NewFake(t)
			f.On("DescribeServices", awstest.ECSService("ACTIVE", 1, 1))
			f.On("DescribeTargetHealth", tc.health)
			st, err := New(f.Client(t)).State(t.Context(), awstest.Portal(), behind(tc.group), awstest.Tokyo)
			if err != nil || st.Deployment != "ecs-svc/2" || st.Healthy != 0 {
				t.Fatalf("%+v, %v", st, err)
			}
			if said := awstest.Say(t, st.Unread); !strings.Contains(said, tc.want) || strings.Contains(said, "raw text") {
				t.Errorf("it says %q", said)
			}
		})
	}
}

// Who is told to slow down is told so, also by an act.
func TestCaseAWS12SlowDown(t *testing.T) {
	f := awstest.NewFake(t)
	throttled := awstest.JSON(400, `{"__type":"ThrottlingException","message":"raw text"}`)
	f.On("DescribeServices", throttled)
	f.On("UpdateService", throttled)
	w := New(f.Client(t))
	_, read := w.State(t.Context(), awstest.Portal(), awstest.Workload(), awstest.Tokyo)
	_, acted := w.Redeploy(t.Context(), awstest.Portal(), awstest.Workload(), awstest.Tokyo)
	for _, err := range []error{read, acted} {
		awstest.Refused(t, err, dr.Temporary)
		if !errors.Is(err, dr.ErrSlowDown) {
			t.Errorf("%v", err)
		}
	}
}

// With rollback an older deployment is the primary one again while the failed one is shown.
func TestCaseAWS14FailedDeploymentIsRead(t *testing.T) {
	const services = `{"services":[{"serviceName":"portal","status":"ACTIVE","deployments":[
		{"id":"ecs-svc/1","status":"PRIMARY","rolloutState":"COMPLETED","createdAt":1700000000},
		{"id":"ecs-svc/2","status":"ACTIVE","rolloutState":"FAILED","createdAt":1750000000},
		{"id":"ecs-svc/3","status":"ACTIVE","rolloutState":"FAILED","createdAt":1800000000}]}],"failures":[]}`
	f := awstest.NewFake(t)
	f.On("DescribeServices", awstest.JSON(200, services))
	got, err := New(f.Client(t)).State(t.Context(), awstest.Portal(), awstest.Workload(), awstest.Seoul)
	if err != nil || got.Deployment != "ecs-svc/1" || got.Failed.ID != "ecs-svc/3" || got.Failed.At.Unix() != 1800000000 {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestScaleReadsFirst(t *testing.T) {
	f := awstest.NewFake(t)
	f.On("DescribeServices", awstest.ECSService("ACTIVE", 2, 2))
	f.On("UpdateService", awstest.JSON(200, `{"service":{}}`))
	c := New(f.Client(t))
	if err := c.Scale(t.Context(), awstest.Portal(), awstest.Workload(), awstest.Seoul, 2); err != nil || f.Count("ap-northeast-2 UpdateService") != 0 {
		t.Errorf("already so: %v, %q", err, f.Asked())
	}
	if err := c.Scale(t.Context(), awstest.Portal(), awstest.Workload(), awstest.Seoul, 0); err != nil {
		t.Fatal(err)
	}
	if body := f.Last("UpdateService").Body; !strings.Contains(body, `"desiredCount":0`) || strings.Contains(body, "forceNewDeployment") {
		t.Errorf("sent %s", body)
	}
	awstest.Refused(t, c.Scale(t.Context(), awstest.Portal(), awstest.Workload(), awstest.Seoul, -1), dr.Invalid)
	f.On("DescribeServices", awstest.JSON(200, `{"services":[]}`))
	awstest.Refused(t, c.Scale(t.Context(), awstest.Portal(), awstest.Workload(), awstest.Seoul, 1), dr.NotFound)
}

func TestRedeploy(t *testing.T) {
	for name, tc := range map[string]struct {
		answer awstest.Answer
		code   dr.Code
	}{
		"done":       {awstest.JSON(200, `{"service":{}}`), ""},
		"not active": {awstest.JSON(400, `{"__type":"ServiceNotActiveException"}`), dr.Conflict},
		"missing":    {awstest.JSON(400, `{"__type":"ServiceNotFoundException"}`), dr.NotFound},
		"fault":      {awstest.JSON(500, `{"__type":"ServerException"}`), dr.Uncertain},
		"cut off":    {awstest.CutOff, dr.Uncertain},
	} {
		t.Run(name, func(t *testing.T) {
			f := awstest.NewFake(t)
			f.On("UpdateService", tc.answer)
			_, err := New(f.Client(t)).Redeploy(t.Context(), awstest.Portal(), awstest.Workload(), awstest.Tokyo)
			if tc.code != "" {
				awstest.Refused(t, err, tc.code)
			} else if err != nil {
				t.Error(err)
			}
			if got := f.Asked(); !slices.Equal(got, []string{"ap-northeast-1 UpdateService"}) {
				t.Errorf("asked %q", got)
			}
			if body := f.Last("UpdateService").Body; !strings.Contains(body, `"forceNewDeployment":true`) || strings.Contains(body, "desiredCount") {
				t.Errorf("sent %s", body)
			}
		})
	}
}

func TestActsOnAServiceThatIsNotThere(t *testing.T) {
	f := awstest.NewFake(t)
	w := New(f.Client(t))
	_, err := w.Redeploy(t.Context(), awstest.Portal(), awstest.Workload(), "eu-west-1")
	awstest.Refused(t, err, dr.Invalid)
	awstest.Refused(t, w.Scale(t.Context(), awstest.Portal(), awstest.Workload(), "eu-west-1", 1), dr.Invalid)
	if got := f.Asked(); len(got) != 0 {
		t.Errorf("asked %q", got)
	}
}
