package aws

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"encoding/pem"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	watchtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	"github.com/aws/aws-sdk-go-v2/service/rds"
	"github.com/aws/aws-sdk-go-v2/service/route53"
	route53types "github.com/aws/aws-sdk-go-v2/service/route53/types"
	"github.com/miekg/dns"
)

// TestReference is about a cloud that holds a zone alone, as it is given to an infrastructure made by Terraform.
func TestReference(t *testing.T) {
	dir := t.TempDir()
	c, err := Start(t.Context(), Options{Dir: dir, Timings: quick, ZoneOnly: true})
	if errors.Is(err, ErrNoMoto) {
		t.Skipf("lacking Moto 5.2: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	t.Run("nothing there", func(t *testing.T) { testNothingThere(t, c) })
	t.Run("comes and goes", func(t *testing.T) { testComesAndGoes(t, c) })
	t.Run("lag of a later cluster", func(t *testing.T) { testLaterLag(t, c) })
	t.Run("global cluster taken apart", func(t *testing.T) { testTakenApart(t, c) })
	t.Run("standby takes over", func(t *testing.T) { testTakeover(t, c) })
	t.Run("outage", func(t *testing.T) { testGlobalCalls(t, c) })
	t.Run("host key", func(t *testing.T) { testHostKey(t, c, dir) })
	t.Run("direct connect", func(t *testing.T) { testDirectConnect(t, c) })
	t.Run("call nobody has", func(t *testing.T) { testNobodyHas(t, c) })
}

func testNothingThere(t *testing.T, c *Cloud) {
	if c.Layout.ZoneID == "" {
		t.Error("no zone")
	}
	if _, _, err := c.GlobalWriter(t.Context()); !errors.Is(err, ErrAbsent) {
		t.Errorf("GlobalWriter: %v", err)
	}
	if _, _, err := c.Running(t.Context(), tokyo); !errors.Is(err, ErrAbsent) {
		t.Errorf("Running: %v", err)
	}
	if _, err := c.HealthyTargets(t.Context(), tokyo); !errors.Is(err, ErrAbsent) {
		t.Errorf("HealthyTargets: %v", err)
	}
	if live, err := c.Live(t.Context(), tokyo); err != nil || live.LoadBalancerARN != "" {
		t.Errorf("Live: %+v, %v", live, err)
	}
	if target, err := c.Record(t.Context()); target != "" || err != nil {
		t.Errorf("Record: %q, %v", target, err)
	}
	if got := status(c, tokyo); got != 0 {
		t.Errorf("something answers %d without a load balancer", got)
	}
}

func testComesAndGoes(t *testing.T, c *Cloud) {
	at := c.clients[tokyo]
	for round := range 2 {
		region := c.Layout.Regions[tokyo]
		if err := c.seedRegion(t.Context(), &region, 1); err != nil {
			t.Fatal(err)
		}
		live, err := c.Live(t.Context(), tokyo)
		if err != nil || live != region {
			t.Errorf("round %d: Live = %+v, %v; want %+v", round, live, err, region)
		}
		eventually(t, "the application answers", func() bool { return status(c, tokyo) == http.StatusOK })
		if got := ask(t, c, "udp", live.LoadBalancerDNS, dns.TypeA); len(got.Answer) != 1 {
			t.Errorf("round %d: the load balancer's name: %v", round, got)
		}
		removeService(t, at, region)
		if _, _, err := c.Running(t.Context(), tokyo); !errors.Is(err, ErrAbsent) {
			t.Errorf("round %d: Running: %v", round, err)
		}
		if got := status(c, tokyo); got != 0 {
			t.Errorf("round %d: something answers %d when all is gone", round, got)
		}
		eventually(t, "its name is gone", func() bool {
			return ask(t, c, "udp", live.LoadBalancerDNS, dns.TypeA).Rcode == dns.RcodeNameError
		})
	}
}

// removeService takes away what seedRegion made, as Terraform does: the listener with its load balancer.
func removeService(t *testing.T, at *clients, region Region) {
	t.Helper()
	_, err1 := at.ecs.DeleteService(t.Context(), &ecs.DeleteServiceInput{
		Cluster: &region.ECSCluster, Service: &region.ECSService, Force: awssdk.Bool(true),
	})
	_, err2 := at.elb.DeleteLoadBalancer(t.Context(), &elb.DeleteLoadBalancerInput{LoadBalancerArn: &region.LoadBalancerARN})
	_, err3 := at.elb.DeleteTargetGroup(t.Context(), &elb.DeleteTargetGroupInput{TargetGroupArn: &region.TargetGroupARN})
	if err := errors.Join(err1, err2, err3); err != nil {
		t.Fatal(err)
	}
}

func testLaterLag(t *testing.T, c *Cloud) {
	if err := c.seedDatabase(t.Context(), c.Layout, c.Layout.GlobalCluster); err != nil {
		t.Fatal(err)
	}
	if region, _, err := c.GlobalWriter(t.Context()); region != seoul || err != nil {
		t.Errorf("writer: %s, %v", region, err)
	}
	id := c.Layout.Regions[tokyo].ClusterID
	eventually(t, "lag of the secondary", func() bool {
		now := time.Now()
		found, err := through(c, tokyo).watch.GetMetricStatistics(t.Context(), &cloudwatch.GetMetricStatisticsInput{
			Namespace: awssdk.String("AWS/RDS"), MetricName: &lagMetrics[0], Period: awssdk.Int32(60),
			StartTime: awssdk.Time(now.Add(-time.Minute)), EndTime: awssdk.Time(now.Add(time.Minute)),
			Statistics: []watchtypes.Statistic{watchtypes.StatisticMaximum},
			Dimensions: []watchtypes.Dimension{{Name: awssdk.String("DBClusterIdentifier"), Value: &id}},
		})
		return err == nil && len(found.Datapoints) > 0
	})
}

// testTakenApart: the members leave, one by one call, one by its end, and then the global cluster can go.
func testTakenApart(t *testing.T, c *Cloud) {
	remove := func(region string) error {
		at := c.Layout.Regions[region]
		_, err1 := c.clients[region].rds.DeleteDBInstance(t.Context(), &rds.DeleteDBInstanceInput{
			DBInstanceIdentifier: &at.InstanceID, SkipFinalSnapshot: awssdk.Bool(true),
		})
		_, err2 := c.clients[region].rds.DeleteDBCluster(t.Context(), &rds.DeleteDBClusterInput{
			DBClusterIdentifier: &at.ClusterID, SkipFinalSnapshot: awssdk.Bool(true),
		})
		return errors.Join(err1, err2)
	}
	standby := c.Layout.Regions[tokyo]
	global := &rds.DeleteGlobalClusterInput{GlobalClusterIdentifier: &c.Layout.GlobalCluster}
	if _, err := c.clients[seoul].rds.DeleteGlobalCluster(t.Context(), global); code(err) != "InvalidGlobalClusterStateFault" {
		t.Errorf("deleted with its members: %v", err)
	}
	_, err := c.clients[seoul].rds.RemoveFromGlobalCluster(t.Context(), &rds.RemoveFromGlobalClusterInput{
		GlobalClusterIdentifier: &c.Layout.GlobalCluster, DbClusterIdentifier: &standby.ClusterARN,
	})
	if err := errors.Join(err, remove(tokyo), remove(seoul)); err != nil {
		t.Fatal(err)
	}
	if _, err := c.clients[seoul].rds.DeleteGlobalCluster(t.Context(), global); err != nil {
		t.Error(err)
	}
	if _, _, err := c.GlobalWriter(t.Context()); !errors.Is(err, ErrAbsent) {
		t.Errorf("GlobalWriter: %v", err)
	}
}

// testTakeover trips the alarm in the standby Region and sees the name move, without Route 53's control plane.
func testTakeover(t *testing.T, c *Cloud) {
	at := through(c, tokyo)
	alarm := &cloudwatch.PutMetricAlarmInput{
		AlarmName: awssdk.String("takeover"), Namespace: awssdk.String("drbot"), MetricName: awssdk.String("Stay"),
		Statistic: watchtypes.StatisticMaximum, Period: awssdk.Int32(60), EvaluationPeriods: awssdk.Int32(1),
		Threshold: awssdk.Float64(1), ComparisonOperator: watchtypes.ComparisonOperatorGreaterThanOrEqualToThreshold,
		TreatMissingData: awssdk.String("ignore"),
	}
	if _, err := at.watch.PutMetricAlarm(t.Context(), alarm); err != nil {
		t.Fatal(err)
	}
	put := func(value float64) {
		t.Helper()
		_, err := at.watch.PutMetricData(t.Context(), &cloudwatch.PutMetricDataInput{
			Namespace:  alarm.Namespace,
			MetricData: []watchtypes.MetricDatum{{MetricName: alarm.MetricName, Value: &value, Timestamp: awssdk.Time(time.Now())}},
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	check, err := at.dns.CreateHealthCheck(t.Context(), &route53.CreateHealthCheckInput{
		CallerReference: awssdk.String("takeover"),
		HealthCheckConfig: &route53types.HealthCheckConfig{
			Type:                         route53types.HealthCheckTypeCloudwatchMetric,
			AlarmIdentifier:              &route53types.AlarmIdentifier{Name: alarm.AlarmName, Region: route53types.CloudWatchRegion(tokyo)},
			InsufficientDataHealthStatus: route53types.InsufficientDataHealthStatusUnhealthy,
			Inverted:                     awssdk.Bool(true),
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	name := "takeover." + c.Layout.ZoneName
	pair(t, c, name, *check.HealthCheck.Id)
	leads := func(to string) func() bool {
		return func() bool {
			got := ask(t, c, "udp", name, dns.TypeCNAME)
			return len(got.Answer) == 1 && got.Answer[0].(*dns.CNAME).Target == to+"."+c.Layout.ZoneName+"."
		}
	}
	eventually(t, "without data: unhealthy, inverted healthy", leads("first"))
	put(0) // below the threshold: the alarm is OK, inverted the primary is unhealthy
	eventually(t, "the secondary", leads("second"))
	put(2)
	eventually(t, "the primary again", leads("first"))
	found, err := at.watch.DescribeAlarms(t.Context(), &cloudwatch.DescribeAlarmsInput{AlarmNames: []string{"takeover"}})
	if err != nil || len(found.MetricAlarms) != 1 || found.MetricAlarms[0].StateValue != watchtypes.StateValueAlarm {
		t.Errorf("alarm: %+v, %v", found, err)
	}
}

// pair makes a primary record with a health check and a secondary one without.
func pair(t *testing.T, c *Cloud, name, check string) {
	t.Helper()
	record := func(id string, role route53types.ResourceRecordSetFailover) route53types.Change {
		return route53types.Change{Action: route53types.ChangeActionUpsert, ResourceRecordSet: &route53types.ResourceRecordSet{
			Name: &name, Type: route53types.RRTypeCname, TTL: awssdk.Int64(60), SetIdentifier: &id, Failover: role,
			ResourceRecords: []route53types.ResourceRecord{{Value: awssdk.String(id + "." + c.Layout.ZoneName)}},
		}}
	}
	first := record("first", route53types.ResourceRecordSetFailoverPrimary)
	first.ResourceRecordSet.HealthCheckId = &check
	_, err := through(c, tokyo).dns.ChangeResourceRecordSets(t.Context(), &route53.ChangeResourceRecordSetsInput{
		HostedZoneId: &c.Layout.ZoneID, ChangeBatch: &route53types.ChangeBatch{Changes: []route53types.Change{
			first, record("second", route53types.ResourceRecordSetFailoverSecondary),
		}},
	})
	if err != nil {
		t.Fatal(err)
	}
}

// testGlobalCalls: without Seoul, Route 53 and IAM, signed for us-east-1, go on; the journal says who called whom.
func testGlobalCalls(t *testing.T, c *Cloud) {
	if err := c.Outage(t.Context(), seoul, Refuse); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := c.Lift(context.WithoutCancel(t.Context()), seoul); err != nil {
			t.Error(err)
		}
	}()
	if _, err := through(c, seoul).dns.ListHostedZones(t.Context(), &route53.ListHostedZonesInput{}); err != nil {
		t.Errorf("Route 53 without Seoul: %v", err)
	}
	agent := "APN/1.0 HashiCorp/1.0 Terraform/1.11.4 (+https://www.terraform.io) terraform-provider-aws/5.100.0"
	for region, want := range map[string]int{"us-east-1": http.StatusOK, tokyo: http.StatusOK, seoul: 0} {
		form := strings.NewReader("Action=GetCallerIdentity&Version=2011-06-15")
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, c.Layout.Endpoint, form)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.Header.Set("User-Agent", agent)
		req.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=KEY/20260101/"+region+"/sts/aws4_request, SignedHeaders=host, Signature=0")
		got := 0
		if resp, err := http.DefaultClient.Do(req); err == nil {
			resp.Body.Close()
			got = resp.StatusCode
		}
		calls := c.Proxy.TerraformCalls(region)
		if got != want || len(calls) != 1 || calls[0].AccessKey != "KEY" || calls[0].Operation != "GetCallerIdentity" || calls[0].Service != "sts" {
			t.Errorf("%s: %d, journal %+v", region, got, calls)
		}
	}
}

// say sends a call of the JSON protocol past the proxy.
func say(t *testing.T, c *Cloud, region, service, target string, params any) (answer map[string]any, raw string) {
	t.Helper()
	body, err := json.Marshal(params)
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, c.Layout.MotoEndpoint, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-amz-json-1.1")
	req.Header.Set("X-Amz-Target", target)
	req.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=KEY/20260101/"+region+"/"+service+"/aws4_request, SignedHeaders=host, Signature=0")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	content, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(content, &answer); err != nil {
		t.Fatalf("%s: %s: %s", target, resp.Status, content)
	}
	return answer, string(content)
}

// testHostKey: the fingerprint is the key's, and the private key is nowhere.
func testHostKey(t *testing.T, c *Cloud, dir string) {
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	key := string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
	var wire []byte
	for _, part := range [][]byte{[]byte("ssh-ed25519"), public} {
		wire = append(binary.BigEndian.AppendUint32(wire, uint32(len(part))), part...)
	}
	sum := sha256.Sum256(wire)
	want := "SHA256:" + base64.StdEncoding.EncodeToString(sum[:])
	made, _ := say(t, c, tokyo, "transfer", "TransferService.CreateServer", map[string]any{"HostKey": key})
	id := map[string]any{"ServerId": made["ServerId"]}
	got, raw := say(t, c, tokyo, "transfer", "TransferService.DescribeServer", id)
	server, _ := got["Server"].(map[string]any)
	if server["HostKeyFingerprint"] != want || server["State"] != "ONLINE" {
		t.Errorf("server: %s, want %s", raw, want)
	}
	secret := base64.StdEncoding.EncodeToString(der)
	log, err := os.ReadFile(filepath.Join(dir, "moto.log"))
	if err != nil || strings.Contains(raw, secret) || strings.Contains(string(log), secret) {
		t.Errorf("the private key is shown, or %v", err)
	}
	if refused, _ := say(t, c, tokyo, "transfer", "TransferService.CreateServer", map[string]any{"HostKey": "no key"}); refused["__type"] != "InvalidRequestException" {
		t.Errorf("a key that is none: %v", refused)
	}
	say(t, c, tokyo, "transfer", "TransferService.DeleteServer", id)
	if gone, _ := say(t, c, tokyo, "transfer", "TransferService.DescribeServer", id); gone["__type"] != "ResourceNotFoundException" {
		t.Errorf("after its end: %v", gone)
	}
}

func testDirectConnect(t *testing.T, c *Cloud) {
	call := func(operation string, params any) map[string]any {
		answer, _ := say(t, c, tokyo, "directconnect", "OvertureService."+operation, params)
		return answer
	}
	line := call("CreateConnection", map[string]any{"location": "EqTY2", "bandwidth": "1Gbps", "connectionName": "office"})
	made := call("CreatePrivateVirtualInterface", map[string]any{
		"connectionId":               line["connectionId"],
		"newPrivateVirtualInterface": map[string]any{"virtualInterfaceName": "office", "vlan": 101, "asn": 65000},
	})
	states := func() [2]any {
		found, _ := call("DescribeVirtualInterfaces", map[string]any{})["virtualInterfaces"].([]any)
		if len(found) != 1 {
			t.Fatalf("interfaces: %v", found)
		}
		one := found[0].(map[string]any)
		return [2]any{one["virtualInterfaceState"], one["bgpPeers"].([]any)[0].(map[string]any)["bgpStatus"]}
	}
	if got := states(); got != [2]any{"available", "up"} || made["virtualInterfaceId"] == "" {
		t.Errorf("%v, %v", got, made)
	}
	if err := c.SetFaults(t.Context(), Faults{DirectConnectDown: []string{tokyo}}); err != nil {
		t.Fatal(err)
	}
	if got := states(); got != [2]any{"down", "down"} {
		t.Errorf("with the fault: %v", got)
	}
	if err := c.SetFaults(t.Context(), Faults{}); err != nil {
		t.Fatal(err)
	}
}

// testNobodyHas: a call that is missing is refused at once and named, not with a 500 that clients try again.
func testNobodyHas(t *testing.T, c *Cloud) {
	answer, raw := say(t, c, tokyo, "transfer", "TransferService.CreateWebApp", map[string]any{})
	if answer["__type"] != "NotImplemented" || !strings.Contains(raw, "create_web_app") {
		t.Errorf("%s", raw)
	}
}
