package config

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/drbot/drbot/dr"
)

// What terraform.isolation may say: the walls that this host can raise, of which there must
// be one, or none at all.
const (
	isolationAuto = "auto"
	isolationNone = "none"
)

// isolated checks what Terraform is kept from, and what it is granted of this host.
func (f *faults) isolated(in terraform) {
	if !slices.Contains([]string{isolationAuto, isolationNone}, in.Isolation) {
		f.add("terraform.isolation", dr.T("config.isolation", "value", quoted(in.Isolation)))
	}
	if in.User < 0 || in.User > 1<<31-1 || in.User > 0 && in.Isolation == isolationNone {
		f.add("terraform.user", dr.T("config.isolation.user"))
	}
	if in.ApplyUser < 0 || in.ApplyUser > 1<<31-1 || in.ApplyUser > 0 && (in.User <= 0 || in.ApplyUser == in.User) {
		f.add("terraform.apply_user", dr.T("config.isolation.apply-user"))
	}
	f.neverBoth(in)
	for key, list := range map[string][]string{"read": in.Paths.Read, "run": in.Paths.Run, "write": in.Paths.Write} {
		for i, p := range list {
			if !grantable(p) {
				f.add(fmt.Sprintf("terraform.paths.%s[%d]", key, i), dr.T("config.isolation.path", "value", quoted(p)))
			}
		}
	}
}

// neverBoth checks that nothing is granted to be changed and to be executed, by the names alone:
// where they lead is known on the host that serves.
func (f *faults) neverBoth(in terraform) {
	below := func(p, folder string) bool {
		return path.Clean(p) == path.Clean(folder) || strings.HasPrefix(path.Clean(p), path.Clean(folder)+"/")
	}
	for i, write := range in.Paths.Write {
		for _, run := range in.Paths.Run {
			if grantable(write) && grantable(run) && (below(write, run) || below(run, write)) {
				f.add(fmt.Sprintf("terraform.paths.write[%d]", i), dr.T("config.isolation.both", "value", quoted(write), "run", quoted(run)))
			}
		}
	}
}

// grantable tells whether a path may be granted to anybody: its whole name, and none that
// holds or is of the kernel's view of the processes.
func grantable(p string) bool {
	clean := path.Clean(p)
	return path.IsAbs(p) && clean != "/" && !slices.ContainsFunc([]string{"/proc", "/sys"}, func(of string) bool {
		return clean == of || strings.HasPrefix(clean, of+"/")
	})
}
