package tf

import (
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/drbot/drbot/dr"
)

const (
	mostFindings = 5 // that are told in full
	mostEntries  = 3 // of the configuration that are written out for people
	mostAllowed  = 200
)

// judge refuses code of the stack that does what no plan shows and that the configuration
// does not allow, and remembers what it allows. It is asked before init, which fetches
// modules and speaks to the backend, and again when the modules are there: their code runs
// as the stack's own does. What is done with a plan makes no difference: all of it is code.
func (m *module) judge(initialised bool) error {
	real, err := filepath.EvalSymlinks(m.root)
	if err != nil {
		return fmt.Errorf("find the checkout: %w", err)
	}
	l := &look{root: real, stack: filepath.ToSlash(m.inside), hosts: m.hosts()}
	if initialised {
		if l.fetched, err = keyed(m.dir); err != nil {
			return err
		}
		if err := m.linksOut(real); err != nil {
			return err
		}
	}
	found, err := l.all()
	if err != nil {
		return fmt.Errorf("look at the code: %w", err)
	}
	m.allowed = nil
	var refused []finding
	for _, f := range found {
		a, ok := m.rules.Allows(f.what, f.file)
		switch {
		case !ok:
			refused = append(refused, f)
		case len(m.allowed) < mostAllowed: // nobody reads more
			m.allowed = append(m.allowed, dr.AllowedCode{What: f.what, At: f.place(), Says: f.says.text(), Reason: a.Reason})
		}
	}
	if len(refused) > 0 {
		return m.refuse(refused)
	}
	return nil
}

// hosts are where modules may come from: what the configuration lists, and the forge, which
// is asked for the stack itself.
func (m *module) hosts() []string {
	out := slices.Clone(m.rules.ModuleHosts)
	if u, err := url.Parse(m.job.Place.GitURL); err == nil && u.Host != "" {
		out = append(out, u.Host)
	}
	return out
}

// place is where a finding stands.
func (f finding) place() string {
	file := middled(f.file, 3*mostSaid)
	if f.line == 0 {
		return file
	}
	return file + ":" + strconv.Itoa(f.line)
}

// whys are what is wrong with each kind of code.
func whys() map[dr.CodeKind]dr.Text {
	return map[dr.CodeKind]dr.Text{
		dr.CodeProvisioner: dr.T("tf.code.provisioner"),
		dr.CodeExternal:    dr.T("tf.code.external"),
		dr.CodeHTTP:        dr.T("tf.code.http"),
		dr.CodeLocal:       dr.T("tf.code.local"),
		dr.CodeProfile:     dr.T("tf.code.profile"),
		dr.CodeSharedFiles: dr.T("tf.code.shared-files"),
		dr.CodeAssumeRole:  dr.T("tf.code.assume-role"),
		dr.CodeEndpoints:   dr.T("tf.code.endpoints"),
		dr.CodeCredentials: dr.T("tf.code.credentials"),
		dr.CodeFile:        dr.T("tf.code.file"),
		dr.CodeRemoteState: dr.T("tf.code.remote-state"),
		dr.CodeBackend:     dr.T("tf.code.backend"),
		dr.CodeModule:      dr.T("tf.code.module"),
		dr.CodeUnread:      dr.T("tf.code.unread"),
	}
}

// refuse tells what the code does, where, why that is refused, and what to write where it
// is meant.
func (m *module) refuse(found []finding) error {
	why := whys()
	var said dr.Lines
	var entries []string
	for i, f := range found {
		if i < mostFindings {
			said = append(said, dr.T("tf.code.at", "at", dr.Foreign(f.place()), "says", f.says.text(), "why", why[f.what]))
		}
		if e := suggestion(f); len(entries) < mostEntries && !slices.Contains(entries, e) {
			entries = append(entries, e)
		}
	}
	what := dr.T("tf.code.refused", "stack", m.name, "n", len(found), "found", said)
	if more := len(found) - mostFindings; more > 0 {
		what = sentences(what, dr.T("tf.code.more", "n", more))
	}
	return &dr.Error{Code: dr.Uncertain, What: what, Next: dr.T("tf.code.next", "service", m.service, "entries", dr.Foreign(strings.Join(entries, " ")))}
}

// suggestion is what the configuration says that allows something.
func suggestion(f finding) string {
	if host := f.says.code; f.says.how == atHost && f.what == dr.CodeModule && !strings.HasPrefix(host, "file") {
		return "module_hosts: [" + strconv.Quote(host) + "]"
	}
	dir := parent(f.file)
	if dir == "" {
		dir = f.file
	}
	if !plainPath.MatchString(dir) {
		dir = strconv.Quote(dir) // a folder's name must not add to what people write
	}
	return "allow: [{what: " + string(f.what) + ", path: " + dir + `, reason: "..."}]`
}

var plainPath = regexp.MustCompile(`^[A-Za-z0-9._][A-Za-z0-9._/-]*$`)

// linksOut refuses modules that were fetched with links that lead out of the checkout: what
// a function reads through one is a file of the machine.
func (m *module) linksOut(root string) error {
	err := filepath.WalkDir(filepath.Join(m.dir, filepath.FromSlash(fetchedDir)), func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.Type()&fs.ModeSymlink == 0 {
			return err
		}
		to, err := filepath.EvalSymlinks(name)
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if rel, relErr := filepath.Rel(root, to); err != nil || relErr != nil || !filepath.IsLocal(rel) {
			at, _ := filepath.Rel(m.dir, name)
			return &dr.Error{Code: dr.Uncertain, What: dr.T("tf.code.link", "stack", m.name, "path", dr.Foreign(at)), Next: dr.T("tf.code.link.next")}
		}
		return nil
	})
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
