package config

import (
	"fmt"
	"slices"

	"github.com/drbot/drbot/dr"
)

// lent checks where Terraform's credentials come from. With a role to apply it is lent
// sessions, and nothing else that leads to credentials may be its; without one it has what the
// file gives it, which is listed.
func (f *faults) lent(in file) (own []string) {
	given := map[string]string{} // the variable, by where it stands
	for _, name := range sortedKeys(in.Terraform.Environment) {
		given["terraform.environment."+name] = name
	}
	for _, name := range sortedKeys(in.Terraform.ApplyEnv) {
		given["terraform.apply_environment."+name] = name
	}
	for i, name := range in.Terraform.PassEnv {
		given[fmt.Sprintf("terraform.pass_env[%d]", i)] = name
	}
	if in.AWS.ApplyRole != "" && in.AWS.ReadRole == "" {
		f.add("aws.read_role", dr.T("config.lent.read"))
	}
	for _, at := range sortedKeys(given) {
		name := given[at]
		switch {
		case !dr.GivesCredentials(name):
		case in.AWS.ApplyRole != "":
			f.add(at, dr.T("config.lent", "variable", name))
		case !slices.Contains(own, name):
			own = append(own, name)
		}
	}
	slices.Sort(own)
	return own
}
