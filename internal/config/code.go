package config

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/drbot/drbot/dr"
)

// registryHost is where modules may come from unless the file says otherwise; what comes
// from there is looked into like everything else.
const registryHost = "registry.terraform.io"

// moduleHostForm is a host, perhaps with a port, and the beginning of a path there.
var moduleHostForm = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?(:\d+)?(/[A-Za-z0-9._-]+)*$`)

// repositoryForm is a repository of the forge.
var repositoryForm = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?/[A-Za-z0-9._-]+$`)

// mostModuleRepositories is how many a service takes modules from: each has a token of its own.
const mostModuleRepositories = 20

// The words of lock_file.
const (
	lockFileRequired = "required"
	lockFileOptional = "optional"
)

// readCode reads what the code of a service's stacks may do. Whatever it allows has a reason:
// people read it where they approve.
func readCode(f *checker, at string, in code, s *dr.Service) {
	s.Code.ModuleHosts = in.ModuleHosts
	if in.ModuleHosts == nil {
		s.Code.ModuleHosts = []string{registryHost}
	}
	for i, host := range in.ModuleHosts {
		if !moduleHostForm.MatchString(host) {
			f.faults.add(fmt.Sprintf("%s.module_hosts[%d]", at, i), dr.T("config.module-host", "host", quoted(host)))
		}
	}
	for i, name := range in.ModuleRepos {
		if !repositoryForm.MatchString(name) {
			f.faults.add(fmt.Sprintf("%s.module_repositories[%d]", at, i), dr.T("config.module-repository", "name", quoted(name)))
		}
	}
	if len(in.ModuleRepos) > mostModuleRepositories {
		f.faults.add(at+".module_repositories", dr.T("config.module-repositories", "n", len(in.ModuleRepos), "most", mostModuleRepositories))
	}
	s.Code.ModuleRepositories = in.ModuleRepos
	switch in.LockFile {
	case "", lockFileRequired:
	case lockFileOptional:
		s.Code.LockFileOptional = true
	default:
		f.faults.add(at+".lock_file", dr.T("config.lock-file", "value", quoted(in.LockFile)))
	}
	var known []string
	for _, kind := range dr.CodeKinds() {
		known = append(known, string(kind))
	}
	for i, a := range in.Allow {
		p := fmt.Sprintf("%s.allow[%d]", at, i)
		if !slices.Contains(known, a.What) {
			f.faults.add(p+".what", dr.T("config.allow.what", "what", quoted(a.What), "known", knownAre(a.What, known)))
		}
		if a.Path != "" {
			f.inside(p+".path", a.Path)
		}
		if strings.TrimSpace(a.Reason) == "" {
			f.faults.add(p+".reason", dr.T("config.missing"))
		}
		s.Code.Allow = append(s.Code.Allow, dr.Allow{What: dr.CodeKind(a.What), Path: a.Path, Reason: a.Reason})
	}
}
