package config

import (
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/drbot/drbot/dr"
)

// with is the example with its resources and acts replaced.
func with(t *testing.T, resources, acts string) string {
	t.Helper()
	data, err := os.ReadFile(example)
	if err != nil {
		t.Fatal(err)
	}
	head, tail, found := strings.Cut(string(data), "    resources:\n")
	_, after, ends := strings.Cut(tail, "    names:\n")
	before, rest, lists := strings.Cut(after, "    acts: ")
	_, last, _ := strings.Cut(rest, "\n")
	if !found || !ends || !lists {
		t.Fatal("the example has no resources, names and acts in this order")
	}
	if acts != "" {
		acts = "    acts: " + acts + "\n"
	}
	return head + resources + "    names:\n" + before + acts + last
}

const (
	twoDatabases = `    resources:
      - {name: orders, system: aurora-global, after: [users], global_cluster: orders, in: {ap-northeast-2: {cluster_arn: "arn:aws:rds:ap-northeast-2:123456789012:cluster:o2"}, ap-northeast-1: {cluster_arn: "arn:aws:rds:ap-northeast-1:123456789012:cluster:o1"}}}
      - {name: users, system: aurora-global, global_cluster: users, in: {ap-northeast-2: {cluster_arn: "arn:aws:rds:ap-northeast-2:123456789012:cluster:u2"}, ap-northeast-1: {cluster_arn: "arn:aws:rds:ap-northeast-1:123456789012:cluster:u1"}}}
      - {name: web, system: ecs-service, after: [orders], in: {ap-northeast-2: {cluster: c, service: web}, ap-northeast-1: {cluster: c, service: web}}}
`
	noDatabase = `    resources:
      - {name: web, system: ecs-service, in: {ap-northeast-2: {cluster: c, service: web}, ap-northeast-1: {cluster: c, service: web}}}
`
	// oldKeys is how a service's database and workloads were written before resources.
	oldKeys = `    database:
      global_cluster: portal
      clusters:
        ap-northeast-2: arn:aws:rds:ap-northeast-2:123456789012:cluster:portal-ap-northeast-2
        ap-northeast-1: arn:aws:rds:ap-northeast-1:123456789012:cluster:portal-ap-northeast-1
    workloads:
      ap-northeast-2: {cluster: portal, service: portal, target_group: portal}
      ap-northeast-1: {cluster: portal, service: portal_tokyo}
`
	everyAct = "[promote, apply/target, redeploy, gate, apply/traffic]"
)

func called(rs []dr.Resource) (out []string) {
	for _, r := range rs {
		out = append(out, r.Name)
	}
	return out
}

func TestResources(t *testing.T) {
	c, err := Parse([]byte(with(t, twoDatabases, "[promote/users, promote/orders, apply/target, redeploy, gate, apply/traffic]")), options(true))
	if err != nil {
		t.Fatal(err)
	}
	s := c.Services["portal"]
	if got := called(s.ResourcesOf(dr.AuroraGlobal)); !slices.Equal(got, []string{"users", "orders"}) {
		t.Errorf("the databases are promoted in the order %v", got)
	}
	c, err = Parse([]byte(strings.Replace(with(t, noDatabase, ""), `health: "0 * * * *"`, `health: ""`, 1)), options(true))
	if err != nil {
		t.Fatal(err)
	}
	if s := c.Services["portal"]; slices.Contains(s.Acts, "promote") || !slices.Contains(s.Acts, "redeploy") || len(c.Notices) > 0 {
		t.Errorf("a service without a database does %v", s.Acts)
	}
}

// TestOldKeys takes a configuration of the edition before, and what its notice says to
// write instead: both are the same service.
func TestOldKeys(t *testing.T) {
	old, err := Parse([]byte(with(t, oldKeys, everyAct)), options(true))
	if err != nil {
		t.Fatal(err)
	}
	s := old.Services["portal"]
	if got := called(s.Resources); !slices.Equal(got, []string{"portal", "portal-service"}) {
		t.Errorf("the resources are %v", got)
	}
	db, web := s.Resources[0], s.Resources[1]
	if web.At("ap-northeast-1", "service") != "portal_tokyo" || web.At("ap-northeast-1", "target_group") != "" || db.At("ap-northeast-2", "cluster_arn") == "" {
		t.Errorf("the database and the workload are %+v, %+v", db, web)
	}
	if len(old.Notices) != 1 {
		t.Fatalf("the notices are %v", old.Notices)
	}
	notice := said(t, &dr.Error{Code: dr.Invalid, What: old.Notices[0], Next: old.Notices[0]})
	first, pasted, _ := strings.Cut(notice, "\n")
	if !strings.HasPrefix(first, "services[0] (portal): database and workloads will not be known") {
		t.Errorf("the notice is %q", notice)
	}
	anew, err := Parse([]byte(with(t, pasted+"\n", everyAct)), options(true))
	if err != nil {
		t.Fatalf("%v\n%s", err, pasted)
	}
	if !reflect.DeepEqual(anew.Services, old.Services) || len(anew.Notices) > 0 {
		t.Errorf("what the notice says to write is another service:\n%+v\n%+v", anew.Services["portal"], s)
	}
}

func TestFaultsOfResources(t *testing.T) {
	inBoth := "in: {ap-northeast-2: {cluster: c, service: web}, ap-northeast-1: {cluster: c, service: web}}"
	one := func(more string) string { return "    resources:\n      - {" + more + "}\n" }
	for name, c := range map[string]struct{ resources, acts, want string }{
		"nothing":           {"", "", "services[0].resources: there is none"},
		"unknown system":    {one("name: web, system: ecs-servise, " + inBoth), "", `resources[0].system: "ecs-servise" is no system; did you mean ecs-service? known here: aurora-global, ecs-service (line`},
		"unknown field":     {one("name: web, system: ecs-service, in: {ap-northeast-2: {clutser: c, service: web}, ap-northeast-1: {cluster: c, service: web}}"), "", "in.ap-northeast-2.clutser: unknown field of ecs-service; did you mean cluster?"},
		"missing field":     {one("name: web, system: ecs-service, in: {ap-northeast-2: {cluster: c}, ap-northeast-1: {cluster: c, service: web}}"), "", "in.ap-northeast-2.service: missing: the name or ARN of the ECS service"},
		"unknown key":       {one("name: web, system: ecs-service, afterr: [], " + inBoth), "", "resources[0].afterr: must be a text"},
		"unknown text":      {one("name: web, system: ecs-service, sytem: x, " + inBoth), "", "resources[0].sytem: unknown key; did you mean system?"},
		"a field outside":   {one("name: web, system: ecs-service, cluster: c, " + inBoth), "", "resources[0].cluster: is another in each Region"},
		"a field inside":    {strings.Replace(twoDatabases, "{cluster_arn:", "{global_cluster: orders, cluster_arn:", 1), "", "in.ap-northeast-2.global_cluster: is the same in every Region"},
		"no form":           {strings.Replace(twoDatabases, "global_cluster: orders", "global_cluster: 'or ders'", 1), "", `resources[0].global_cluster: "or ders" is not the identifier`},
		"another Region":    {strings.Replace(twoDatabases, "rds:ap-northeast-2:", "rds:ap-northeast-1:", 1), "", `resources[0].in.ap-northeast-2.cluster_arn: "arn:aws:rds:ap-northeast-1:123456789012:cluster:o2" is not in ap-northeast-2`},
		"a Region lacks":    {one("name: web, system: ecs-service, in: {ap-northeast-2: {cluster: c, service: web}}"), "", "resources[0].in: has no ap-northeast-1: write down its cluster, service, target_group there"},
		"a Region too many": {one("name: web, system: ecs-service, in: {us-east-1: {}, ap-northeast-2: {cluster: c, service: web}, ap-northeast-1: {cluster: c, service: web}}"), "", "resources[0].in.us-east-1: is not one of the service's Regions, ap-northeast-2 and ap-northeast-1"},
		"no name":           {one("name: Web, system: ecs-service, " + inBoth), "", `resources[0].name: "Web" must be`},
		"doubled name":      {strings.Replace(twoDatabases, "name: users", "name: orders", 1), "", `resources[1].name: "orders" is the name of services[0].resources[0] already`},
		"the same twice":    {noDatabase + strings.Replace(strings.TrimPrefix(noDatabase, "    resources:\n"), "name: web", "name: web2", 1), "", "resources[1]: is the same as services[0].resources[0]"},
		"after nothing":     {strings.Replace(twoDatabases, "after: [orders]", "after: [oders]", 1), "", `resources[2].after[0]: "oders" is no resource of the service; did you mean orders?`},
		"a ring":            {strings.Replace(twoDatabases, "name: users, system: aurora-global", "name: users, system: aurora-global, after: [orders]", 1), "", "resources[0].after: comes after itself, each after the next one: orders, users, orders"},
		"old beside new":    {oldKeys + twoDatabases, "", `services[0].database: stands beside a resource of aurora-global, "orders"`},
		"old headless":      {strings.Replace(oldKeys, "      clusters:", "      headless: true\n      clusters:", 1), "", "services[0].database.headless:"},
		"old and wrong":     {strings.Replace(oldKeys, "cluster:portal-ap-northeast-1", "cluster:portal tokyo", 1), "", "services[0].database.clusters.ap-northeast-1:"},
		"old and missing":   {strings.Replace(oldKeys, "service: portal_tokyo", "service: ''", 1), "", "services[0].workloads.ap-northeast-1.service: missing"},

		"against the usual order": {strings.NewReplacer("system: aurora-global, global_cluster: users", "system: aurora-global, after: [web], global_cluster: users", "after: [orders]", "after: []").Replace(twoDatabases), "", "services[0].resources[1].after[0]: comes after web, and a run that lists no acts does promote before redeploy: take it out"},

		"an act for nothing":     {noDatabase, everyAct, "acts[0]: the service has no resource of aurora-global to promote"},
		"an act for a stranger":  {twoDatabases, "[promote/user, promote/orders, apply/target, gate, apply/traffic]", `acts[0]: "user" is no resource of aurora-global of this service; did you mean users?`},
		"an act for a workload":  {twoDatabases, "[promote/web, promote, apply/target, gate, apply/traffic]", `acts[0]: "web" is no resource of aurora-global`},
		"an act without a name":  {twoDatabases, "[promote/, apply/target, gate, apply/traffic]", `acts[0]: "" is no resource`},
		"a database forgotten":   {twoDatabases, "[promote/users, apply/target, gate, apply/traffic]", "acts: promote/orders is missing"},
		"promoted twice":         {twoDatabases, "[promote, promote/users, apply/target, gate, apply/traffic]", "acts[1]: promote is done to users twice: promote does it already"},
		"against the order":      {twoDatabases, "[promote/orders, promote/users, apply/target, gate, apply/traffic]", "acts[0]: promote/orders acts on orders, which comes after users: put it behind promote/users, or promote"},
		"an unknown act":         {twoDatabases, "[promte, apply/target, gate, apply/traffic]", `acts[0]: "promte" is no act; did you mean promote? known here: promote, apply/target, apply/traffic, redeploy, gate; promote and redeploy may name one resource, as promote/NAME`},
		"an apply of nothing":    {twoDatabases, "[promote, apply/targets, gate, apply/traffic]", `acts[1]: "apply/targets" is no act; did you mean apply/target?`},
		"an apply of everything": {twoDatabases, "[promote, apply, gate, apply/traffic]", `acts[1]: "apply" is no act`},
		"a gate of something":    {twoDatabases, "[promote, apply/target, gate/web, apply/traffic]", `acts[2]: "gate/web" is no act`},
		"no gate":                {twoDatabases, "[promote, apply/target, apply/traffic]", "acts: gate is missing: without it the service is not moved"},
		"applied twice":          {twoDatabases, "[promote, apply/target, apply/target, gate, apply/traffic]", `acts[2]: "apply/target" is there twice`},
		"traffic before a gate":  {twoDatabases, "[promote, apply/target, apply/traffic, gate]", "acts: a gate must stand before apply/traffic"},
		"nothing of the traffic": {twoDatabases, "[promote, apply/target, gate]", "acts: apply/traffic is missing"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Parse([]byte(with(t, c.resources, c.acts)), options(true))
			if !strings.Contains(said(t, err), c.want) || dr.CodeOf(err) != dr.Invalid {
				t.Errorf("%s\nmust say %q", said(t, err), c.want)
			}
		})
	}
}

// TestARingIsOneFault has resources come after one another in a ring, within a system and
// across two: that alone is told, and no order that nobody could keep.
func TestARingIsOneFault(t *testing.T) {
	users := "name: users, system: aurora-global"
	for name, c := range map[string]struct{ resources, acts string }{
		"of one system":       {strings.Replace(twoDatabases, users, users+", after: [orders]", 1), "[promote/orders, promote/users, apply/target, gate, apply/traffic]"},
		"of two":              {strings.Replace(twoDatabases, users, users+", after: [web]", 1), ""},
		"of two, with a list": {strings.Replace(twoDatabases, users, users+", after: [web]", 1), "[promote, redeploy, apply/target, gate, apply/traffic]"},
	} {
		_, err := Parse([]byte(with(t, c.resources, c.acts)), options(true))
		if what := said(t, err); !strings.Contains(what, "has 1 fault:") || !strings.Contains(what, "comes after itself") {
			t.Errorf("%s: %s", name, what)
		}
	}
}
