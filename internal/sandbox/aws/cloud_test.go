package aws

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/rds"
	rdstypes "github.com/aws/aws-sdk-go-v2/service/rds/types"
	"github.com/aws/smithy-go"
)

const (
	seoul = "ap-northeast-2"
	tokyo = "ap-northeast-1"
)

// quick makes the emulated cloud as fast as its states can still be told apart.
var quick = Timings{
	Promotion: 1200 * time.Millisecond, Resync: 400 * time.Millisecond,
	TaskStart: 500 * time.Millisecond, TargetHealthy: 500 * time.Millisecond,
	LagEvery: 50 * time.Millisecond,
}

// startCloud gives a test a cloud of its own.
func startCloud(t *testing.T) *Cloud {
	t.Helper()
	return startCloudAt(t, quick)
}

func startCloudAt(t *testing.T, pace Timings) *Cloud {
	t.Helper()
	c, err := Start(t.Context(), Options{Dir: t.TempDir(), Timings: pace})
	if errors.Is(err, ErrNoMoto) {
		t.Skipf("lacking Moto 5.2: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// through is a set of clients as the bot has them: through the proxy.
func through(c *Cloud, region string) *clients { return newClients(c.Layout.Endpoint, region) }

// eventually waits for a condition.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	deadline := time.Now().Add(30 * time.Second)
	for !holds() {
		if time.Now().After(deadline) {
			t.Fatalf("never: %s", what)
		}
		time.Sleep(10 * time.Millisecond) // between two looks
	}
}

// code is the error code of an AWS answer, empty for any other error.
func code(err error) string {
	var api smithy.APIError
	if errors.As(err, &api) {
		return api.ErrorCode()
	}
	return ""
}

func switchover(ctx context.Context, at *clients, c *Cloud, target string) error {
	arn := c.Layout.Regions[target].ClusterARN
	_, err := at.rds.SwitchoverGlobalCluster(ctx, &rds.SwitchoverGlobalClusterInput{
		GlobalClusterIdentifier: &c.Layout.GlobalCluster, TargetDbClusterIdentifier: &arn,
	})
	return err
}

func failover(ctx context.Context, at *clients, c *Cloud, target string) error {
	arn, lossy := c.Layout.Regions[target].ClusterARN, true
	_, err := at.rds.FailoverGlobalCluster(ctx, &rds.FailoverGlobalClusterInput{
		GlobalClusterIdentifier: &c.Layout.GlobalCluster, TargetDbClusterIdentifier: &arn, AllowDataLoss: &lossy,
	})
	return err
}

// global reads the global cluster as the bot would.
func global(t *testing.T, at *clients) rdstypes.GlobalCluster {
	t.Helper()
	found, err := at.rds.DescribeGlobalClusters(t.Context(), &rds.DescribeGlobalClustersInput{})
	if err != nil || len(found.GlobalClusters) != 1 {
		t.Fatalf("DescribeGlobalClusters: %v, %v", found, err)
	}
	return found.GlobalClusters[0]
}

// failoverStatus is the raw FailoverState.Status, empty when the state is.
func failoverStatus(g rdstypes.GlobalCluster) string {
	if g.FailoverState == nil {
		return ""
	}
	return string(g.FailoverState.Status)
}

func settled(g rdstypes.GlobalCluster) bool { return failoverStatus(g) == "" }

func member(g rdstypes.GlobalCluster, region string) rdstypes.GlobalClusterMember {
	for _, m := range g.GlobalClusterMembers {
		if arnRegion(*m.DBClusterArn) == region {
			return m
		}
	}
	return rdstypes.GlobalClusterMember{}
}

func instanceStatus(t *testing.T, at *clients, id string) string {
	t.Helper()
	found, err := at.rds.DescribeDBInstances(t.Context(), &rds.DescribeDBInstancesInput{DBInstanceIdentifier: &id})
	if err != nil {
		t.Fatal(err)
	}
	return *found.DBInstances[0].DBInstanceStatus
}

func TestStart(t *testing.T) {
	c := startCloud(t)
	t.Logf("Start took %v", c.Took)
	if c.Took > 30*time.Second {
		t.Errorf("Start took %v", c.Took)
	}
	l := c.Layout
	if l.ZoneID == "" || l.AppPort == 0 || l.DNSAddr == "" || l.Endpoint == l.MotoEndpoint {
		t.Errorf("layout lacks something: %+v", l)
	}
	if region, status, err := c.GlobalWriter(t.Context()); region != seoul || status != "available" || err != nil {
		t.Errorf("writer = %s, %s, %v", region, status, err)
	}
	for _, at := range l.Regions {
		found, err := c.clients[at.Name].rds.DescribeDBClusters(t.Context(), &rds.DescribeDBClustersInput{DBClusterIdentifier: &at.ClusterID})
		if err != nil || *found.DBClusters[0].DBClusterArn != at.ClusterARN {
			t.Errorf("cluster of %s: %v, %v", at.Name, found, err)
		}
	}
	if target, err := c.Record(t.Context()); target != l.Regions[seoul].RecordName || err != nil {
		t.Errorf("record = %q, %v", target, err)
	}
	if calls := c.Proxy.Calls(); len(calls) != 0 {
		t.Errorf("seeding is in the journal: %v", calls)
	}
	eventually(t, "the home application answers 200", func() bool { return status(c, seoul) == http.StatusOK })
	if got := status(c, tokyo); got != http.StatusServiceUnavailable {
		t.Errorf("the standby application answers %d without a target", got)
	}
}

// status asks the application of a Region; 0 when the connection is refused.
func status(c *Cloud, region string) int {
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Get(fmt.Sprintf("http://%s/healthz", c.Layout.Regions[region].AppAddr))
	if err != nil {
		return 0
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, resp.Body)
	return resp.StatusCode
}

func TestCloseLeavesNothing(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	c, err := Start(ctx, Options{Dir: t.TempDir(), Timings: quick, Empty: true})
	if errors.Is(err, ErrNoMoto) {
		t.Skipf("lacking Moto 5.2: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	<-c.moto.exited
	c.Close()
	c.Close()
}

func TestNoMoto(t *testing.T) {
	t.Setenv("DRBOT_PYTHON", "no-such-python")
	_, err := Start(t.Context(), Options{Dir: t.TempDir()})
	if !errors.Is(err, ErrNoMoto) {
		t.Errorf("err = %v", err)
	}
}

func TestRecentMoto(t *testing.T) {
	for version, want := range map[string]bool{
		"5.2.1": true, "5.2": true, "6.0.0": true, "5.10.0.dev1": true, "5.1.22": false, "4.9": false, "": false, "x": false,
	} {
		if got := recentMoto(version); got != want {
			t.Errorf("recentMoto(%q) = %v", version, got)
		}
	}
}
