package awstest

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/smithy-go/encoding/cbor"

	"github.com/drbot/drbot/dr"
)

// XML answers in the query protocol.
func XML(inner string, args ...any) Answer {
	return func(w http.ResponseWriter, c Call) {
		w.Header().Set("Content-Type", "text/xml")
		fmt.Fprintf(w, "<%[1]sResponse><%[1]sResult>%[2]s</%[1]sResult></%[1]sResponse>", c.Action, fmt.Sprintf(inner, args...))
	}
}

// XMLError refuses in the query protocol.
func XMLError(status int, code string) Answer {
	return func(w http.ResponseWriter, _ Call) {
		w.Header().Set("Content-Type", "text/xml")
		w.WriteHeader(status)
		fmt.Fprintf(w, "<ErrorResponse><Error><Type>Sender</Type><Code>%s</Code><Message>raw text of the provider</Message></Error><RequestId>0a1b</RequestId></ErrorResponse>", code)
	}
}

// JSON answers in the protocol of ECS.
func JSON(status int, body string) Answer {
	return func(w http.ResponseWriter, _ Call) {
		w.Header().Set("Content-Type", "application/x-amz-json-1.1")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

// CBOR answers in the protocol of CloudWatch.
func CBOR(status int, v cbor.Value) Answer {
	return func(w http.ResponseWriter, _ Call) {
		w.Header().Set("Content-Type", "application/cbor")
		w.Header().Set("Smithy-Protocol", "rpc-v2-cbor")
		w.WriteHeader(status)
		_, _ = w.Write(cbor.Encode(v))
	}
}

// HalfAnswer says that an answer comes and does not send all of it.
func HalfAnswer(w http.ResponseWriter, c Call) {
	w.Header().Set("Content-Length", "4096")
	_, _ = io.WriteString(w, "<"+c.Action+"Response>")
}

// CutOff ends the connection without an answer.
func CutOff(w http.ResponseWriter, _ Call) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err == nil {
		_ = conn.Close()
	}
}

// GlobalCluster answers DescribeGlobalClusters. Each member is "ARN writer sync".
func GlobalCluster(status, failover string, members ...string) Answer {
	var list strings.Builder
	for _, m := range members {
		p := strings.Fields(m)
		fmt.Fprintf(&list, "<GlobalClusterMember><DBClusterArn>%s</DBClusterArn><IsWriter>%s</IsWriter><SynchronizationStatus>%s</SynchronizationStatus></GlobalClusterMember>", p[0], p[1], p[2])
	}
	return XML("<GlobalClusters><GlobalClusterMember><GlobalClusterIdentifier>portal</GlobalClusterIdentifier><Status>%s</Status><EngineVersion>8.0.mysql_aurora.3.08.0</EngineVersion>%s<GlobalClusterMembers>%s</GlobalClusterMembers></GlobalClusterMember></GlobalClusters>", status, failover, list.String())
}

// SteadyGlobalCluster is Portal's with its writer in Seoul.
func SteadyGlobalCluster() Answer {
	return GlobalCluster("available", "", SeoulARN+" true connected", TokyoARN+" false connected")
}

// DBCluster answers DescribeDBClusters; the first instance is the writer's.
func DBCluster(id, status string, instances ...string) Answer {
	var list strings.Builder
	for i, name := range instances {
		fmt.Fprintf(&list, "<DBClusterMember><DBInstanceIdentifier>%s</DBInstanceIdentifier><IsClusterWriter>%t</IsClusterWriter></DBClusterMember>", name, i == 0)
	}
	return XML("<DBClusters><DBCluster><DBClusterIdentifier>%s</DBClusterIdentifier><Status>%s</Status><DBClusterMembers>%s</DBClusterMembers></DBCluster></DBClusters>", id, status, list.String())
}

// DBInstances answers DescribeDBInstances. Each is "ID STATUS".
func DBInstances(all ...string) Answer {
	var list strings.Builder
	for _, i := range all {
		p := strings.Fields(i)
		fmt.Fprintf(&list, "<DBInstance><DBInstanceIdentifier>%s</DBInstanceIdentifier><DBInstanceStatus>%s</DBInstanceStatus></DBInstance>", p[0], p[1])
	}
	return XML("<DBInstances>%s</DBInstances>", list.String())
}

// ECSService answers DescribeServices.
func ECSService(status string, desired, running int) Answer {
	return JSON(http.StatusOK, fmt.Sprintf(`{"services":[{"serviceName":"portal","status":%q,"desiredCount":%d,"runningCount":%d,"pendingCount":1,
		"loadBalancers":[{"targetGroupArn":%q}],"deployments":[
		{"id":"ecs-svc/1","status":"ACTIVE","rolloutState":"COMPLETED","createdAt":1700000000},
		{"id":"ecs-svc/2","status":"PRIMARY","rolloutState":"IN_PROGRESS","createdAt":1800000000}]}],"failures":[]}`, status, desired, running, GroupARN))
}

// Readings is one result of GetMetricData.
type Readings struct {
	Status string
	Points map[time.Time]float64
}

// Metrics answers GetMetricData in the order of its queries, which have the ids
// lag0, lag1 and so on.
func Metrics(all ...Readings) Answer {
	var results cbor.List
	for i, s := range all {
		var times, values cbor.List
		for at, v := range s.Points {
			times = append(times, &cbor.Tag{ID: 1, Value: cbor.Float64(float64(at.UnixMilli()) / 1000)})
			values = append(values, cbor.Float64(v))
		}
		results = append(results, cbor.Map{"Id": cbor.String(fmt.Sprintf("lag%d", i)), "StatusCode": cbor.String(s.Status), "Timestamps": times, "Values": values})
	}
	return CBOR(http.StatusOK, cbor.Map{"MetricDataResults": results})
}

// AllWell answers for a pair of Regions with nothing to complain about.
func (f *Fake) AllWell() {
	f.On("DescribeGlobalClusters", SteadyGlobalCluster())
	f.On("ap-northeast-1 DescribeDBClusters", DBCluster("portal-tokyo", "available", "t"))
	f.On("ap-northeast-1 DescribeDBInstances", DBInstances("t available"))
	f.On("ap-northeast-2 DescribeDBClusters", DBCluster("portal-seoul", "available", "s"))
	f.On("GetMetricData", Metrics(Readings{"Complete", map[time.Time]float64{time.Now().Add(-time.Minute): 300}}))
	f.On("DescribeServices", ECSService("ACTIVE", 2, 1))
}

// Refused fails the test unless an error has this code and shows people nothing
// of the provider's own text.
func Refused(t *testing.T, err error, code dr.Code) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error, want %s", code)
	}
	if got := dr.CodeOf(err); got != code {
		t.Errorf("code %s, want %s: %v", got, code, err)
	}
	msg, hint := Told(t, err)
	if msg == "" || strings.Contains(msg+hint, "raw text") || strings.Contains(strings.ToLower(msg+hint), "requestid") {
		t.Errorf("people are shown %q, %q", msg, hint)
	}
}
