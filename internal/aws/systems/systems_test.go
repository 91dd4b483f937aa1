package systems_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/internal/aws/awstest"
	"github.com/drbot/drbot/internal/aws/systems"
	"github.com/drbot/drbot/policies"
)

// database is another database than Portal's.
func database(name string) dr.Resource {
	r := dr.Resource{
		Name: name, System: dr.AuroraGlobal, Spec: map[string]string{"global_cluster": name},
		In: map[dr.Region]map[string]string{},
	}
	for _, in := range []dr.Region{awstest.Seoul, awstest.Tokyo} {
		r.In[in] = map[string]string{"cluster_arn": fmt.Sprintf("arn:aws:rds:%s:123456789012:cluster:%s-%s", in, name, in)}
	}
	return r
}

// workload is another ECS service than Portal's.
func workload(name string) dr.Resource {
	in := map[string]string{"cluster": "apps", "service": name}
	return dr.Resource{Name: name, System: dr.ECSService, In: map[dr.Region]map[string]string{awstest.Seoul: in, awstest.Tokyo: in}}
}

// large is a service with two databases and three ECS services.
func large() dr.Service {
	s := awstest.Portal()
	s.Resources = []dr.Resource{workload("web"), database("orders"), workload("worker"), database("users"), workload("mail")}
	return s
}

// everyResource answers for whichever database or ECS service is asked about; the
// one that is named has its writer in Tokyo or is INACTIVE.
func everyResource(f *awstest.Fake, bad string) {
	f.On("DescribeGlobalClusters", func(w http.ResponseWriter, c awstest.Call) {
		id := c.Form.Get("GlobalClusterIdentifier")
		arn := func(in dr.Region) string { return fmt.Sprintf("arn:aws:rds:%s:123456789012:cluster:%s-%s", in, id, in) }
		awstest.XML(`<GlobalClusters><GlobalClusterMember><GlobalClusterIdentifier>%s</GlobalClusterIdentifier><Status>available</Status><GlobalClusterMembers>
			<GlobalClusterMember><DBClusterArn>%s</DBClusterArn><IsWriter>%t</IsWriter><SynchronizationStatus>connected</SynchronizationStatus></GlobalClusterMember>
			<GlobalClusterMember><DBClusterArn>%s</DBClusterArn><IsWriter>%t</IsWriter><SynchronizationStatus>connected</SynchronizationStatus></GlobalClusterMember>
			</GlobalClusterMembers></GlobalClusterMember></GlobalClusters>`, id, arn(awstest.Seoul), id != bad, arn(awstest.Tokyo), id == bad)(w, c)
	})
	f.On("DescribeDBClusters", func(w http.ResponseWriter, c awstest.Call) {
		awstest.DBCluster(c.Form.Get("DBClusterIdentifier"), "available", "i")(w, c)
	})
	f.On("DescribeDBInstances", awstest.DBInstances("i available"))
	f.On("GetMetricData", awstest.Metrics(awstest.Readings{Status: "Complete", Points: map[time.Time]float64{time.Now().Add(-time.Minute): 300}}))
	f.On("DescribeServices", func(w http.ResponseWriter, c awstest.Call) {
		var asked struct{ Services []string }
		if err := json.Unmarshal([]byte(c.Body), &asked); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		status := "ACTIVE"
		if asked.Services[0] == bad {
			status = "INACTIVE"
		}
		awstest.JSON(http.StatusOK, fmt.Sprintf(`{"services":[{"serviceName":%q,"status":%q,"desiredCount":1,"runningCount":1}]}`, asked.Services[0], status))(w, c)
	})
}

func TestChecksOfEveryResource(t *testing.T) {
	f := awstest.NewFake(t)
	everyResource(f, "")
	got := systems.All(f.Client(t)).Checks(t.Context(), large(), dr.Planned, awstest.Seoul, awstest.Tokyo)
	var lines []string
	for _, c := range got {
		lines = append(lines, strings.TrimSpace(c.Name+" "+c.Resource))
		if c.Level != dr.OK {
			t.Errorf("%s", c.Line())
		}
	}
	ofDatabase := func(name string) (all []string) {
		for _, id := range []string{"aurora.writer", "aurora.state", "aurora.target-sync", "aurora.target-instance", "aurora.lag"} {
			all = append(all, id+" "+name)
		}
		return all
	}
	want := slices.Concat([]string{"target.workload web", "target.controller web"}, ofDatabase("orders"), []string{"source.reachable", "target.workload worker", "target.controller worker"}, ofDatabase("users"), []string{"target.workload mail", "target.controller mail"})
	if !slices.Equal(lines, want) {
		t.Errorf("checks\n%q\nwant\n%q", lines, want)
	}
}

func TestABadResourceIsNamed(t *testing.T) {
	for bad, check := range map[string]string{"users": "aurora.writer", "worker": "target.workload"} {
		f := awstest.NewFake(t)
		everyResource(f, bad)
		for _, c := range systems.All(f.Client(t)).Checks(t.Context(), large(), dr.Planned, awstest.Seoul, awstest.Tokyo) {
			if want := c.Resource == bad && c.Name == check; (c.Level == dr.Fail) != want {
				t.Errorf("%s is bad: %s", bad, c.Line())
			}
		}
	}
}

func TestAServiceWithoutADatabaseLearnsWhetherItsSourceAnswers(t *testing.T) {
	f := awstest.NewFake(t)
	everyResource(f, "")
	f.On("ap-northeast-2 DescribeServices", awstest.JSON(503, `{"__type":"ServiceUnavailable"}`))
	s := awstest.Portal()
	s.Resources = []dr.Resource{workload("web"), workload("worker")}
	all := systems.All(f.Client(t))
	got := all.Checks(t.Context(), s, dr.Planned, awstest.Seoul, awstest.Tokyo)
	var lines []string
	for _, c := range got {
		lines = append(lines, fmt.Sprintf("%s %s %s", c.Name, c.Resource, c.Level))
	}
	if want := []string{"target.workload web ok", "target.controller web ok", "source.reachable  unknown", "target.workload worker ok", "target.controller worker ok"}; !slices.Equal(lines, want) {
		t.Errorf("%q, want %q", lines, want)
	}
	f.On("ap-northeast-2 DescribeServices", awstest.JSON(200, `{"services":[]}`))
	got = systems.All(f.Client(t)).Checks(t.Context(), s, dr.Planned, awstest.Seoul, awstest.Tokyo)
	if c := got[2]; c.Level != dr.OK || !strings.Contains(awstest.Say(t, c.Detail), "no ECS service") {
		t.Errorf("an answer of a kind: %s", c.Line())
	}
}

// What is expected is told before anything is read, and is what is then made.
func TestWhatIsExpectedIsMade(t *testing.T) {
	f := awstest.NewFake(t)
	everyResource(f, "")
	all := systems.All(f.Client(t))
	alone := awstest.Portal()
	alone.Resources = []dr.Resource{workload("web")}
	for name, s := range map[string]dr.Service{"one of each": awstest.Portal(), "large": large(), "no database": alone, "nothing": {Name: "x"}} {
		for _, mode := range []dr.Mode{dr.Planned, dr.Disaster} {
			made := []dr.Expected{}
			for _, c := range all.Checks(t.Context(), s, mode, awstest.Seoul, awstest.Tokyo) {
				made = append(made, dr.Expected{Name: c.Name, Resource: c.Resource, Need: c.Need, Role: c.Role})
			}
			if want := all.Expected(s, mode); want == nil || !slices.Equal(made, want) {
				t.Errorf("%s, %s: made\n%v\nexpected\n%v", name, mode, made, want)
			}
		}
	}
}

// panics is a system whose read goes wrong.
type panics struct{}

func (panics) Specs() []dr.Spec                           { return nil }
func (panics) Read(context.Context, dr.Target) []dr.Check { panic("gone wrong") }

func TestAPanicOfASystemIsTheCallers(t *testing.T) {
	defer func() {
		if p := recover(); !strings.Contains(fmt.Sprint(p), "gone wrong") {
			t.Errorf("recovered %v", p)
		}
	}()
	all := systems.Systems{{SystemInfo: dr.SystemInfo{ID: "odd"}, Reader: panics{}}}
	all.Checks(t.Context(), dr.Service{Resources: []dr.Resource{{Name: "x", System: "odd"}}}, dr.Planned, awstest.Seoul, awstest.Tokyo)
	t.Error("the panic was lost")
}

// TestASystemThatNobodyReadsIsNotReady reads a service with a resource of a system that is not
// among those that are read: the rules are told of a check that nobody has made.
func TestASystemThatNobodyReadsIsNotReady(t *testing.T) {
	rules, err := policies.New(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	f := awstest.NewFake(t)
	f.AllWell()
	all, s := systems.All(f.Client(t)), awstest.Portal()
	for _, mode := range []dr.Mode{dr.Planned, dr.Disaster} {
		for name, with := range map[string]func(dr.Service) dr.Service{
			"beside others": func(s dr.Service) dr.Service {
				s.Resources = append(slices.Clone(s.Resources), dr.Resource{Name: "jobs", System: "queue"})
				return s
			},
			"alone": func(s dr.Service) dr.Service {
				s.Resources = []dr.Resource{{Name: "jobs", System: "queue"}}
				return s
			},
			"not there": func(s dr.Service) dr.Service { return s },
		} {
			s := with(s)
			verdict, err := rules.Readiness(t.Context(), dr.ReadinessFacts{
				Mode: mode, Source: awstest.Seoul, Target: awstest.Tokyo, Strategy: s.Strategy, RPO: s.Objectives.RPO.Seconds(), Resources: len(s.Resources),
				Checks: all.Checks(t.Context(), s, mode, awstest.Seoul, awstest.Tokyo), Expected: all.Expected(s, mode),
			})
			if err != nil {
				t.Fatal(err)
			}
			if verdict.Allowed != (name == "not there") {
				t.Errorf("%s, %s: allowed %v, %v", mode, name, verdict.Allowed, verdict.Reasons)
			}
			for _, r := range verdict.Reasons {
				if said := awstest.Say(t, r); !strings.Contains(said, "jobs") || !strings.Contains(said, "queue") {
					t.Errorf("%s, %s: %q names no resource", mode, name, said)
				}
			}
		}
	}
}

func TestInfos(t *testing.T) {
	f := awstest.NewFake(t)
	bySystem := map[string]dr.SystemInfo{}
	for _, info := range systems.Infos() {
		bySystem[info.ID] = info
		names := map[string]bool{}
		for _, field := range info.Fields {
			if field.Name == "" || !strings.Contains(awstest.Say(t, info.Means(field.Name)), " ") || names[field.Name] {
				t.Errorf("%s: %+v", info.ID, field)
			}
			names[field.Name] = true
			if _, err := regexp.Compile(field.Form); err != nil {
				t.Errorf("%s: %v", field.Name, err)
			}
		}
	}
	all := systems.All(f.Client(t))
	if len(all) != len(bySystem) {
		t.Errorf("%d systems are read, %d may be configured", len(all), len(bySystem))
	}
	for _, s := range all {
		if !slices.EqualFunc(s.Reader.Specs(), bySystem[s.ID].Specs, sameSpec) || len(s.Specs) == 0 {
			t.Errorf("%s tells its checks in two ways", s.ID)
		}
	}
	// The examples of every test are of the form that is asked for.
	for _, r := range awstest.Portal().Resources {
		for _, field := range bySystem[r.System].Fields {
			values := []string{r.Spec[field.Name]}
			if field.Regional {
				values = []string{r.At(awstest.Seoul, field.Name), r.At(awstest.Tokyo, field.Name)}
			}
			for _, v := range values {
				if v == "" && !field.Optional || v != "" && !regexp.MustCompile("^(?:"+field.Form+")$").MatchString(v) && field.Form != "" {
					t.Errorf("%s: %s is %q", r.Name, field.Name, v)
				}
			}
		}
	}
}

func sameSpec(a, b dr.Spec) bool {
	return a.ID == b.ID && a.Unit == b.Unit && a.Threshold == b.Threshold && a.Role == b.Role && maps.Equal(a.Need, b.Need)
}

// TestSpecsAreThoseTheDecisionsWereMadeWith holds the needs to the table that the
// decisions about readiness are kept for, word for word.
func TestSpecsAreThoseTheDecisionsWereMadeWith(t *testing.T) {
	doc, err := os.ReadFile("../../../policies/testdata/readiness_checks.json")
	if err != nil {
		t.Fatal(err)
	}
	var told []struct {
		Name  string
		Role  dr.Role
		Needs map[dr.Mode]dr.Need
	}
	if err := json.Unmarshal(doc, &told); err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, info := range systems.Infos() {
		for _, spec := range info.Specs {
			for _, c := range told {
				if c.Name != spec.ID {
					continue
				}
				found++
				if c.Role != spec.Role || !maps.Equal(c.Needs, spec.Need) {
					t.Errorf("%s: %q %v, the decisions were made with %q %v", spec.ID, spec.Role, spec.Need, c.Role, c.Needs)
				}
			}
		}
	}
	if found != 8 { // seven, one of them told by two systems
		t.Errorf("%d checks of the table found", found)
	}
}
