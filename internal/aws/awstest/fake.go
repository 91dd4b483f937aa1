// Package awstest is an AWS for tests of the adapters alone: a server that answers
// for every service and Region by a table, and keeps what it was asked.
package awstest

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/internal/aws"
)

// The Regions, and what the service of Portal has in them.
const (
	Seoul = dr.Region("ap-northeast-2")
	Tokyo = dr.Region("ap-northeast-1")

	SeoulARN = "arn:aws:rds:ap-northeast-2:123456789012:cluster:portal-seoul"
	TokyoARN = "arn:aws:rds:ap-northeast-1:123456789012:cluster:portal-tokyo"
	GroupARN = "arn:aws:elasticloadbalancing:ap-northeast-1:123456789012:targetgroup/portal/50dc6c495c0c9188"

	Role = "arn:aws:iam::123456789012:role/drbot"

	// CallTimeout is long enough for a loaded machine and short enough to be waited for.
	CallTimeout = 2 * time.Second
)

// Portal is a service with one database and one ECS service.
func Portal() dr.Service {
	return dr.Service{
		Name:       "portal",
		Strategy:   dr.WarmStandby,
		Objectives: dr.Objectives{RPO: 5 * time.Minute},
		Regions:    []dr.Region{Seoul, Tokyo},
		Resources:  []dr.Resource{Database(), Workload()},
	}
}

// Database is Portal's database.
func Database() dr.Resource {
	return dr.Resource{
		Name: "orders", System: dr.AuroraGlobal,
		Spec: map[string]string{"global_cluster": "portal"},
		In:   map[dr.Region]map[string]string{Seoul: {"cluster_arn": SeoulARN}, Tokyo: {"cluster_arn": TokyoARN}},
	}
}

// Workload is Portal's ECS service, in Tokyo behind a target group.
func Workload() dr.Resource {
	return dr.Resource{
		Name: "web", System: dr.ECSService,
		In: map[dr.Region]map[string]string{
			Seoul: {"cluster": "apps", "service": "portal"},
			Tokyo: {"cluster": "apps", "service": "portal", "target_group": GroupARN},
		},
	}
}

// Answer writes what AWS says to a call.
type Answer = func(http.ResponseWriter, Call)

// Call is one request as AWS would see it.
type Call struct {
	Region  dr.Region // it was signed for
	Service string
	Action  string
	Form    url.Values // of the query protocol
	Body    string
}

func (c Call) String() string { return string(c.Region) + " " + c.Action }

// Fake answers for every service and Region by a table, and keeps what it was asked.
type Fake struct {
	*httptest.Server
	mu      sync.Mutex
	calls   []Call
	answers map[string]Answer // "REGION ACTION", or "ACTION" for any Region
	release chan struct{}
}

// NewFake starts one, which ends with the test.
func NewFake(t *testing.T) *Fake {
	t.Helper()
	f := &Fake{answers: make(map[string]Answer), release: make(chan struct{})}
	f.Server = httptest.NewServer(f)
	t.Cleanup(func() { close(f.release); f.Server.Close() })
	return f
}

// On says the answer to "REGION ACTION", to "ACTION" in any Region or to "REGION *".
func (f *Fake) On(what string, answer Answer) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.answers[what] = answer
}

// answer finds the answer to a call, and keeps that it was asked.
func (f *Fake) answer(c Call) (Answer, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls = append(f.calls, c)
	for _, key := range []string{c.String(), c.Action, string(c.Region) + " *"} {
		if answer, ok := f.answers[key]; ok {
			return answer, true
		}
	}
	return nil, false
}

// Hang answers nothing until the test is over.
func (f *Fake) Hang(http.ResponseWriter, Call) { <-f.release }

func (f *Fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c := readCall(r)
	if answer, ok := f.answer(c); ok {
		answer(w, c)
		return
	}
	http.Error(w, "the test expects no "+c.String(), http.StatusTeapot)
}

func readCall(r *http.Request) Call {
	body, _ := io.ReadAll(r.Body)
	c := Call{Body: string(body)}
	// Credential=KEY/DATE/REGION/SERVICE/aws4_request
	if _, rest, ok := strings.Cut(r.Header.Get("Authorization"), "Credential="); ok {
		if scope := strings.Split(rest, "/"); len(scope) > 3 {
			c.Region, c.Service = dr.Region(scope[2]), scope[3]
		}
	}
	c.Form, _ = url.ParseQuery(c.Body)
	c.Action = c.Form.Get("Action")
	if c.Action == "" {
		path := strings.Split(r.URL.Path, "/")
		c.Action = path[len(path)-1]
	}
	if target := r.Header.Get("X-Amz-Target"); target != "" {
		c.Action = target[strings.LastIndexByte(target, '.')+1:]
	}
	return c
}

// Asked lists the calls as "REGION ACTION".
func (f *Fake) Asked() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var out []string
	for _, c := range f.calls {
		out = append(out, c.String())
	}
	return out
}

// Count counts the calls that were "REGION ACTION".
func (f *Fake) Count(what string) int {
	n := 0
	for _, a := range f.Asked() {
		if a == what {
			n++
		}
	}
	return n
}

// Last is the newest call of an action.
func (f *Fake) Last(action string) Call {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, c := range slices.Backward(f.calls) {
		if c.Action == action {
			return c
		}
	}
	return Call{}
}

// Client is a client under test in front of the fake.
func (f *Fake) Client(t *testing.T, change ...func(*aws.Options)) *aws.Client {
	t.Helper()
	o := aws.Options{Endpoint: f.URL, CallTimeout: CallTimeout}
	for _, c := range change {
		c(&o)
	}
	c, err := aws.New(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	return c
}
