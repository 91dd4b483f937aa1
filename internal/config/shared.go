package config

import (
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/drbot/drbot/dr"
)

// What a run moves has one owner. Two services over one database, or two stacks over one
// state, would each undo what a run of the other did; two entries of one service over one
// would be acted on twice.

// owners is what was named so far, each with where.
type owners struct {
	*faults
	held     map[string]holder
	accounts bool // the roles are another for each service
}

type holder struct {
	at      string
	service string
	applied bool // by a run
}

// moved claims what a run acts on, by the fields that every resource of its system has: in
// each Region, and as the whole.
func (f *owners) moved(e entry, sys system, r dr.Resource, s *dr.Service) {
	before := len(f.list)
	for _, region := range slices.Sorted(maps.Keys(r.In)) {
		var values []string
		named := false // by its account as well
		for _, field := range sys.Fields {
			if v := r.At(region, field.Name); field.Regional && !field.Optional && v != "" {
				values, named = append(values, v), named || strings.HasPrefix(v, "arn:")
			}
		}
		if len(values) == 0 {
			continue
		}
		id := append([]string{r.System, string(region)}, values...)
		if f.accounts && !named { // each service may be in an account of its own
			id = append(id, s.Name)
		}
		f.claim(e.region(string(region), ""), id, s)
	}
	if len(f.list) > before {
		return // one cause, told where its parts are
	}
	at, id := "", []string{r.System, ""}
	for _, field := range sys.Fields {
		if v := r.Spec[field.Name]; !field.Regional && !field.Optional && v != "" {
			at, id = e.global(field.Name), append(id, v)
		}
	}
	if at == "" {
		return
	}
	account := accountOf(r)
	if account == "" && f.accounts {
		account = s.Name
	}
	f.claim(at, append(id, account), s)
}

// claim takes what a run acts on for a service, unless another has it.
func (f *owners) claim(at string, id []string, s *dr.Service) {
	key := strings.Join(id, "\n")
	first, taken := f.held[key]
	switch {
	case !taken:
		f.held[key] = holder{at: at, service: s.Name}
	case first.service == s.Name:
		f.add(at, dr.T("config.shared.twice", "first", first.at))
	default:
		f.add(at, dr.T("config.shared.resource", "first", first.at, "service", first.service))
	}
}

// accountOf is the account that the ARNs of a resource name; empty where none does.
func accountOf(r dr.Resource) string {
	for _, region := range slices.Sorted(maps.Keys(r.In)) {
		for _, name := range slices.Sorted(maps.Keys(r.In[region])) {
			if _, account := arn(r.In[region][name]); account != "" {
				return account
			}
		}
	}
	return ""
}

// places are what says where a state is whichever folder it is used from, by the backend.
var places = [][]string{{"bucket", "key"}, {"storage_account_name", "container_name", "key"}, {"bucket", "prefix"}}

// stateOf names the Terraform state of a stack, as far as the file tells it.
func stateOf(repo dr.Repository, st dr.Stack) string {
	id := []string{st.Workspace}
	if st.Workspace == "" || st.Workspace == "default" {
		id[0] = "default"
	} else {
		id = append(id, st.BackendConfig["workspace_key_prefix"])
	}
	for _, keys := range places {
		if !slices.ContainsFunc(keys, func(k string) bool { return st.BackendConfig[k] == "" }) {
			for _, k := range keys {
				id = append(id, k, st.BackendConfig[k])
			}
			return strings.Join(id, "\n")
		}
	}
	if p := st.BackendConfig["path"]; path.IsAbs(p) {
		return strings.Join(append(id, "path", path.Clean(p)), "\n")
	}
	id = append(id, strings.ToLower(repo.Owner+"/"+repo.Name), st.Dir)
	for _, k := range sortedKeys(st.BackendConfig) {
		id = append(id, k, st.BackendConfig[k])
	}
	return strings.Join(id, "\n")
}

// owned claims a stack's state. Services may look at one together that no run applies.
func (f *owners) owned(at string, st dr.Stack, s *dr.Service) {
	if st.Dir == "" {
		return // said already
	}
	key := "state\n" + stateOf(s.Repository, st)
	first, taken := f.held[key]
	applied := st.Role != dr.DataStack
	switch {
	case !taken:
		f.held[key] = holder{at, s.Name, applied}
	case first.service == s.Name:
		f.add(at, dr.T("config.shared.state.twice", "first", first.at))
	case applied && first.applied:
		f.add(at, dr.T("config.shared.state", "first", first.at, "service", first.service))
	case applied:
		f.held[key] = holder{at, s.Name, applied}
	}
}

// hole is what somebody meant to be filled in.
var hole = regexp.MustCompile(`\{[A-Za-z][A-Za-z0-9_.-]*\}`)

// holes reports what stands in braces and is filled in by nobody.
func (f *faults) holes(at, value string, known ...string) {
	for _, h := range hole.FindAllString(value, -1) {
		switch name := h[1 : len(h)-1]; {
		case slices.Contains(known, name):
		case len(known) == 0:
			f.add(at, dr.T("config.hole.none", "hole", h))
		default:
			f.add(at, dr.T("config.hole", "hole", h, "known", knownAre(name, known)))
		}
	}
}

// filled checks what is filled in by {service} and {region}.
func (f *faults) filled(in file) {
	fill := func(at, value string) { f.holes(at, value, "service", "region") }
	fill("aws.read_role", in.AWS.ReadRole)
	fill("aws.apply_role", in.AWS.ApplyRole)
	fill("aws.promote_role", in.AWS.PromoteRole)
	for _, name := range sortedKeys(in.Terraform.Environment) {
		fill("terraform.environment."+name, in.Terraform.Environment[name])
	}
	for _, name := range sortedKeys(in.Terraform.ApplyEnv) {
		fill("terraform.apply_environment."+name, in.Terraform.ApplyEnv[name])
	}
}
