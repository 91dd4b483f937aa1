package aws

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/drbot/drbot/dr"
)

func targetsOf(states ...string) func(http.ResponseWriter, call) {
	var list strings.Builder
	for _, s := range states {
		list.WriteString("<member><Target><Id>10.0.0.1</Id></Target><TargetHealth><State>" + s + "</State></TargetHealth></member>")
	}
	return xml("<TargetHealthDescriptions>%s</TargetHealthDescriptions>", list.String())
}

func TestWorkload(t *testing.T) {
	f := newFake(t)
	f.on("DescribeServices", ecsService("ACTIVE", 3, 2))
	f.on("DescribeTargetHealth", targetsOf("healthy", "initial", "draining", "unhealthy", "healthy"))
	want := dr.WorkloadState{
		Status: "ACTIVE", Desired: 3, Running: 2, Pending: 1, Rollout: "IN_PROGRESS", Deployment: "ecs-svc/2",
		DeployedAt: time.Unix(1800000000, 0).UTC(), Healthy: 2, Targets: 4,
	}
	named := portal()
	named.Workloads[tokyo] = dr.Workload{Cluster: "apps", Service: "portal", TargetGroup: "portal"}
	for name, s := range map[string]dr.Service{"by ARN": portal(), "by name": named} {
		got, err := f.client(t).Workload(t.Context(), s, tokyo)
		got.DeployedAt = got.DeployedAt.UTC()
		if err != nil || got != want {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
		if arn := f.last("DescribeTargetHealth").form.Get("TargetGroupArn"); arn != groupARN {
			t.Errorf("%s: asked for %q", name, arn)
		}
	}
	// Seoul's is behind no load balancer.
	if got, err := f.client(t).Workload(t.Context(), portal(), seoul); err != nil || got.Targets != 0 || got.Running != 2 {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestWorkloadThatCannotBeRead(t *testing.T) {
	for name, tc := range map[string]struct {
		services, health func(http.ResponseWriter, call)
		code             dr.Code
	}{
		"missing":        {json(200, `{"services":[],"failures":[{"reason":"MISSING"}]}`), nil, dr.NotFound},
		"another's":      {json(200, `{"services":[{"serviceName":"other"}]}`), nil, dr.NotFound},
		"no cluster":     {json(400, `{"__type":"ClusterNotFoundException","message":"raw text"}`), nil, dr.NotFound},
		"denied":         {json(400, `{"__type":"AccessDeniedException","message":"raw text"}`), nil, dr.Denied},
		"no group":       {ecsService("ACTIVE", 1, 1), xmlError(400, "TargetGroupNotFound"), dr.NotFound},
		"health denied":  {ecsService("ACTIVE", 1, 1), xmlError(403, "AccessDenied"), dr.Denied},
		"health at rest": {ecsService("ACTIVE", 1, 1), xmlError(400, "Throttling"), dr.Temporary},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFake(t)
			f.on("DescribeServices", tc.services)
			f.on("DescribeTargetHealth", tc.health)
			_, err := f.client(t).Workload(t.Context(), portal(), tokyo)
			refused(t, err, tc.code)
		})
	}
	f := newFake(t)
	_, err := f.client(t).Workload(t.Context(), portal(), "eu-west-1")
	refused(t, err, dr.Invalid)
	f.on("DescribeServices", ecsService("ACTIVE", 1, 1))
	strange := portal()
	strange.Workloads[tokyo] = dr.Workload{Cluster: "apps", Service: "portal", TargetGroup: "elsewhere"}
	_, err = f.client(t).Workload(t.Context(), strange, tokyo)
	refused(t, err, dr.NotFound)
}

func TestScaleReadsFirst(t *testing.T) {
	f := newFake(t)
	f.on("DescribeServices", ecsService("ACTIVE", 2, 2))
	f.on("UpdateService", json(200, `{"service":{}}`))
	c := f.client(t)
	if err := c.Scale(t.Context(), portal(), seoul, 2); err != nil || f.count("ap-northeast-2 UpdateService") != 0 {
		t.Errorf("already so: %v, %q", err, f.asked())
	}
	if err := c.Scale(t.Context(), portal(), seoul, 0); err != nil {
		t.Fatal(err)
	}
	if body := f.last("UpdateService").body; !strings.Contains(body, `"desiredCount":0`) || strings.Contains(body, "forceNewDeployment") {
		t.Errorf("sent %s", body)
	}
	refused(t, c.Scale(t.Context(), portal(), seoul, -1), dr.Invalid)
	f.on("DescribeServices", json(200, `{"services":[]}`))
	refused(t, c.Scale(t.Context(), portal(), seoul, 1), dr.NotFound)
}

func TestRedeploy(t *testing.T) {
	for name, tc := range map[string]struct {
		answer func(http.ResponseWriter, call)
		code   dr.Code
	}{
		"done":       {json(200, `{"service":{}}`), ""},
		"not active": {json(400, `{"__type":"ServiceNotActiveException"}`), dr.Conflict},
		"missing":    {json(400, `{"__type":"ServiceNotFoundException"}`), dr.NotFound},
		"fault":      {json(500, `{"__type":"ServerException"}`), dr.Uncertain},
		"cut off":    {cut, dr.Uncertain},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFake(t)
			f.on("UpdateService", tc.answer)
			err := f.client(t).Redeploy(t.Context(), portal(), tokyo)
			if tc.code != "" {
				refused(t, err, tc.code)
			} else if err != nil {
				t.Error(err)
			}
			if got := f.asked(); !slices.Equal(got, []string{"ap-northeast-1 UpdateService"}) {
				t.Errorf("asked %q", got)
			}
			if body := f.last("UpdateService").body; !strings.Contains(body, `"forceNewDeployment":true`) || strings.Contains(body, "desiredCount") {
				t.Errorf("sent %s", body)
			}
		})
	}
}

func TestDatabaseEvents(t *testing.T) {
	since := time.Now().Add(-time.Hour)
	at := func(minutes int) string {
		return since.Add(time.Duration(minutes) * time.Minute).UTC().Format(time.RFC3339)
	}
	event := func(source, text string, minutes int) string {
		return "<Event><SourceIdentifier>" + source + "</SourceIdentifier><Message>" + text + "</Message><Date>" + at(minutes) + "</Date></Event>"
	}
	f := newFake(t)
	f.on("DescribeDBClusters", cluster("portal-tokyo", "available", "t"))
	f.on("DescribeEvents", func(w http.ResponseWriter, c call) {
		switch {
		case c.form.Get("SourceType") == "db-instance":
			xml("<Events>%s%s</Events>",
				event("t", "Attempt to block writes for DB cluster portal-seoul in Region ap-northeast-2 timed out.", 5),
				event("t", "Attempt to block writes for DB cluster portal-seoul in Region ap-northeast-2 succeeded.", 4))(w, c)
		case c.form.Get("Marker") == "":
			xml("<Events>%s%s</Events><Marker>2</Marker>", event("portal-tokyo", "too old", -5), event("portal-tokyo", "second", 2))(w, c)
		default:
			xml("<Events>%s</Events>", event("portal-tokyo", "first", 1))(w, c)
		}
	})
	c := f.client(t)
	got, err := c.DatabaseEvents(t.Context(), portal(), tokyo, since)
	if err != nil {
		t.Fatal(err)
	}
	var texts []string
	for _, e := range got {
		texts = append(texts, e.Source+": "+e.Text)
	}
	if len(texts) != 4 || texts[0] != "db-cluster portal-tokyo: first" || texts[1] != "db-cluster portal-tokyo: second" ||
		!strings.Contains(texts[2], "[fencing: the old writer is blocked]") || !strings.Contains(texts[3], "[fencing timed out") {
		t.Errorf("%q", texts)
	}
	if _, err := c.DatabaseEvents(t.Context(), portal(), tokyo, time.Time{}); err != nil {
		t.Error(err)
	}
	start, err := time.Parse(time.RFC3339, f.last("DescribeEvents").form.Get("StartTime"))
	if err != nil || time.Since(start) > eventsKept {
		t.Errorf("asked since %s, which RDS refuses", start)
	}
	f.on("DescribeDBClusters", f.hang)
	_, err = f.client(t, func(o *Options) { o.CallTimeout = 100 * time.Millisecond }).DatabaseEvents(t.Context(), portal(), tokyo, since)
	refused(t, err, dr.Temporary)
}
