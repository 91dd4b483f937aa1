package tf

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/internal/contract"
)

func TestContract(t *testing.T) {
	contract.PlanAndApply(t, func(t *testing.T) contract.TerraformWorld {
		w := newWorld(t)
		s := &site{world: w, gate: w.gate("site")}
		return contract.TerraformWorld{
			Terraform: func() contract.Terraform { return w.terraform() },
			Service:   dr.Service{Name: "portal", Code: trusting().Code, Repository: dr.Repository{Owner: "example", Name: "infra", File: "active_region.auto.tfvars"}},
			Stack:     w.stack(),
			Site:      s,
			Await:     eventually,
		}
	})
}

// site is a real repository and a local state as the suite of the contract sees them.
type site struct {
	*world
	gate *gate
}

// Commit writes a file for each thing, so that changes of different things merge.
func (s *site) Commit(parent string, things ...contract.Thing) string {
	s.t.Helper()
	if parent != "" {
		s.git(s.tree, "checkout", "-q", "-B", "work-"+parent[:12]+"-"+filepath.Base(s.t.TempDir()), parent)
		s.git(s.tree, "rm", "-q", "--ignore-unmatch", "app/thing-*.tf")
	}
	all := files("")
	if parent != "" {
		all = map[string]string{}
	}
	before := ""
	for _, th := range things {
		all["app/thing-"+th.Name+".tf"] = s.text(th, before)
		before = th.Address()
	}
	return s.commit(all)
}

func (s *site) Beside(parent string) string {
	return s.on(parent, map[string]string{"elsewhere/" + filepath.Base(s.t.TempDir()): "hello\n"})
}

func (s *site) Running(parent string, th contract.Thing) string {
	return s.on(parent, map[string]string{
		"app/override.tf": fmt.Sprintf("resource \"terraform_data\" %q {\n  provisioner \"local-exec\" {\n    command = \"true\"\n  }\n}\n", th.Name),
	})
}

// on commits files on a commit.
func (s *site) on(parent string, files map[string]string) string {
	s.t.Helper()
	s.git(s.tree, "checkout", "-q", "-B", "work-"+parent[:12]+"-"+filepath.Base(s.t.TempDir()), parent)
	return s.commit(files)
}

func (s *site) text(th contract.Thing, before string) string {
	command := "echo " + th.Name + " >> " + s.makings()
	switch {
	case th.Fails:
		command += "; exit 1"
	case th.Waits:
		command += "; " + s.gate.talking("")
	}
	depends := ""
	if before != "" {
		depends = "depends_on = [" + before + "]"
	}
	return fmt.Sprintf("resource \"terraform_data\" %q {\n  input = %q\n  %s\n  provisioner \"local-exec\" {\n    command = %q\n  }\n}\n",
		th.Name, th.Value, depends, command)
}

func (s *site) makings() string { return filepath.Join(s.dir, "makings") }

func (s *site) State() []string { return s.addresses() }

func (s *site) Made(name string) int {
	data, err := os.ReadFile(s.makings())
	if err != nil && !os.IsNotExist(err) {
		s.t.Fatal(err)
	}
	return strings.Count("\n"+string(data), "\n"+name+"\n")
}

func (s *site) Reached() { s.gate.reached() }
func (s *site) Open()    { s.gate.open() }

func (s *site) Kill(key string) {
	f := s.terraform().disk.applyFolder(key)
	eventually(s.t, "the supervisor has heard of it", func() bool {
		a, err := f.fallen()
		return err == nil && len(a.open) > 0
	})
	killSession(s.t)(supervisorOf(s.t, f))
}

// Lock does what a Terraform on this machine does with a local state.
func (s *site) Lock() func() {
	s.t.Helper()
	fail := func(err error) {
		if err != nil {
			s.t.Fatal(err)
		}
	}
	fail(os.MkdirAll(filepath.Dir(s.state()), 0o700))
	f, err := os.OpenFile(s.state(), os.O_RDWR|os.O_CREATE, 0o600)
	fail(err)
	fail(syscall.FcntlFlock(f.Fd(), unix.F_SETLK, &syscall.Flock_t{Type: syscall.F_WRLCK}))
	info := filepath.Join(filepath.Dir(s.state()), "."+filepath.Base(s.state())+".lock.info")
	fail(os.WriteFile(info, []byte(`{"ID":"somebody","Operation":"OperationTypeApply","Who":"erin@laptop","Created":"2026-08-22T03:00:00Z"}`), 0o600))
	return func() {
		fail(os.Remove(info))
		if stat, err := f.Stat(); err == nil && stat.Size() == 0 {
			fail(os.Remove(s.state())) // nobody wrote a state
		}
		fail(f.Close())
	}
}
