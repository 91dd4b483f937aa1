package aws

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	watchtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/rds"
	rdstypes "github.com/aws/aws-sdk-go-v2/service/rds/types"
)

// slow has every state of a promotion stand for seconds: on a busy machine two looks are
// far apart.
var slow = func() Timings {
	t := quick
	t.Promotion = 10 * time.Second
	return t
}()

func TestSwitchover(t *testing.T) {
	c := startCloudAt(t, slow)
	home, standby := through(c, seoul), through(c, tokyo)
	var wrong *rdstypes.InvalidGlobalClusterStateFault
	if err := switchover(t.Context(), standby, c, tokyo); !errors.As(err, &wrong) {
		t.Fatalf("switchover in the wrong Region: %v", err)
	}
	if err := switchover(t.Context(), home, c, tokyo); err != nil {
		t.Fatal(err)
	}
	if err := switchover(t.Context(), home, c, tokyo); !errors.As(err, &wrong) {
		t.Errorf("switchover during a switchover: %v", err)
	}
	seen := watch(t, c, func(g rdstypes.GlobalCluster, instance string) bool {
		return settled(g) && instance == "available"
	})
	for _, state := range []string{"pending", "switching-over", ""} {
		if !slices.Contains(seen.states, state) {
			t.Errorf("FailoverState %q never seen in %v", state, seen.states)
		}
	}
	for _, status := range []string{"modifying", "rebooting", "available"} {
		if !slices.Contains(seen.instances, status) {
			t.Errorf("instance status %q never seen in %v", status, seen.instances)
		}
	}
	if !slices.Contains(seen.global, "switching-over") {
		t.Errorf("global status was only %v", seen.global)
	}
	for _, at := range []*clients{home, standby} { // both Regions say the same
		g := global(t, at)
		if !*member(g, tokyo).IsWriter || *member(g, seoul).IsWriter || *g.Status != "available" {
			t.Errorf("after the switchover: %+v", g)
		}
		if got := member(g, seoul).SynchronizationStatus; got != rdstypes.GlobalClusterMemberSynchronizationStatusConnected {
			t.Errorf("the old writer is %s", got)
		}
	}
	// The way back, which is a second promotion, is accepted.
	if err := switchover(t.Context(), standby, c, seoul); err != nil {
		t.Fatal(err)
	}
	journal, err := c.Promotions(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var accepted []bool
	for _, p := range journal {
		accepted = append(accepted, p.Accepted)
	}
	if !slices.Equal(accepted, []bool{false, true, false, true}) || journal[0].Region != tokyo ||
		journal[1].Region != seoul || !strings.HasPrefix(journal[0].Error, "InvalidGlobalClusterStateFault: ") {
		t.Errorf("journal: %+v", journal)
	}
}

// seen is what a promotion went through, without repetitions.
type seen struct{ states, global, instances []string }

// watch reads the global cluster and the target's instance until done.
func watch(t *testing.T, c *Cloud, done func(g rdstypes.GlobalCluster, instance string) bool) seen {
	t.Helper()
	var s seen
	standby := through(c, tokyo)
	eventually(t, "the promotion ends", func() bool {
		g := global(t, standby)
		s.states = append(s.states, failoverStatus(g))
		s.global = append(s.global, *g.Status)
		instance := instanceStatus(t, standby, c.Layout.Regions[tokyo].InstanceID)
		s.instances = append(s.instances, instance)
		return done(g, instance)
	})
	return seen{slices.Compact(s.states), slices.Compact(s.global), slices.Compact(s.instances)}
}

func TestFailover(t *testing.T) {
	c := startCloudAt(t, slow)
	home, standby := through(c, seoul), through(c, tokyo)
	if err := failover(t.Context(), home, c, tokyo); code(err) != "InvalidGlobalClusterStateFault" {
		t.Fatalf("failover in the wrong Region: %v", err)
	}
	if err := c.Outage(t.Context(), seoul, Refuse); err != nil {
		t.Fatal(err)
	}
	if err := failover(t.Context(), standby, c, tokyo); err != nil {
		t.Fatal(err)
	}
	g := global(t, standby)
	if g.FailoverState == nil || !*g.FailoverState.IsDataLossAllowed ||
		*g.FailoverState.ToDbClusterArn != c.Layout.Regions[tokyo].ClusterARN ||
		*g.FailoverState.FromDbClusterArn != c.Layout.Regions[seoul].ClusterARN {
		t.Errorf("FailoverState = %+v", g.FailoverState)
	}
	s := watch(t, c, func(g rdstypes.GlobalCluster, _ string) bool { return settled(g) })
	if !slices.Contains(s.states, "failing-over") {
		t.Errorf("states: %v", s.states)
	}
	pending := rdstypes.GlobalClusterMemberSynchronizationStatusPendingResync
	if g := global(t, standby); !*member(g, tokyo).IsWriter || member(g, seoul).SynchronizationStatus != pending {
		t.Errorf("after the failover: %+v", g.GlobalClusterMembers)
	}
	if err := switchover(t.Context(), standby, c, seoul); code(err) != "InvalidDBClusterStateFault" {
		t.Errorf("switchover to a cluster that is not connected: %v", err)
	}
	if err := failover(t.Context(), standby, c, tokyo); code(err) != "InvalidDBClusterStateFault" {
		t.Errorf("failover to the writer: %v", err)
	}
	if err := c.Lift(t.Context(), seoul); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the old writer rejoins", func() bool {
		return member(global(t, standby), seoul).SynchronizationStatus == rdstypes.GlobalClusterMemberSynchronizationStatusConnected
	})
	if err := switchover(t.Context(), standby, c, seoul); err != nil {
		t.Errorf("the way back: %v", err)
	}
}

func TestPromotionRequests(t *testing.T) {
	c := startCloud(t)
	at := through(c, tokyo)
	id, arn, yes := &c.Layout.GlobalCluster, c.Layout.Regions[tokyo].ClusterARN, awssdk.Bool(true)
	for _, test := range []struct {
		name string
		in   rds.FailoverGlobalClusterInput
		code string
	}{
		{"no such global cluster", rds.FailoverGlobalClusterInput{GlobalClusterIdentifier: awssdk.String("nobody"), TargetDbClusterIdentifier: &arn, AllowDataLoss: yes}, "GlobalClusterNotFoundFault"},
		{"a name, not an ARN", rds.FailoverGlobalClusterInput{GlobalClusterIdentifier: id, TargetDbClusterIdentifier: awssdk.String("portal-ap-northeast-1"), AllowDataLoss: yes}, "DBClusterNotFoundFault"},
		{"both flags", rds.FailoverGlobalClusterInput{GlobalClusterIdentifier: id, TargetDbClusterIdentifier: &arn, AllowDataLoss: yes, Switchover: yes}, "InvalidParameterCombination"},
		{"no flag is a switchover, and this is not the primary's Region", rds.FailoverGlobalClusterInput{GlobalClusterIdentifier: id, TargetDbClusterIdentifier: &arn}, "InvalidGlobalClusterStateFault"},
		{"empty target", rds.FailoverGlobalClusterInput{GlobalClusterIdentifier: id, TargetDbClusterIdentifier: awssdk.String(""), AllowDataLoss: yes}, "MissingParameter"},
	} {
		if _, err := at.rds.FailoverGlobalCluster(t.Context(), &test.in); code(err) != test.code {
			t.Errorf("%s: %v, want %s", test.name, err, test.code)
		}
	}
	if _, err := at.rds.DescribeGlobalClusters(t.Context(), &rds.DescribeGlobalClustersInput{
		GlobalClusterIdentifier: awssdk.String("nobody"),
	}); code(err) != "GlobalClusterNotFoundFault" {
		t.Errorf("DescribeGlobalClusters of nobody: %v", err)
	}
	if err := c.SetFaults(t.Context(), Faults{InstanceUnavailable: []string{tokyo}}); err != nil {
		t.Fatal(err)
	}
	if err := failover(t.Context(), at, c, tokyo); code(err) != "InvalidDBClusterStateFault" {
		t.Errorf("no available instance: %v", err)
	}
	if got := instanceStatus(t, at, c.Layout.Regions[tokyo].InstanceID); got != "failed" {
		t.Errorf("instance status = %s", got)
	}
}

func TestPromotionFaults(t *testing.T) {
	c := startCloud(t)
	at := through(c, tokyo)
	set := func(f Faults) {
		t.Helper()
		if err := c.SetFaults(t.Context(), f); err != nil {
			t.Fatal(err)
		}
	}
	set(Faults{PromotionNoop: true})
	if err := failover(t.Context(), at, c, tokyo); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the promotion that does nothing ends", func() bool { return settled(global(t, at)) })
	if region, _, _ := c.GlobalWriter(t.Context()); region != seoul {
		t.Errorf("the writer is in %s after a promotion that does nothing", region)
	}
	eventually(t, "the instance is available again", func() bool {
		return instanceStatus(t, at, c.Layout.Regions[tokyo].InstanceID) == "available"
	})
	set(Faults{PromotionStuck: true, PromotionStatus: "reticulating", GlobalStatus: "odd"})
	if err := failover(t.Context(), at, c, tokyo); err != nil {
		t.Fatal(err)
	}
	if g := global(t, at); failoverStatus(g) != "reticulating" || *g.Status != "odd" {
		t.Errorf("status %q, %q", failoverStatus(g), *g.Status)
	}
	began := time.Now()
	for time.Since(began) < 2*quick.Promotion {
		if g := global(t, at); settled(g) || *member(g, tokyo).IsWriter {
			t.Fatal("a stuck promotion ended")
		}
	}
	set(Faults{})
	eventually(t, "the promotion goes on", func() bool {
		g := global(t, at)
		return settled(g) && *member(g, tokyo).IsWriter
	})
	if f, err := c.Faults(t.Context()); err != nil || f.PromotionStuck {
		t.Errorf("faults: %+v, %v", f, err)
	}
	if err := c.control.post(t.Context(), "/drbot/faults", map[string]any{"nonsense": true}, nil); err == nil {
		t.Error("an unknown fault was taken")
	}
}

func TestSwitchoverIsCancelledByAnOutage(t *testing.T) {
	c := startCloud(t)
	slow := quick
	slow.Promotion = 6 * time.Second
	if err := c.SetTimings(t.Context(), slow); err != nil {
		t.Fatal(err)
	}
	if err := switchover(t.Context(), through(c, seoul), c, tokyo); err != nil {
		t.Fatal(err)
	}
	if err := c.Outage(t.Context(), seoul, Refuse); err != nil {
		t.Fatal(err)
	}
	at := through(c, tokyo)
	if got := failoverStatus(global(t, at)); got != "cancelling" {
		t.Errorf("status = %q", got)
	}
	eventually(t, "the cancelled switchover ends", func() bool { return settled(global(t, at)) })
	if *member(global(t, at), tokyo).IsWriter {
		t.Error("the writer moved")
	}
}

func TestEvents(t *testing.T) {
	c := startCloud(t)
	at := through(c, tokyo)
	if err := failover(t.Context(), at, c, tokyo); err != nil {
		t.Fatal(err)
	}
	messages := func(region string) string {
		found, err := through(c, region).rds.DescribeEvents(t.Context(), &rds.DescribeEventsInput{
			StartTime: awssdk.Time(time.Now().Add(-time.Minute)),
		})
		if err != nil {
			t.Fatal(err)
		}
		var all []string
		for _, e := range found.Events {
			all = append(all, *e.Message)
		}
		return strings.Join(all, "\n")
	}
	eventually(t, "the failover event", func() bool { return strings.Contains(messages(tokyo), "Global failover to DB cluster") })
	eventually(t, "the fencing event", func() bool { return strings.Contains(messages(seoul), "blocked writes") })
	eventually(t, "the end of the resync", func() bool { return strings.Contains(messages(seoul), "Finished resynchronizing") })
}

func TestLag(t *testing.T) {
	c := startCloud(t)
	latest := func(region string) (values []float64) {
		found, err := through(c, region).watch.GetMetricData(t.Context(), &cloudwatch.GetMetricDataInput{
			StartTime: awssdk.Time(time.Now().Add(-5 * time.Minute)), EndTime: awssdk.Time(time.Now()),
			MetricDataQueries: []watchtypes.MetricDataQuery{{
				Id: awssdk.String("lag"),
				MetricStat: &watchtypes.MetricStat{
					Period: awssdk.Int32(60), Stat: awssdk.String("Maximum"),
					Metric: &watchtypes.Metric{
						Namespace: awssdk.String("AWS/RDS"), MetricName: awssdk.String("AuroraGlobalDBRPOLag"),
						Dimensions: []watchtypes.Dimension{{
							Name: awssdk.String("DBClusterIdentifier"), Value: awssdk.String(c.Layout.Regions[region].ClusterID),
						}},
					},
				},
			}},
		})
		if err != nil {
			t.Fatal(err)
		}
		return found.MetricDataResults[0].Values
	}
	if got := latest(tokyo); len(got) == 0 || got[0] != 350 {
		t.Errorf("lag in Tokyo = %v", got)
	}
	if got := latest(seoul); len(got) != 0 {
		t.Errorf("the writer's Region has lag: %v", got)
	}
	for _, behind := range []time.Duration{9 * time.Second, 12 * time.Second, 45 * time.Second} {
		if err := c.ReportLag(t.Context(), behind); err != nil {
			t.Fatal(err)
		}
		if got := latest(tokyo); !slices.Contains(got, float64(behind.Milliseconds())) {
			t.Errorf("a lag of %s was reported and is not seen at once: %v", behind, got)
		}
	}
	if err := switchover(t.Context(), through(c, seoul), c, tokyo); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the lag follows the roles", func() bool { return len(latest(seoul)) > 0 })
}
