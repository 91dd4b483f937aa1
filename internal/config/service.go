package config

import (
	"fmt"
	"maps"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/drbot/drbot/dr"
)

var (
	nameForm    = regexp.MustCompile(`^[a-z][a-z0-9-]{1,39}$`)
	regionForm  = regexp.MustCompile(`^[a-z]{2}(-[a-z]+)+-\d$`)
	channelForm = regexp.MustCompile(`^[CG][A-Z0-9]{2,20}$`)
	repoForm    = regexp.MustCompile(`^[A-Za-z0-9._-]+$`)
)

func (f *checker) people(in []person) dr.People {
	var out dr.People
	owner := map[string]string{}
	claim := func(at string, what dr.Text, who string) {
		if other, taken := owner[what.String()]; taken {
			f.faults.add(at, dr.T("config.taken", "what", what, "who", other))
		}
		owner[what.String()] = who
	}
	for i, p := range in {
		at := fmt.Sprintf("people[%d]", i)
		if p.Name == "" {
			f.faults.add(at+".name", dr.T("config.missing"))
		}
		claim(at+".name", dr.T("config.claim.name", "name", p.Name), p.Name)
		if len(p.GitHub) == 0 {
			f.faults.add(at+".github", dr.T("config.no-login", "person", p.Name))
		}
		for _, id := range p.Slack {
			claim(at+".slack", dr.T("config.claim.slack", "id", id), p.Name)
		}
		for _, l := range p.GitHub {
			claim(at+".github", dr.T("config.claim.github", "login", strings.ToLower(l)), p.Name)
		}
		for _, u := range p.LocalUsers {
			claim(at+".local_users", dr.T("config.claim.local", "user", u), p.Name)
		}
		out = append(out, dr.Person{Name: p.Name, SlackIDs: p.Slack, GitHubLogins: p.GitHub, LocalUsers: p.LocalUsers})
	}
	return out
}

func (f *checker) service(at string, in service, people dr.People) dr.Service {
	s := dr.Service{
		Name: in.Name, Strategy: dr.Strategy(in.Strategy), Channel: in.Channel,
		Objectives: dr.Objectives{RTO: time.Duration(in.Objectives.RTO), RPO: time.Duration(in.Objectives.RPO)},
		Cooldown:   defaultCooldown, Expiry: defaultExpiry, Quorum: minQuorum,
		Acts: in.Acts, Requesters: in.Requesters, Approvers: in.Approvers,
	}
	if !nameForm.MatchString(in.Name) {
		f.faults.add(at+".name", dr.T("config.no-name", "name", quoted(in.Name)))
	}
	if !slices.Contains(dr.Strategies(), s.Strategy) {
		f.faults.add(at+".strategy", dr.T("config.no-strategy", "strategy", quoted(in.Strategy), "known", strategyNames()))
	}
	if !channelForm.MatchString(in.Channel) {
		f.faults.add(at+".channel", dr.T("config.no-channel", "channel", quoted(in.Channel)))
	}
	for _, key := range []string{"rto", "rpo"} {
		if _, given := f.spans[at+".objectives."+key]; !given {
			f.faults.add(at+".objectives."+key, dr.T("config.no-objective"))
		}
	}
	f.within(at, serviceBounds())
	f.limits(at, in, &s)
	f.regions(at, in, &s)
	f.repository(at, in, &s)
	f.stacks(at, in, &s)
	f.unstable(at, in, &s)
	readCode(f, at+".terraform", in.Terraform, &s)
	places := f.resources(at, in, &s)
	f.reached(at, in, &s)
	f.listedActs(at, &s, places)
	f.scheduled(at, in, &s)
	f.who(at, s, people)
	return s
}

func (f *checker) limits(at string, in service, s *dr.Service) {
	if in.Cooldown != nil {
		s.Cooldown = time.Duration(*in.Cooldown)
	}
	if in.Expiry != nil {
		s.Expiry = time.Duration(*in.Expiry)
	}
	if in.Quorum != nil {
		s.Quorum = *in.Quorum
	}
	if s.Quorum < minQuorum {
		f.faults.add(at+".quorum", dr.T("config.quorum", "quorum", s.Quorum))
	}
}

func (f *checker) regions(at string, in service, s *dr.Service) {
	if len(in.Regions) != 2 || in.Regions[0] == in.Regions[1] {
		f.faults.add(at+".regions", dr.T("config.two-regions"))
	}
	for i, r := range in.Regions {
		if !regionForm.MatchString(r) {
			f.faults.add(fmt.Sprintf("%s.regions[%d]", at, i), dr.T("config.no-region-code", "region", quoted(r)))
		}
		s.Regions = append(s.Regions, dr.Region(r))
	}
	for len(s.Regions) < 2 {
		s.Regions = append(s.Regions, "")
	}
}

// twoRegions tells whether it is known which Regions the service has: else nothing is
// said of those that are named elsewhere.
func twoRegions(s *dr.Service) bool {
	return s.Regions[0] != "" && s.Regions[1] != "" && s.Regions[0] != s.Regions[1]
}

func (f *checker) repository(at string, in service, s *dr.Service) {
	r := in.Repository
	s.Repository = dr.Repository{Owner: r.Owner, Name: r.Name, Base: r.Base, File: r.File}
	if r.Base == "" {
		s.Repository.Base = "main"
	}
	if !repoForm.MatchString(r.Owner) {
		f.faults.add(at+".repository.owner", dr.T("config.no-account", "account", quoted(r.Owner)))
	}
	if !repoForm.MatchString(r.Name) {
		f.faults.add(at+".repository.name", dr.T("config.no-repository", "name", quoted(r.Name)))
	}
	f.inside(at+".repository.file", r.File)
	if !strings.HasSuffix(r.File, ".tfvars") {
		f.faults.add(at+".repository.file", dr.T("config.no-tfvars", "file", quoted(r.File)))
	}
}

// inTime checks that no single wait of a run outlasts the time in which users are to be served
// again: it would be promised and could not be kept.
func (f *faults) inTime(at string, s dr.Service, t Timing) {
	rto := s.Objectives.RTO
	for _, wait := range []struct {
		name string
		time.Duration
	}{{"timing.promote", t.Promote}, {"timing.gate", t.Gate}, {"timing.apply", t.Apply}} {
		if rto > 0 && wait.Duration > rto {
			f.add(at+".objectives.rto", dr.T("config.rto.outlasted", "rto", rto, "wait", wait.name, "limit", wait.Duration))
		}
	}
}

// stateKept checks that the state of a stack that a failover applies is not kept in the Region
// that is left: of a Region's own stack it may be in that Region, which is there when it is used.
// In the standby's it leaves the way back alone in doubt: that is told, and works.
func stateKept(f *checker, at string, stack dr.Stack, s *dr.Service) {
	kept := dr.Region(stack.BackendConfig["region"])
	switch {
	case stack.Role == dr.DataStack || kept == stack.Region || !twoRegions(s) || !s.Has(kept):
	case kept == s.Regions[1]:
		f.notices = append(f.notices, dr.T("config.stack.state-standby", "at", at+".backend_config.region", "region", kept))
	default:
		f.faults.add(at+".backend_config.region", dr.T("config.stack.state", "region", kept))
	}
}

// inside checks a path in a repository.
func (f *checker) inside(at, p string) {
	if p == "" || path.IsAbs(p) || path.Clean(p) != p || p == ".." || strings.HasPrefix(p, "../") || strings.ContainsAny(p, "\\\x00\n") {
		f.faults.add(at, dr.T("config.outside", "path", quoted(p)))
	}
}

func (f *checker) stacks(at string, in service, s *dr.Service) {
	seen := map[string]bool{}
	byRegion := map[dr.Region]int{}
	for i, st := range in.Stacks {
		p := fmt.Sprintf("%s.stacks[%d]", at, i)
		if !nameForm.MatchString(st.Name) || seen[st.Name] {
			f.faults.add(p+".name", dr.T("config.stack.name", "name", quoted(st.Name)))
		}
		seen[st.Name] = true
		f.inside(p+".dir", st.Dir)
		role := dr.StackRole(st.Role)
		switch role {
		case dr.RegionStack:
			if twoRegions(s) && !s.Has(dr.Region(st.Region)) {
				f.faults.add(p+".region", dr.T("config.stack.region", "region", quoted(st.Region)))
			}
			byRegion[dr.Region(st.Region)]++
		case dr.DataStack, dr.TrafficStack:
			if st.Region != "" {
				f.faults.add(p+".region", dr.T("config.stack.no-region"))
			}
		default:
			f.faults.add(p+".role", dr.T("config.stack.role", "role", quoted(st.Role)))
		}
		if url.PathEscape(st.Workspace) != st.Workspace { // as Terraform judges names
			f.faults.add(p+".workspace", dr.T("config.stack.workspace", "workspace", quoted(st.Workspace)))
		}
		f.faults.holes(p+".dir", st.Dir)
		for _, key := range sortedKeys(st.BackendConfig) {
			f.faults.holes(p+".backend_config."+key, st.BackendConfig[key])
			if issued(st.BackendConfig[key]) {
				f.faults.add(p+".backend_config."+key, dr.T("config.stack.secret")) // and never what it is
			}
		}
		made := dr.Stack{Name: st.Name, Dir: st.Dir, Role: role, Region: dr.Region(st.Region), BackendConfig: st.BackendConfig, Workspace: st.Workspace}
		stateKept(f, p, made, s)
		f.owners.owned(p, made, s)
		s.Stacks = append(s.Stacks, made)
	}
	for _, r := range s.Regions {
		if r != "" && byRegion[r] != 1 {
			f.faults.add(at+".stacks", dr.T("config.stack.one-each", "region", r, "have", byRegion[r]))
		}
	}
	if len(s.StacksOf(dr.TrafficStack)) == 0 {
		f.faults.add(at+".stacks", dr.T("config.stack.no-traffic"))
	}
}

// unstable are attributes that are compared with nothing, each with its reason.
func (f *checker) unstable(at string, in service, s *dr.Service) {
	for i, u := range in.Unstable {
		p := fmt.Sprintf("%s.unstable[%d]", at, i)
		if !slices.ContainsFunc(s.Stacks, func(st dr.Stack) bool { return st.Name == u.Stack }) {
			f.faults.add(p+".stack", dr.T("config.unstable.stack", "stack", quoted(u.Stack)))
		}
		for _, key := range [][2]string{{"address", u.Address}, {"attribute", u.Attribute}, {"reason", u.Reason}} {
			if strings.TrimSpace(key[1]) == "" {
				f.faults.add(p+"."+key[0], dr.T("config.missing"))
			}
		}
		s.Unstable = append(s.Unstable, dr.Unstable{Stack: u.Stack, Address: u.Address, Attribute: u.Attribute, Reason: u.Reason})
	}
}

func (f *checker) reached(at string, in service, s *dr.Service) {
	s.Names = dr.Names{Public: in.Names.Public, Regional: map[dr.Region]string{}, Servers: in.Names.Servers}
	for r, n := range in.Names.Regional {
		s.Names.Regional[dr.Region(r)] = n
	}
	if s.Names.Public == "" {
		f.faults.add(at+".names.public", dr.T("config.no-public-name"))
	}
	f.faults.regional(at+".names", s)
	for i, p := range in.Probes {
		if !strings.HasPrefix(p.URL, "http://{host}") && !strings.HasPrefix(p.URL, "https://{host}") {
			f.faults.add(fmt.Sprintf("%s.probes[%d].url", at, i), dr.T("config.probe", "url", quoted(p.URL)))
		}
		f.faults.holes(fmt.Sprintf("%s.probes[%d].url", at, i), p.URL, "host")
		status := p.Status
		if status == 0 {
			status = 200
		}
		s.Probes = append(s.Probes, dr.Probe{URL: p.URL, Status: status})
	}
}

// regional checks that each Region has a name that leads to it alone: by another one
// nobody could tell whether the target answers.
func (f *faults) regional(at string, s *dr.Service) {
	for _, r := range s.Regions {
		if r != "" && s.Names.Regional[r] == "" {
			f.add(at+".regional", dr.T("config.no-regional-name", "region", r))
		}
	}
	same := func(name string) string { return strings.TrimSuffix(strings.ToLower(name), ".") }
	first := map[string]string{same(s.Names.Public): at + ".public"}
	for _, r := range slices.Sorted(maps.Keys(s.Names.Regional)) {
		name, p := s.Names.Regional[r], at+".regional."+string(r)
		if twoRegions(s) && !s.Has(r) {
			f.add(p, dr.T("config.resource.elsewhere", "first", s.Regions[0], "second", s.Regions[1]))
		}
		if name == "" {
			continue
		}
		if other, taken := first[same(name)]; taken {
			f.add(p, dr.T("config.shared.name", "name", quoted(name), "first", other))
		}
		first[same(name)] = p
	}
}

func (f *checker) scheduled(at string, in service, s *dr.Service) {
	s.Schedule = dr.Schedule{Health: in.Schedule.Health, Drift: in.Schedule.Drift, TimeZone: in.Schedule.TimeZone}
	if s.Schedule.TimeZone == "" {
		s.Schedule.TimeZone = "UTC"
	}
	if _, err := time.LoadLocation(s.Schedule.TimeZone); err != nil || s.Schedule.TimeZone == "Local" {
		f.faults.add(at+".schedule.time_zone", dr.T("config.no-time-zone", "zone", quoted(s.Schedule.TimeZone)))
	}
	for _, plan := range [][2]string{{"health", s.Schedule.Health}, {"drift", s.Schedule.Drift}} {
		if plan[1] == "" {
			continue
		}
		if why := cronFault(plan[1], f.throwaway); !why.Empty() {
			f.faults.add(at+".schedule."+plan[0], why)
		}
	}
	if s.Schedule.Health != "" && !replicates(f.systems, s) {
		f.notices = append(f.notices, dr.T("config.health.nothing", "at", at+".schedule.health", "service", s.Name))
	}
}

// replicates tells whether a service has a resource that is looked at for how far it is
// behind: else a round of health has nothing to say.
func replicates(systems map[string]system, s *dr.Service) bool {
	return slices.ContainsFunc(s.Resources, func(r dr.Resource) bool {
		return slices.ContainsFunc(systems[r.System].Specs, func(spec dr.Spec) bool { return spec.Role == dr.RoleLag })
	})
}

func (f *checker) who(at string, s dr.Service, people dr.People) {
	known := map[string]bool{}
	for _, p := range people {
		known[p.Name] = true
	}
	approve := f.listed(at+".approvers", s.Approvers, known)
	f.listed(at+".requesters", s.Requesters, known)
	var left []string // with whom as the requester the fewest may approve: enough for these is enough for all
	fewest := s.Quorum
	for _, r := range s.Requesters {
		others := len(s.Approvers)
		if approve[r] {
			others--
		}
		switch {
		case others < fewest:
			left, fewest = []string{r}, others
		case others == fewest && others < s.Quorum && !slices.Contains(left, r):
			left = append(left, r)
		}
	}
	if len(left) > 0 {
		f.faults.add(at+".approvers", dr.T("config.too-few-approvers", "who", left, "n", fewest, "needed", s.Quorum))
	}
}

// listed checks a list of people, and gives the set of its names.
func (f *checker) listed(at string, names []string, known map[string]bool) map[string]bool {
	seen := map[string]bool{}
	if len(names) == 0 {
		f.faults.add(at, dr.T("config.none"))
	}
	for i, n := range names {
		if !known[n] && len(known) > 0 { // where there is none, that alone is said
			f.faults.add(fmt.Sprintf("%s[%d]", at, i), dr.T("config.no-person", "name", quoted(n)))
		}
		if seen[n] {
			f.faults.add(fmt.Sprintf("%s[%d]", at, i), dr.T("config.twice", "value", quoted(n)))
		}
		seen[n] = true
	}
	return seen
}
