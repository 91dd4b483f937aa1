package systems_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/internal/aws"
	"github.com/drbot/drbot/internal/aws/aurora"
	"github.com/drbot/drbot/internal/aws/ecs"
	"github.com/drbot/drbot/internal/aws/route53"
	"github.com/drbot/drbot/internal/aws/systems"
	sandbox "github.com/drbot/drbot/internal/sandbox/aws"
)

const (
	seoul = dr.Region("ap-northeast-2")
	tokyo = dr.Region("ap-northeast-1")
)

// world is the emulated cloud, and the systems under test in front of it.
type world struct {
	*testing.T
	cloud     *sandbox.Cloud
	databases *aurora.Databases
	workloads *ecs.Workloads
	names     *route53.Names
	systems   systems.Systems
	service   dr.Service
	db        dr.Resource // the database and the ECS service that the sandbox has by itself
	web       dr.Resource
}

func newWorld(t *testing.T, change ...func(*sandbox.Options)) world {
	t.Helper()
	options := sandbox.Options{Dir: t.TempDir(), Timings: sandbox.Timings{
		Promotion: 800 * time.Millisecond, Resync: 400 * time.Millisecond,
		TaskStart: 250 * time.Millisecond, TargetHealthy: 250 * time.Millisecond, LagEvery: 100 * time.Millisecond,
	}}
	for _, f := range change {
		f(&options)
	}
	cloud, err := sandbox.Start(t.Context(), options)
	if errors.Is(err, sandbox.ErrNoMoto) {
		t.Skipf("the contract of the AWS ports was not run, for want of Moto: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cloud.Close)
	client, err := aws.New(t.Context(), aws.Options{
		Endpoint:    cloud.Layout.Endpoint,
		CallTimeout: 3 * time.Second,
		Roles: func(service string, _ dr.Region, p aws.Purpose) string {
			return fmt.Sprintf("arn:aws:iam::%s:role/drbot-%s-%s", cloud.Layout.Account, service, p)
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	service := serviceOf(cloud.Layout)
	return world{t, cloud, aurora.New(client), ecs.New(client), route53.New(client), systems.All(client), service, service.Resources[0], service.Resources[1]}
}

func serviceOf(l sandbox.Layout) dr.Service {
	db := dr.Resource{
		Name: "orders", System: dr.AuroraGlobal,
		Spec: map[string]string{aurora.GlobalCluster: l.GlobalCluster}, In: map[dr.Region]map[string]string{},
	}
	web := dr.Resource{Name: "web", System: dr.ECSService, In: map[dr.Region]map[string]string{}}
	s := dr.Service{
		Name:       "portal",
		Strategy:   dr.WarmStandby,
		Objectives: dr.Objectives{RPO: 5 * time.Minute},
		Names:      dr.Names{Public: l.RecordName, Regional: map[dr.Region]string{}, Servers: []string{l.DNSAddr}},
		Probes:     []dr.Probe{{URL: fmt.Sprintf("http://{host}:%d/healthz", l.AppPort)}},
	}
	for name, r := range l.Regions {
		region := dr.Region(name)
		s.Regions = append(s.Regions, region)
		db.In[region] = map[string]string{aurora.ClusterARN: r.ClusterARN}
		web.In[region] = map[string]string{ecs.Cluster: r.ECSCluster, ecs.Service: r.ECSService, ecs.TargetGroup: r.TargetGroupARN}
		s.Names.Regional[region] = r.RecordName
	}
	s.Resources = []dr.Resource{db, web}
	return s
}

// TestCaseAWS25LagBySource has the lag published with the source's Region as a second dimension.
func TestCaseAWS25LagBySource(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(o *sandbox.Options) { o.LagBySource = true })
	w.eventually("a reading of the lag", func() bool {
		c, err := w.databases.Lag(t.Context(), w.service, w.db, tokyo)
		return err == nil && c.Level == dr.OK && c.Value != nil && *c.Value == sandbox.DefaultLag.Seconds()
	})
}

// eventually looks until a condition holds.
func (w world) eventually(what string, holds func() bool) {
	w.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	timeout := time.After(30 * time.Second)
	for !holds() {
		select {
		case <-tick.C:
		case <-timeout:
			w.Fatalf("never: %s", what)
		}
	}
}

func (w world) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

func (w world) checks(mode dr.Mode, source, target dr.Region) map[string]dr.Check {
	found := make(map[string]dr.Check)
	for _, c := range w.systems.Checks(w.Context(), w.service, mode, source, target) {
		found[c.Name] = c
	}
	return found
}

// run scales an ECS service of a Region and waits until it is as healthy as it says;
// behind no target group it is when its tasks run.
func (w world) run(r dr.Resource, in dr.Region, tasks int) dr.WorkloadState {
	w.Helper()
	w.must(w.workloads.Scale(w.Context(), w.service, r, in, tasks))
	healthy := tasks
	if r.At(in, ecs.TargetGroup) == "" {
		healthy = 0
	}
	var state dr.WorkloadState
	w.eventually(fmt.Sprintf("%d tasks of %s in %s", tasks, r.Name, in), func() (done bool) {
		var err error
		state, err = w.workloads.State(w.Context(), w.service, r, in)
		w.must(err)
		return state.Desired == tasks && state.Running == tasks && state.Healthy == healthy && state.Targets == healthy
	})
	return state
}

// promote moves the writer and follows it, through the target alone.
func (w world) promote(db dr.Resource, mode dr.Mode, from, to dr.Region) (pending []string) {
	w.Helper()
	w.must(w.databases.Promote(w.Context(), w.service, db, dr.Promotion{Mode: mode, From: from, To: to}))
	w.eventually("writer of "+db.Name+" in "+string(to), func() bool {
		st, err := w.databases.State(w.Context(), w.service, db, to)
		w.must(err)
		if st.Failover != "" && !slices.Contains(pending, st.Failover) {
			pending = append(pending, st.Failover)
			if st.FailoverFrom != from || st.FailoverTo != to || st.DataLoss != (mode == dr.Disaster) {
				w.Errorf("pending as %+v", st)
			}
		}
		return st.Failover == "" && st.Writer == to && st.WriterReady
	})
	return pending
}

// promotions lists what the cloud was asked to promote, as "REGION OPERATION".
func (w world) promotions() (out []string) {
	for _, c := range w.cloud.Proxy.Calls() {
		if strings.HasSuffix(c.Operation, "overGlobalCluster") {
			out = append(out, c.Region+" "+c.Operation)
		}
	}
	return out
}

func (w world) probe(name string) dr.Level {
	w.Helper()
	checks, err := w.names.Probe(w.Context(), w.service, name)
	w.must(err)
	return dr.Worst(checks)
}

func TestContractPlanned(t *testing.T) {
	w := newWorld(t)
	w.run(w.web, seoul, 2)
	w.eventually("every check of a planned run is ok", func() bool {
		return !slices.ContainsFunc(w.systems.Checks(t.Context(), w.service, dr.Planned, seoul, tokyo),
			func(c dr.Check) bool { return c.Level != dr.OK })
	})
	w.eventually("users reach the application", func() bool { return w.probe(w.service.Names.Public) == dr.OK })

	w.run(w.web, seoul, 0)
	if pending := w.promote(w.db, dr.Planned, seoul, tokyo); len(pending) == 0 {
		t.Error("no pending state was seen")
	}
	if got, want := w.promotions(), []string{"ap-northeast-2 SwitchoverGlobalCluster"}; !slices.Equal(got, want) {
		t.Errorf("asked %q, want %q", got, want)
	}

	before := w.run(w.web, tokyo, 2)
	_, err := w.workloads.Redeploy(t.Context(), w.service, w.web, tokyo)
	w.must(err)
	w.eventually("a new deployment", func() bool {
		st, err := w.workloads.State(t.Context(), w.service, w.web, tokyo)
		w.must(err)
		return st.Deployment != before.Deployment && st.DeployedAt.After(before.DeployedAt) && st.Healthy == 2
	})
	w.flip(tokyo)

	w.eventually("lag is read in the Region that is passive now", func() bool {
		c, err := w.databases.Lag(t.Context(), w.service, w.db, seoul)
		w.must(err)
		return c.Level == dr.OK && *c.Value > 0 && *c.Value < 1
	})
	if got := w.checks(dr.Planned, seoul, tokyo)["aurora.writer"]; got.Level != dr.Fail {
		t.Errorf("the writer has left: %s", got.Line())
	}
	_, err = w.databases.Events(t.Context(), w.service, w.db, tokyo, time.Now().Add(-time.Hour))
	w.must(err)
}

// flip points the public name at a Region and sees it through DNS.
func (w world) flip(to dr.Region) {
	w.Helper()
	l := w.cloud.Layout
	regional := w.service.Names.Regional[to]
	w.must(sandbox.PointTraffic(w.Context(), l.MotoEndpoint, l.ZoneID, l.RecordName, regional))
	w.eventually("the public name leads to "+string(to), func() bool {
		r, err := w.names.Resolve(w.Context(), w.service, w.service.Names.Public)
		w.must(err)
		return slices.Contains(r.Chain, regional) && len(r.Addresses) > 0
	})
	if _, err := w.names.Resolve(w.Context(), w.service, "nothing."+l.ZoneName); dr.CodeOf(err) != dr.NotFound {
		w.Errorf("a name that is not there: %v", err)
	}
	w.eventually("the application answers in "+string(to), func() bool {
		return w.probe(regional) == dr.OK && w.probe(w.service.Names.Public) == dr.OK
	})
}

func TestContractDisaster(t *testing.T) {
	for _, mode := range []sandbox.Mode{sandbox.Hang, sandbox.Refuse} {
		t.Run(string(mode), func(t *testing.T) {
			w := newWorld(t)
			w.run(w.web, seoul, 2)
			w.must(w.cloud.Outage(t.Context(), string(seoul), mode))
			lost := len(w.cloud.Proxy.Calls())

			start := time.Now()
			checks := w.checks(dr.Disaster, seoul, tokyo)
			if took := time.Since(start); took > 10*time.Second {
				t.Errorf("the checks took %s", took)
			}
			if got := checks["source.reachable"]; got.Level != dr.Unknown || got.Detail.Empty() {
				t.Errorf("%s", got.Line())
			}
			for _, name := range []string{"aurora.writer", "aurora.state", "aurora.target-instance", "target.workload"} {
				if got := checks[name]; got.Level != dr.OK {
					t.Errorf("%s", got.Line())
				}
			}
			w.promote(w.db, dr.Disaster, seoul, tokyo)
			w.run(w.web, tokyo, 2)
			w.flip(tokyo)
			if got, want := w.promotions(), []string{"ap-northeast-1 FailoverGlobalCluster"}; !slices.Equal(got, want) {
				t.Errorf("asked %q, want %q", got, want)
			}
			for _, c := range w.cloud.Proxy.Calls()[lost:] {
				if c.Region == string(seoul) && c.Operation != "DescribeDBClusters" {
					t.Errorf("%s was asked of the lost Region", c.Operation)
				}
			}
			_, err := w.databases.Events(t.Context(), w.service, w.db, seoul, time.Now().Add(-time.Hour))
			if dr.CodeOf(err) != dr.Temporary || err == nil {
				t.Errorf("events of a lost Region: %v", err)
			}
			// A planned run cannot start there, and what is not known is said to be.
			err = w.databases.Promote(t.Context(), w.service, w.db, dr.Promotion{Mode: dr.Planned, From: seoul, To: tokyo})
			if code := dr.CodeOf(err); err == nil || code != dr.Uncertain && code != dr.Temporary {
				t.Errorf("promotion through a lost Region: %v", err)
			}
		})
	}
}
