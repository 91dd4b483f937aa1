package config

import (
	"regexp"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/drbot/drbot/dr"
)

// The fields that the old keys turn into.
const (
	globalCluster = "global_cluster"
	clusterARN    = "cluster_arn"
	ecsCluster    = "cluster"
	ecsService    = "service"
	targetGroup   = "target_group"
)

// legacy turns the keys database and workloads, which knew one database and one ECS
// service, into resources, and shows what to write instead. They are taken for one
// edition more.
func (f *checker) legacy(at string, in service, s *dr.Service) []entry {
	var out []entry
	var keys []string
	if in.Database != nil {
		keys, out = append(keys, "database"), append(out, f.oldDatabase(at+".database", in, s))
	}
	if in.Workloads != nil {
		keys, out = append(keys, "workloads"), append(out, f.oldWorkloads(at+".workloads", in, s, out))
	}
	if len(out) == 0 {
		return nil
	}
	f.notices = append(f.notices, dr.T("config.old-keys", "at", at, "service", in.Name, "keys", joined(keys), "lines", dr.Foreign(lines(out))))
	return out
}

func (f *checker) oldDatabase(at string, in service, s *dr.Service) entry {
	f.beside(at, in, dr.AuroraGlobal)
	if in.Database.Headless {
		f.faults.add(at+".headless", dr.T("config.headless"))
	}
	r := resource{Name: resourceName(in.Database.GlobalCluster), System: dr.AuroraGlobal,
		Spec: map[string]string{globalCluster: in.Database.GlobalCluster}, In: map[string]map[string]string{}}
	for region, arn := range in.Database.Clusters {
		if s.Has(dr.Region(region)) {
			r.In[region] = map[string]string{clusterARN: arn}
		}
	}
	return entry{r, at, func(field string) string { return at + "." + field }, func(region, _ string) string {
		return at + ".clusters." + region
	}}
}

func (f *checker) oldWorkloads(at string, in service, s *dr.Service, before []entry) entry {
	f.beside(at, in, dr.ECSService)
	r := resource{System: dr.ECSService, In: map[string]map[string]string{}}
	for region, w := range in.Workloads {
		if !s.Has(dr.Region(region)) {
			continue
		}
		r.In[region] = map[string]string{ecsCluster: w.Cluster, ecsService: w.Service}
		if w.TargetGroup != "" {
			r.In[region][targetGroup] = w.TargetGroup
		}
	}
	service := in.Workloads[string(s.Regions[0])].Service
	r.Name = resourceName(service[strings.LastIndexByte(service, '/')+1:])
	for _, e := range before {
		if e.Name == r.Name {
			r.Name = resourceName(r.Name[:min(len(r.Name), 32)] + "-service")
		}
	}
	return entry{r, at, func(field string) string { return at + "." + field }, func(region, field string) string {
		return strings.TrimSuffix(at+"."+region+"."+field, ".")
	}}
}

// beside refuses an old key next to resources of the same system.
func (f *checker) beside(at string, in service, system string) {
	for _, r := range in.Resources {
		if r.System == system {
			f.faults.add(at, dr.T("config.beside", "system", system, "resource", quoted(r.Name)))
			return
		}
	}
}

var notInName = regexp.MustCompile(`[^a-z0-9-]+`)

// resourceName makes a name for a resource of what AWS calls it.
func resourceName(s string) string {
	s = strings.TrimLeft(notInName.ReplaceAllString(strings.ToLower(s), "-"), "-0123456789")
	if len(s) < 2 {
		s = "resource-" + s
	}
	return s[:min(len(s), 40)]
}

// lines writes resources as they stand in the file, below a service.
func lines(entries []entry) string {
	out := "    resources:\n"
	for _, e := range entries {
		text, err := yaml.Marshal(flow(e.resource))
		if err != nil {
			text = []byte(err.Error() + "\n") // texts in maps can always be written
		}
		out += "      - " + string(text)
	}
	return strings.TrimSuffix(out, "\n")
}

// flow is a resource as a mapping in one line.
func flow(r resource) *yaml.Node {
	text := func(s string) *yaml.Node {
		n := &yaml.Node{}
		n.SetString(s)
		return n
	}
	object := func(m map[string]*yaml.Node, keys []string) *yaml.Node {
		n := &yaml.Node{Kind: yaml.MappingNode, Style: yaml.FlowStyle}
		for _, k := range keys {
			n.Content = append(n.Content, text(k), m[k])
		}
		return n
	}
	values := func(m map[string]string) *yaml.Node {
		nodes := map[string]*yaml.Node{}
		for k, v := range m {
			nodes[k] = text(v)
		}
		return object(nodes, sortedKeys(nodes))
	}
	in := map[string]*yaml.Node{}
	for region, fields := range r.In {
		in[region] = values(fields)
	}
	all := map[string]*yaml.Node{"name": text(r.Name), "system": text(r.System), "in": object(in, sortedKeys(in))}
	keys := []string{"name", "system"}
	for _, k := range sortedKeys(r.Spec) {
		keys, all[k] = append(keys, k), text(r.Spec[k])
	}
	return object(all, append(keys, "in"))
}
