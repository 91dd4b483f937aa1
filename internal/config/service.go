package config

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/robfig/cron/v3"

	"github.com/drbot/drbot/dr"
)

var (
	nameForm    = regexp.MustCompile(`^[a-z][a-z0-9-]{1,39}$`)
	regionForm  = regexp.MustCompile(`^[a-z]{2}(-[a-z]+)+-\d$`)
	channelForm = regexp.MustCompile(`^[CG][A-Z0-9]{2,20}$`)
	clusterForm = regexp.MustCompile(`^arn:aws[a-z-]*:rds:([a-z0-9-]+):\d{12}:cluster:[A-Za-z][A-Za-z0-9-]*$`)
	repoForm    = regexp.MustCompile(`^[A-Za-z0-9._-]+$`)
)

func (f *faults) people(in []person) dr.People {
	var out dr.People
	owner := map[string]string{}
	claim := func(at, what, who string) {
		if other, taken := owner[what]; taken {
			f.add(at, "%s belongs to %s already", what, other)
		}
		owner[what] = who
	}
	for i, p := range in {
		at := fmt.Sprintf("people[%d]", i)
		if p.Name == "" {
			f.add(at+".name", "missing")
		}
		claim(at+".name", "the name "+p.Name, p.Name)
		if len(p.GitHub) == 0 {
			f.add(at+".github", "missing: without a GitHub login nobody can tell whether %s approves their own request", p.Name)
		}
		for _, id := range p.Slack {
			claim(at+".slack", "Slack id "+id, p.Name)
		}
		for _, l := range p.GitHub {
			claim(at+".github", "GitHub login "+strings.ToLower(l), p.Name)
		}
		for _, u := range p.LocalUsers {
			claim(at+".local_users", "local user "+u, p.Name)
		}
		out = append(out, dr.Person{Name: p.Name, SlackIDs: p.Slack, GitHubLogins: p.GitHub, LocalUsers: p.LocalUsers})
	}
	return out
}

func (f *faults) service(at string, in service, people dr.People) dr.Service {
	s := dr.Service{
		Name: in.Name, Strategy: dr.Strategy(in.Strategy), Channel: in.Channel,
		Objectives: dr.Objectives{RTO: time.Duration(in.Objectives.RTO), RPO: time.Duration(in.Objectives.RPO)},
		Cooldown:   defaultCooldown, Expiry: defaultExpiry, Quorum: minQuorum,
		Acts: in.Acts, Requesters: in.Requesters, Approvers: in.Approvers,
	}
	if !nameForm.MatchString(in.Name) {
		f.add(at+".name", "%q must be 2 to 40 of a-z, 0-9 and -, beginning with a letter", in.Name)
	}
	if !slices.Contains(dr.Strategies(), s.Strategy) {
		f.add(at+".strategy", "%q is none of %s", in.Strategy, strategyNames())
	}
	if !channelForm.MatchString(in.Channel) {
		f.add(at+".channel", "%q is no Slack channel id (C0123ABCD; open the channel's details to see it)", in.Channel)
	}
	if s.Objectives.RTO <= 0 {
		f.add(at+".objectives.rto", "missing")
	}
	if s.Objectives.RPO <= 0 {
		f.add(at+".objectives.rpo", "missing")
	}
	f.limits(at, in, &s)
	f.regions(at, in, &s)
	f.repository(at, in, &s)
	f.stacks(at, in, &s)
	f.resources(at, in, &s)
	f.acts(at, &s)
	f.scheduled(at, in, &s)
	f.who(at, s, people)
	return s
}

func (f *faults) limits(at string, in service, s *dr.Service) {
	if in.Cooldown != nil {
		s.Cooldown = time.Duration(*in.Cooldown)
	}
	if in.Expiry != nil {
		s.Expiry = time.Duration(*in.Expiry)
	}
	if s.Expiry <= 0 {
		f.add(at+".expiry", "must be more than nothing")
	}
	if in.Quorum != nil {
		s.Quorum = *in.Quorum
	}
	if s.Quorum < minQuorum {
		f.add(at+".quorum", "is %d; two people are the least and cannot be lowered", s.Quorum)
	}
}

func (f *faults) regions(at string, in service, s *dr.Service) {
	if len(in.Regions) != 2 || in.Regions[0] == in.Regions[1] {
		f.add(at+".regions", "must name two different Regions")
	}
	for i, r := range in.Regions {
		if !regionForm.MatchString(r) {
			f.add(fmt.Sprintf("%s.regions[%d]", at, i), "%q is no AWS Region code", r)
		}
		s.Regions = append(s.Regions, dr.Region(r))
	}
	for len(s.Regions) < 2 {
		s.Regions = append(s.Regions, "")
	}
}

func (f *faults) repository(at string, in service, s *dr.Service) {
	r := in.Repository
	s.Repository = dr.Repository{Owner: r.Owner, Name: r.Name, Base: r.Base, File: r.File}
	if r.Base == "" {
		s.Repository.Base = "main"
	}
	if !repoForm.MatchString(r.Owner) {
		f.add(at+".repository.owner", "%q is no GitHub account", r.Owner)
	}
	if !repoForm.MatchString(r.Name) {
		f.add(at+".repository.name", "%q is no repository name", r.Name)
	}
	f.inside(at+".repository.file", r.File)
	if !strings.HasSuffix(r.File, ".tfvars") {
		f.add(at+".repository.file", "%q must be the .tfvars file that holds active_region", r.File)
	}
}

// inside checks a path in a repository.
func (f *faults) inside(at, p string) {
	if p == "" || path.IsAbs(p) || path.Clean(p) != p || p == ".." || strings.HasPrefix(p, "../") || strings.ContainsAny(p, "\\\x00\n") {
		f.add(at, "%q must be a clean relative path inside the repository", p)
	}
}

func (f *faults) stacks(at string, in service, s *dr.Service) {
	seen := map[string]bool{}
	byRegion := map[dr.Region]int{}
	for i, st := range in.Stacks {
		p := fmt.Sprintf("%s.stacks[%d]", at, i)
		if !nameForm.MatchString(st.Name) || seen[st.Name] {
			f.add(p+".name", "%q must be a name of its own of a-z, 0-9 and -", st.Name)
		}
		seen[st.Name] = true
		f.inside(p+".dir", st.Dir)
		role := dr.StackRole(st.Role)
		switch role {
		case dr.RegionStack:
			if !s.Has(dr.Region(st.Region)) {
				f.add(p+".region", "%q is not one of the service's Regions", st.Region)
			}
			byRegion[dr.Region(st.Region)]++
		case dr.DataStack, dr.TrafficStack:
			if st.Region != "" {
				f.add(p+".region", "only a stack with role region has one")
			}
		default:
			f.add(p+".role", "%q is none of data, region, traffic", st.Role)
		}
		s.Stacks = append(s.Stacks, dr.Stack{Name: st.Name, Dir: st.Dir, Role: role, Region: dr.Region(st.Region), BackendConfig: st.BackendConfig})
	}
	for _, r := range s.Regions {
		if r != "" && byRegion[r] != 1 {
			f.add(at+".stacks", "there must be one stack with role region for %s, and there are %d", r, byRegion[r])
		}
	}
	if len(s.StacksOf(dr.TrafficStack)) == 0 {
		f.add(at+".stacks", "there is none with role traffic: what would move the users?")
	}
}

func (f *faults) resources(at string, in service, s *dr.Service) {
	s.Database = dr.Database{GlobalCluster: in.Database.GlobalCluster, ClusterARN: map[dr.Region]string{}}
	if in.Database.GlobalCluster == "" {
		f.add(at+".database.global_cluster", "missing")
	}
	if in.Database.Headless {
		f.add(at+".database.headless", "a secondary without an instance cannot be promoted as it is; give it one small instance")
	}
	for _, r := range sortedKeys(in.Database.Clusters) {
		arn := in.Database.Clusters[r]
		m := clusterForm.FindStringSubmatch(arn)
		if m == nil || m[1] != r {
			f.add(at+".database.clusters."+r, "%q is no cluster ARN of that Region", arn)
		}
		s.Database.ClusterARN[dr.Region(r)] = arn
	}
	s.Workloads = map[dr.Region]dr.Workload{}
	for r, w := range in.Workloads {
		s.Workloads[dr.Region(r)] = dr.Workload{Cluster: w.Cluster, Service: w.Service, TargetGroup: w.TargetGroup}
	}
	s.Names = dr.Names{Public: in.Names.Public, Regional: map[dr.Region]string{}, Servers: in.Names.Servers}
	for r, n := range in.Names.Regional {
		s.Names.Regional[dr.Region(r)] = n
	}
	if s.Names.Public == "" {
		f.add(at+".names.public", "missing: the name users resolve")
	}
	for _, r := range s.Regions {
		if r == "" {
			continue
		}
		if s.Database.ClusterARN[r] == "" {
			f.add(at+".database.clusters", "has no cluster ARN for %s; it cannot be looked up when that Region is lost", r)
		}
		if w := s.Workloads[r]; w.Cluster == "" || w.Service == "" {
			f.add(at+".workloads", "has no cluster and service for %s", r)
		}
		if s.Names.Regional[r] == "" {
			f.add(at+".names.regional", "has no name for %s", r)
		}
	}
	for i, p := range in.Probes {
		if !strings.HasPrefix(p.URL, "http://{host}") && !strings.HasPrefix(p.URL, "https://{host}") {
			f.add(fmt.Sprintf("%s.probes[%d].url", at, i), "%q must begin with https://{host} (or http://{host})", p.URL)
		}
		status := p.Status
		if status == 0 {
			status = 200
		}
		s.Probes = append(s.Probes, dr.Probe{URL: p.URL, Status: status})
	}
}

func (f *faults) acts(at string, s *dr.Service) {
	if len(s.Acts) == 0 {
		s.Acts = dr.DefaultActs()
		return
	}
	known := dr.DefaultActs()
	for i, a := range s.Acts {
		if !slices.Contains(known, a) {
			f.add(fmt.Sprintf("%s.acts[%d]", at, i), "%q is none of %s", a, strings.Join(known, ", "))
		}
		if a != dr.ActGate && slices.Contains(s.Acts[:i], a) {
			f.add(fmt.Sprintf("%s.acts[%d]", at, i), "%q is there twice", a)
		}
	}
	for _, must := range []string{dr.ActPromote, dr.ActApplyTarget, dr.ActGate, dr.ActApplyTraffic} {
		if !slices.Contains(s.Acts, must) {
			f.add(at+".acts", "%s is missing: without it the service is not moved", must)
		}
	}
	if g, t := slices.Index(s.Acts, dr.ActGate), slices.Index(s.Acts, dr.ActApplyTraffic); g > t && t >= 0 {
		f.add(at+".acts", "a gate must stand before apply/traffic, or users reach a Region nobody looked at")
	}
}

func (f *faults) scheduled(at string, in service, s *dr.Service) {
	s.Schedule = dr.Schedule{Health: in.Schedule.Health, Drift: in.Schedule.Drift, TimeZone: in.Schedule.TimeZone}
	if s.Schedule.TimeZone == "" {
		s.Schedule.TimeZone = "UTC"
	}
	if _, err := time.LoadLocation(s.Schedule.TimeZone); err != nil {
		f.add(at+".schedule.time_zone", "%q is no IANA time zone such as Asia/Seoul", s.Schedule.TimeZone)
		return
	}
	for key, spec := range map[string]string{"health": s.Schedule.Health, "drift": s.Schedule.Drift} {
		if spec == "" {
			continue
		}
		if _, err := cron.ParseStandard(spec); err != nil {
			f.add(at+".schedule."+key, "%q is no cron expression of five fields", spec)
		}
	}
}

func (f *faults) who(at string, s dr.Service, people dr.People) {
	for key, names := range map[string][]string{"requesters": s.Requesters, "approvers": s.Approvers} {
		if len(names) == 0 {
			f.add(at+"."+key, "there is none")
		}
		for i, n := range names {
			if _, ok := people.ByName(n); !ok {
				f.add(fmt.Sprintf("%s.%s[%d]", at, key, i), "%q is not in people", n)
			}
			if slices.Contains(names[:i], n) {
				f.add(fmt.Sprintf("%s.%s[%d]", at, key, i), "%q is there twice", n)
			}
		}
	}
	for _, r := range s.Requesters {
		others := len(s.Approvers)
		if slices.Contains(s.Approvers, r) {
			others--
		}
		if others < s.Quorum {
			f.add(at+".approvers", "when %s requests, %d people may approve, but %d are needed", r, others, s.Quorum)
		}
	}
}
