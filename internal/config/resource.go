package config

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/drbot/drbot/dr"
)

// system is a kind of resource with the forms of its fields ready to be matched.
type system struct {
	dr.SystemInfo
	forms map[string]*regexp.Regexp
}

func compiled(infos []dr.SystemInfo) (map[string]system, error) {
	out := map[string]system{}
	for _, info := range infos {
		s := system{info, map[string]*regexp.Regexp{}}
		for _, field := range info.Fields {
			form, err := regexp.Compile("^(?:" + field.Form + ")$")
			if err != nil {
				return nil, fmt.Errorf("the form of %s of the system %s: %w", field.Name, info.ID, err)
			}
			if field.Form != "" {
				s.forms[field.Name] = form
			}
		}
		out[info.ID] = s
	}
	return out, nil
}

// fields lists the names of the fields for each Region, or of those for the whole.
func (s system) fields(regional bool) []string {
	var out []string
	for _, f := range s.Fields {
		if f.Regional == regional {
			out = append(out, f.Name)
		}
	}
	return out
}

// entry is a resource as it was written, and where its values stand.
type entry struct {
	resource
	at     string
	global func(field string) string
	region func(region, field string) string // of the Region when field is empty
}

func written(at string, r resource) entry {
	return entry{r, at, func(field string) string { return at + "." + field }, func(region, field string) string {
		return strings.TrimSuffix(at+".in."+region+"."+field, ".")
	}}
}

// resources checks those of a service, and gives where each stands in the file by its name.
func (f *checker) resources(at string, in service, s *dr.Service) map[string]string {
	entries := f.legacy(at, in, s)
	for i, r := range in.Resources {
		entries = append(entries, written(fmt.Sprintf("%s.resources[%d]", at, i), r))
	}
	if len(entries) == 0 {
		f.faults.add(at+".resources", dr.T("config.resource.none", "systems", sortedKeys(f.systems)))
		return nil
	}
	places := map[string]string{}
	named, same := map[string]entry{}, map[string]entry{}
	for _, e := range entries {
		if first, twice := named[e.Name]; twice {
			f.faults.add(e.at+".name", dr.T("config.resource.name-taken", "name", quoted(e.Name), "first", first.at))
		}
		named[e.Name], places[e.Name] = e, e.at
		r := f.resource(e, s)
		identity := fmt.Sprint(r.System, r.Spec, r.In) // maps print in order of their keys
		if first, twice := same[identity]; twice {
			f.faults.add(e.at, dr.T("config.resource.same", "first", first.at))
		} else if f.acts.on(r.System) {
			f.owners.moved(e, f.systems[r.System], r, s)
		}
		same[identity] = e
		s.Resources = append(s.Resources, r)
	}
	f.order(entries, named, s)
	return places
}

// resource checks one against what its system says identifies it.
func (f *checker) resource(e entry, s *dr.Service) dr.Resource {
	r := dr.Resource{Name: e.Name, System: e.System, Spec: given(e.Spec), After: e.After, In: map[dr.Region]map[string]string{}}
	for region, fields := range e.In {
		r.In[dr.Region(region)] = given(fields)
	}
	if !nameForm.MatchString(e.Name) {
		f.faults.add(e.at+".name", dr.T("config.no-name", "name", quoted(e.Name)))
	}
	sys, known := f.systems[e.System]
	if !known {
		f.faults.add(e.at+".system", dr.T("config.no-system", "system", quoted(e.System), "known", knownAre(e.System, sortedKeys(f.systems))))
		return r
	}
	f.values(sys, e.Spec, "", e.global)
	for _, region := range sortedKeys(e.In) {
		if twoRegions(s) && !s.Has(dr.Region(region)) {
			f.faults.add(e.region(region, ""), dr.T("config.resource.elsewhere", "first", s.Regions[0], "second", s.Regions[1]))
			continue
		}
		f.values(sys, e.In[region], region, func(field string) string { return e.region(region, field) })
	}
	oneAccount(f, e)
	if len(sys.fields(true)) == 0 {
		return r
	}
	for _, region := range s.Regions {
		if _, there := e.In[string(region)]; !there && region != "" {
			f.faults.add(e.at+".in", dr.T("config.resource.no-region", "region", region, "fields", sys.fields(true)))
		}
	}
	return r
}

// given leaves out the fields that are empty.
func given(fields map[string]string) map[string]string {
	var out map[string]string
	for k, v := range fields {
		if v == "" {
			continue
		}
		if out == nil {
			out = map[string]string{}
		}
		out[k] = v
	}
	return out
}

// values checks what identifies a resource in a Region, or everywhere where region is empty.
func (f *checker) values(sys system, have map[string]string, region string, at func(field string) string) {
	regional := region != ""
	mine := sys.fields(regional)
	for _, name := range sortedKeys(have) {
		switch {
		case slices.Contains(mine, name):
		case regional && slices.Contains(sys.fields(false), name):
			f.faults.add(at(name), dr.T("config.field.global"))
		case slices.Contains(sys.fields(true), name):
			f.faults.add(at(name), dr.T("config.field.regional"))
		case regional:
			f.faults.add(at(name), dr.T("config.field.unknown", "system", sys.ID, "known", knownAre(name, mine)))
		default:
			f.faults.add(at(name), dr.T("config.key.unknown", "known", knownAre(name, append([]string{"name", "system", "in", "after"}, mine...))))
		}
	}
	for _, field := range sys.Fields {
		value := have[field.Name]
		switch form := sys.forms[field.Name]; {
		case field.Regional != regional || value == "" && field.Optional:
		case value == "":
			f.faults.add(at(field.Name), dr.T("config.field.missing", "means", sys.Means(field.Name)))
		case form != nil && !form.MatchString(value):
			f.faults.add(at(field.Name), dr.T("config.field.form", "value", quoted(value), "means", sys.Means(field.Name)))
		case regional && elsewhere(value, region):
			f.faults.add(at(field.Name), dr.T("config.field.region", "value", quoted(value), "region", region))
		}
	}
}

// arn gives the Region and the account that a value names which is an ARN.
func arn(value string) (region, account string) {
	parts := strings.SplitN(value, ":", 6) // arn:partition:service:region:account:resource
	if len(parts) < 6 || parts[0] != "arn" {
		return "", ""
	}
	return parts[3], parts[4]
}

// elsewhere tells whether a value is an ARN that names another Region.
func elsewhere(value, region string) bool {
	named, _ := arn(value)
	return named != "" && named != region
}

// oneAccount checks that what identifies a resource is all in one account: its parts are of
// one whole.
func oneAccount(f *checker, e entry) {
	first, where := "", ""
	for _, region := range sortedKeys(e.In) {
		for _, name := range sortedKeys(e.In[region]) {
			switch _, account := arn(e.In[region][name]); {
			case account == "" || account == first:
			case first == "":
				first, where = account, e.region(region, name)
			default:
				f.faults.add(e.region(region, name), dr.T("config.field.account", "account", quoted(account), "first", where, "other", quoted(first)))
			}
		}
	}
}

// order checks that every resource can be acted on behind those it comes after.
func (f *checker) order(entries []entry, named map[string]entry, s *dr.Service) {
	sound := true
	for _, e := range entries {
		for i, name := range e.After {
			if _, ok := named[name]; !ok {
				sound = false
				f.faults.add(fmt.Sprintf("%s.after[%d]", e.at, i), dr.T("config.after.unknown", "name", quoted(name), "known", knownAre(name, sortedKeys(named))))
			}
		}
	}
	if !sound || len(named) < len(entries) {
		return
	}
	if ring := cycle(s.Resources); ring != nil {
		f.faults.add(named[ring[0]].at+".after", dr.T("config.after.ring", "ring", ring))
	}
}

// cycle finds resources that come after one another in a ring: the first of them
// stands at the end again.
func cycle(all []dr.Resource) []string {
	if _, err := dr.ResourceOrder(all); err == nil {
		return nil
	}
	after := map[string][]string{}
	for _, r := range all {
		after[r.Name] = r.After
	}
	done := map[string]bool{}
	var path []string
	var visit func(name string) []string
	visit = func(name string) []string {
		if i := slices.Index(path, name); i >= 0 {
			return append(slices.Clone(path[i:]), name)
		}
		if done[name] {
			return nil
		}
		path = append(path, name)
		for _, b := range after[name] {
			if ring := visit(b); ring != nil {
				return ring
			}
		}
		path, done[name] = path[:len(path)-1], true
		return nil
	}
	for _, r := range all {
		if ring := visit(r.Name); ring != nil {
			return ring
		}
	}
	return nil
}
