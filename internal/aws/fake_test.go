package aws

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/smithy-go/encoding/cbor"

	"github.com/drbot/drbot/dr"
)

const (
	seoul = dr.Region("ap-northeast-2")
	tokyo = dr.Region("ap-northeast-1")

	seoulARN = "arn:aws:rds:ap-northeast-2:123456789012:cluster:portal-seoul"
	tokyoARN = "arn:aws:rds:ap-northeast-1:123456789012:cluster:portal-tokyo"
	groupARN = "arn:aws:elasticloadbalancing:ap-northeast-1:123456789012:targetgroup/portal/50dc6c495c0c9188"

	// testTimeout is long enough for a loaded machine and short enough to be waited for.
	testTimeout = 2 * time.Second
)

func portal() dr.Service {
	return dr.Service{
		Name:       "portal",
		Strategy:   dr.WarmStandby,
		Objectives: dr.Objectives{RPO: 5 * time.Minute},
		Regions:    []dr.Region{seoul, tokyo},
		Database: dr.Database{
			GlobalCluster: "portal",
			ClusterARN:    map[dr.Region]string{seoul: seoulARN, tokyo: tokyoARN},
		},
		Workloads: map[dr.Region]dr.Workload{
			seoul: {Cluster: "apps", Service: "portal"},
			tokyo: {Cluster: "apps", Service: "portal", TargetGroup: groupARN},
		},
	}
}

// call is one request as AWS would see it.
type call struct {
	region  dr.Region // it was signed for
	service string
	action  string
	form    url.Values // of the query protocol
	body    string
}

func (c call) String() string { return string(c.region) + " " + c.action }

// fake answers for every service and Region by a table, and keeps what it was asked.
type fake struct {
	*httptest.Server
	mu      sync.Mutex
	calls   []call
	answers map[string]func(http.ResponseWriter, call) // "REGION ACTION", or "ACTION" for any Region
	release chan struct{}
}

func newFake(t *testing.T) *fake {
	t.Helper()
	f := &fake{answers: make(map[string]func(http.ResponseWriter, call)), release: make(chan struct{})}
	f.Server = httptest.NewServer(f)
	t.Cleanup(func() { close(f.release); f.Server.Close() })
	return f
}

func (f *fake) on(what string, answer func(http.ResponseWriter, call)) { f.answers[what] = answer }

// hang answers nothing until the test is over.
func (f *fake) hang(http.ResponseWriter, call) { <-f.release }

func (f *fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c := readCall(r)
	f.mu.Lock()
	f.calls = append(f.calls, c)
	f.mu.Unlock()
	for _, key := range []string{c.String(), c.action, string(c.region) + " *"} {
		if answer, ok := f.answers[key]; ok {
			answer(w, c)
			return
		}
	}
	http.Error(w, "the test expects no "+c.String(), http.StatusTeapot)
}

func readCall(r *http.Request) call {
	body, _ := io.ReadAll(r.Body)
	c := call{body: string(body)}
	// Credential=KEY/DATE/REGION/SERVICE/aws4_request
	if _, rest, ok := strings.Cut(r.Header.Get("Authorization"), "Credential="); ok {
		if scope := strings.Split(rest, "/"); len(scope) > 3 {
			c.region, c.service = dr.Region(scope[2]), scope[3]
		}
	}
	c.form, _ = url.ParseQuery(c.body)
	c.action = c.form.Get("Action")
	if c.action == "" {
		path := strings.Split(r.URL.Path, "/")
		c.action = path[len(path)-1]
	}
	if target := r.Header.Get("X-Amz-Target"); target != "" {
		c.action = target[strings.LastIndexByte(target, '.')+1:]
	}
	return c
}

// asked lists the calls as "REGION ACTION".
func (f *fake) asked() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var out []string
	for _, c := range f.calls {
		out = append(out, c.String())
	}
	return out
}

func (f *fake) count(what string) int {
	n := 0
	for _, a := range f.asked() {
		if a == what {
			n++
		}
	}
	return n
}

func (f *fake) last(action string) call {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, c := range slices.Backward(f.calls) {
		if c.action == action {
			return c
		}
	}
	return call{}
}

func (f *fake) client(t *testing.T, change ...func(*Options)) *Client {
	t.Helper()
	o := Options{Endpoint: f.URL, CallTimeout: testTimeout}
	for _, c := range change {
		c(&o)
	}
	c, err := New(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// xml answers in the query protocol.
func xml(inner string, args ...any) func(http.ResponseWriter, call) {
	return func(w http.ResponseWriter, c call) {
		w.Header().Set("Content-Type", "text/xml")
		fmt.Fprintf(w, "<%[1]sResponse><%[1]sResult>%[2]s</%[1]sResult></%[1]sResponse>", c.action, fmt.Sprintf(inner, args...))
	}
}

func xmlError(status int, code string) func(http.ResponseWriter, call) {
	return func(w http.ResponseWriter, _ call) {
		w.Header().Set("Content-Type", "text/xml")
		w.WriteHeader(status)
		fmt.Fprintf(w, "<ErrorResponse><Error><Type>Sender</Type><Code>%s</Code><Message>raw text of the provider</Message></Error><RequestId>0a1b</RequestId></ErrorResponse>", code)
	}
}

func json(status int, body string) func(http.ResponseWriter, call) {
	return func(w http.ResponseWriter, _ call) {
		w.Header().Set("Content-Type", "application/x-amz-json-1.1")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

// broken says that an answer comes and does not send all of it.
func broken(w http.ResponseWriter, c call) {
	w.Header().Set("Content-Length", "4096")
	_, _ = io.WriteString(w, "<"+c.action+"Response>")
}

// global answers DescribeGlobalClusters. Each member is "ARN writer sync".
func global(status, failover string, members ...string) func(http.ResponseWriter, call) {
	var list strings.Builder
	for _, m := range members {
		p := strings.Fields(m)
		fmt.Fprintf(&list, "<GlobalClusterMember><DBClusterArn>%s</DBClusterArn><IsWriter>%s</IsWriter><SynchronizationStatus>%s</SynchronizationStatus></GlobalClusterMember>", p[0], p[1], p[2])
	}
	return xml("<GlobalClusters><GlobalClusterMember><GlobalClusterIdentifier>portal</GlobalClusterIdentifier><Status>%s</Status><EngineVersion>8.0.mysql_aurora.3.08.0</EngineVersion>%s<GlobalClusterMembers>%s</GlobalClusterMembers></GlobalClusterMember></GlobalClusters>", status, failover, list.String())
}

func steady() func(http.ResponseWriter, call) {
	return global("available", "", seoulARN+" true connected", tokyoARN+" false connected")
}

// cluster answers DescribeDBClusters; the first instance is the writer's.
func cluster(id, status string, instances ...string) func(http.ResponseWriter, call) {
	var list strings.Builder
	for i, name := range instances {
		fmt.Fprintf(&list, "<DBClusterMember><DBInstanceIdentifier>%s</DBInstanceIdentifier><IsClusterWriter>%t</IsClusterWriter></DBClusterMember>", name, i == 0)
	}
	return xml("<DBClusters><DBCluster><DBClusterIdentifier>%s</DBClusterIdentifier><Status>%s</Status><DBClusterMembers>%s</DBClusterMembers></DBCluster></DBClusters>", id, status, list.String())
}

// instances answers DescribeDBInstances. Each is "ID STATUS".
func instances(all ...string) func(http.ResponseWriter, call) {
	var list strings.Builder
	for _, i := range all {
		p := strings.Fields(i)
		fmt.Fprintf(&list, "<DBInstance><DBInstanceIdentifier>%s</DBInstanceIdentifier><DBInstanceStatus>%s</DBInstanceStatus></DBInstance>", p[0], p[1])
	}
	return xml("<DBInstances>%s</DBInstances>", list.String())
}

// ecsService answers DescribeServices.
func ecsService(status string, desired, running int) func(http.ResponseWriter, call) {
	return json(http.StatusOK, fmt.Sprintf(`{"services":[{"serviceName":"portal","status":%q,"desiredCount":%d,"runningCount":%d,"pendingCount":1,
		"loadBalancers":[{"targetGroupArn":%q}],"deployments":[
		{"id":"ecs-svc/1","status":"ACTIVE","rolloutState":"COMPLETED","createdAt":1700000000},
		{"id":"ecs-svc/2","status":"PRIMARY","rolloutState":"IN_PROGRESS","createdAt":1800000000}]}],"failures":[]}`, status, desired, running, groupARN))
}

// series is one result of GetMetricData.
type series struct {
	status string
	points map[time.Time]float64
}

// metrics answers GetMetricData in the protocol CloudWatch speaks with the SDK.
func metrics(all ...series) func(http.ResponseWriter, call) {
	var results cbor.List
	for i, s := range all {
		var times, values cbor.List
		for at, v := range s.points {
			times = append(times, &cbor.Tag{ID: 1, Value: cbor.Float64(float64(at.UnixMilli()) / 1000)})
			values = append(values, cbor.Float64(v))
		}
		results = append(results, cbor.Map{"Id": cbor.String(queryID(i)), "StatusCode": cbor.String(s.status), "Timestamps": times, "Values": values})
	}
	return cborAnswer(http.StatusOK, cbor.Map{"MetricDataResults": results})
}

func cborAnswer(status int, v cbor.Value) func(http.ResponseWriter, call) {
	return func(w http.ResponseWriter, _ call) {
		w.Header().Set("Content-Type", "application/cbor")
		w.Header().Set("Smithy-Protocol", "rpc-v2-cbor")
		w.WriteHeader(status)
		_, _ = w.Write(cbor.Encode(v))
	}
}

// refused fails the test unless an error has this code and shows people nothing
// of the provider's own text.
func refused(t *testing.T, err error, code dr.Code) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error, want %s", code)
	}
	if got := dr.CodeOf(err); got != code {
		t.Errorf("code %s, want %s: %v", got, code, err)
	}
	msg, hint := dr.Public(err, "")
	if msg == "" || strings.Contains(msg+hint, "raw text") || strings.Contains(strings.ToLower(msg+hint), "requestid") {
		t.Errorf("people are shown %q, %q", msg, hint)
	}
}
