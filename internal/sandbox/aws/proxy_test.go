package aws

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/rds"
	"github.com/aws/aws-sdk-go-v2/service/route53"
)

func describe(ctx context.Context, at *clients) error {
	_, err := at.rds.DescribeGlobalClusters(ctx, &rds.DescribeGlobalClustersInput{}, func(o *rds.Options) {
		o.Retryer = awssdk.NopRetryer{}
	})
	return err
}

func TestProxy(t *testing.T) {
	c := startCloud(t)
	t.Run("journal", func(t *testing.T) { testJournal(t, c) })
	t.Run("faults", func(t *testing.T) { testFaults(t, c) })
	t.Run("the extension's door is closed", func(t *testing.T) { testDoor(t, c) })
	t.Run("hooks", func(t *testing.T) { testHooks(t, c) })
}

func testJournal(t *testing.T, c *Cloud) {
	if err := describe(t.Context(), through(c, tokyo)); err != nil {
		t.Fatal(err)
	}
	scale(t, c, seoul, 1)
	if _, err := through(c, seoul).dns.ListHostedZones(t.Context(), &route53.ListHostedZonesInput{}); err != nil {
		t.Fatal(err)
	}
	if _, err := through(c, tokyo).watch.ListMetrics(t.Context(), &cloudwatch.ListMetricsInput{}); err != nil {
		t.Fatal(err)
	}
	type short struct {
		service, region, operation, key string
		write                           bool
		status                          int
	}
	var got []short
	for _, call := range c.Proxy.Calls() {
		if call.End.Before(call.Start) || !strings.Contains(call.UserAgent, "aws-sdk-go-v2") || call.Forwarded != 1 {
			t.Errorf("%+v", call)
		}
		got = append(got, short{call.Service, call.Region, call.Operation, call.AccessKey, call.Write, call.Status})
	}
	want := []short{
		{"rds", tokyo, "DescribeGlobalClusters", "SANDBOX", false, 200},
		{"ecs", seoul, "DescribeServices", stackKey, false, 200},
		{"ecs", seoul, "UpdateService", stackKey, true, 200},
		{"route53", "us-east-1", "GET /2013-04-01/hostedzone", "SANDBOX", false, 200},
		{"monitoring", tokyo, "ListMetrics", "SANDBOX", false, 200},
	}
	for i := range want {
		if i >= len(got) || got[i] != want[i] {
			t.Fatalf("got  %+v\nwant %+v", got, want)
		}
	}
	file, err := os.ReadFile(c.Proxy.journal.file.Name())
	if err != nil || strings.Count(string(file), "\n") != len(want) || filepath.Base(c.Proxy.journal.file.Name()) != "aws-calls.jsonl" {
		t.Errorf("journal file: %s, %v", file, err)
	}
}

func TestOutage(t *testing.T) {
	c := startCloud(t)
	home, standby := through(c, seoul), through(c, tokyo)
	eventually(t, "the application answers", func() bool { return status(c, seoul) == 200 })
	if err := c.Outage(t.Context(), seoul, Refuse); err != nil {
		t.Fatal(err)
	}
	if err := describe(t.Context(), home); !errors.Is(err, syscall.ECONNRESET) && !strings.Contains(err.Error(), "EOF") {
		t.Errorf("refused: %v", err)
	}
	if got := status(c, seoul); got != 0 {
		t.Errorf("the application answers %d in an outage", got)
	}
	if err := c.Outage(t.Context(), seoul, Hang); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if err := describe(ctx, home); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("hanging: %v", err)
	}
	if err := describe(t.Context(), standby); err != nil {
		t.Errorf("the other Region: %v", err)
	}
	if _, err := home.dns.ListHostedZones(t.Context(), &route53.ListHostedZonesInput{}); err != nil {
		t.Errorf("Route 53: %v", err)
	}
	hung := make(chan error)
	go func() { hung <- describe(t.Context(), home) }()
	eventually(t, "the call hangs", func() bool {
		calls := c.Proxy.Calls()
		return calls[len(calls)-1].Fault == "outage: hang" && calls[len(calls)-1].End.IsZero()
	})
	if err := c.Lift(t.Context(), seoul); err != nil {
		t.Fatal(err)
	}
	if err := <-hung; err == nil {
		t.Error("a call that hung was answered when the outage was lifted")
	}
	if err := describe(t.Context(), home); err != nil {
		t.Errorf("after the outage: %v", err)
	}
	eventually(t, "the application answers again", func() bool { return status(c, seoul) == 200 })
	for _, call := range c.Proxy.Calls() {
		if call.Fault != "" && call.Forwarded != 0 {
			t.Errorf("reached Moto in an outage: %+v", call)
		}
	}
}

func testFaults(t *testing.T, c *Cloud) {
	at := through(c, tokyo)
	inject := func(kind FaultKind, m Matcher, times int) {
		t.Cleanup(c.Proxy.Inject(Fault{Kind: kind, Match: m, Times: times}))
	}
	once := func(o *ecs.Options) { o.Retryer = awssdk.NopRetryer{} }
	list := func() error {
		_, err := at.ecs.ListClusters(t.Context(), &ecs.ListClustersInput{}, once)
		return err
	}
	inject(Throttle, Matcher{Operation: "DescribeGlobalClusters"}, 1)
	if err := describe(t.Context(), at); code(err) != "Throttling" || !isThrottle(err) {
		t.Errorf("throttled: %v", err)
	}
	if err := describe(t.Context(), at); err != nil {
		t.Errorf("throttled once too often: %v", err)
	}
	inject(Throttle, Matcher{Service: "ecs"}, 1)
	if err := list(); code(err) != "ThrottlingException" || !isThrottle(err) {
		t.Errorf("throttled ECS: %v", err)
	}
	inject(Throttle, Matcher{Service: "monitoring"}, 1)
	if _, err := at.watch.ListMetrics(t.Context(), &cloudwatch.ListMetricsInput{}, func(o *cloudwatch.Options) {
		o.Retryer = awssdk.NopRetryer{}
	}); code(err) != "ThrottlingException" {
		t.Errorf("throttled CloudWatch: %v", err)
	}
	inject(ServerError, Matcher{Service: "rds", Region: tokyo}, 1)
	if err := describe(t.Context(), at); code(err) != "InternalFailure" {
		t.Errorf("500: %v", err)
	}
	inject(HalfBody, Matcher{Service: "rds"}, 1)
	if err := describe(t.Context(), at); err == nil || code(err) != "" {
		t.Errorf("half a body: %v", err)
	}
	remove := c.Proxy.Inject(Fault{Kind: ServerError, Match: Matcher{Service: "ecs"}})
	for range 3 {
		if err := list(); err == nil {
			t.Error("a fault for ever ended")
		}
	}
	remove()
	if err := list(); err != nil {
		t.Errorf("after the fault was removed: %v", err)
	}
	c.Proxy.Inject(Fault{Kind: Stall, For: 200 * time.Millisecond, Match: Matcher{Service: "ecs"}, Times: 1})
	began := time.Now()
	if err := list(); err != nil || time.Since(began) < 200*time.Millisecond {
		t.Errorf("stalled for %v: %v", time.Since(began), err)
	}
}

func isThrottle(err error) bool {
	return retry.IsErrorThrottles(retry.DefaultThrottles).IsErrorThrottle(err) == awssdk.TrueTernary
}

func TestDuplicate(t *testing.T) {
	c := startCloud(t)
	c.Proxy.Duplicate(Matcher{Operation: "SwitchoverGlobalCluster"})
	if err := switchover(t.Context(), through(c, seoul), c, tokyo); err != nil {
		t.Fatalf("the client hears of the second: %v", err)
	}
	journal, err := c.Promotions(t.Context())
	if err != nil || len(journal) != 2 || !journal[0].Accepted || journal[1].Accepted {
		t.Errorf("journal: %+v, %v", journal, err)
	}
	if calls := c.Proxy.Calls(); len(calls) != 1 || calls[0].Forwarded != 2 {
		t.Errorf("calls: %+v", calls)
	}
}

func testHooks(t *testing.T, c *Cloud) {
	at := through(c, tokyo)
	var before, after atomic.Int32
	c.Proxy.Hook(Matcher{Service: "RDS"}, Before, 2, func(Call) bool { before.Add(1); return true })
	remove := c.Proxy.Hook(Matcher{Service: "rds"}, After, 0, func(Call) bool { after.Add(1); return false })
	var results []bool
	for range 3 {
		results = append(results, describe(t.Context(), at) == nil)
	}
	if !results[0] || results[1] || !results[2] || before.Load() != 1 || after.Load() != 2 {
		t.Errorf("results %v, %d before, %d after", results, before.Load(), after.Load())
	}
	remove()
	c.Proxy.Hook(Matcher{Operation: "FailoverGlobalCluster"}, After, 1, func(Call) bool { return true })
	_, err := at.rds.FailoverGlobalCluster(t.Context(), &rds.FailoverGlobalClusterInput{
		GlobalClusterIdentifier: &c.Layout.GlobalCluster, AllowDataLoss: awssdk.Bool(true),
		TargetDbClusterIdentifier: awssdk.String(c.Layout.Regions[tokyo].ClusterARN),
	}, func(o *rds.Options) { o.Retryer = awssdk.NopRetryer{} })
	if err == nil || code(err) != "" {
		t.Errorf("the client heard: %v", err)
	}
	if journal, err := c.Promotions(t.Context()); err != nil || len(journal) != 1 || !journal[0].Accepted {
		t.Errorf("Moto did not act: %+v, %v", journal, err)
	}
	if after.Load() != 2 {
		t.Error("a removed hook ran")
	}
}

func TestClassify(t *testing.T) {
	scope := "AWS4-HMAC-SHA256 Credential=AKID/20260101/ap-northeast-1/rds/aws4_request, SignedHeaders=host, Signature=x"
	form := http.Header{"Content-Type": {"application/x-www-form-urlencoded; charset=utf-8"}, "Authorization": {scope}}
	for _, test := range []struct {
		what, method, target, body string
		header                     http.Header
		want                       Call
	}{
		{"query", "POST", "/", "Action=DescribeDBClusters&Version=1", form, Call{Operation: "DescribeDBClusters", Service: "rds", Region: tokyo, AccessKey: "AKID"}},
		{"query write", "POST", "/", "Action=FailoverGlobalCluster", form, Call{Operation: "FailoverGlobalCluster", Write: true, Service: "rds", Region: tokyo, AccessKey: "AKID"}},
		{"json", "POST", "/", "{}", http.Header{"X-Amz-Target": {"AmazonEC2ContainerServiceV20141113.UpdateService"}}, Call{Operation: "UpdateService", Write: true}},
		{"cbor", "POST", "/service/G/operation/PutMetricData", "", http.Header{"Smithy-Protocol": {"rpc-v2-cbor"}}, Call{Operation: "PutMetricData", Write: true}},
		{"credentials are no write", "POST", "/", "Action=AssumeRole", form, Call{Operation: "AssumeRole", Service: "rds", Region: tokyo, AccessKey: "AKID"}},
		{"presigned", "GET", "/bucket/key?X-Amz-Credential=ME%2F20260101%2Fap-northeast-2%2Fs3%2Faws4_request", "", nil, Call{Operation: "GET /bucket/key", Service: "s3", Region: seoul, AccessKey: "ME"}},
		{"several Regions", "PUT", "/bucket/key", "x", http.Header{"Authorization": {"AWS4-ECDSA-P256-SHA256 Credential=ME/20260101/s3/aws4_request, x"}, "X-Amz-Region-Set": {"*"}}, Call{Operation: "PUT /bucket/key", Write: true, Service: "s3", Region: "*", AccessKey: "ME"}},
		{"unsigned nonsense", "DELETE", "/", "%zz", http.Header{"Content-Type": {"application/x-www-form-urlencoded"}, "Authorization": {"Credential=a/b"}}, Call{Operation: "DELETE /", Write: true}},
	} {
		r := httptest.NewRequest(test.method, test.target, strings.NewReader(test.body))
		for name, values := range test.header {
			r.Header[name] = values
		}
		got, err := classify(r)
		got.Start = time.Time{}
		if err != nil || got != test.want {
			t.Errorf("%s: %+v, %v", test.what, got, err)
		}
	}
}

func testDoor(t *testing.T, c *Cloud) {
	resp, err := http.Get(c.Layout.Endpoint + "/drbot/promotions")
	if err != nil || resp.StatusCode != http.StatusNotFound {
		t.Errorf("%v, %v", resp, err)
	}
}
