package wall

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Variable is the environment variable by which a program of ours is told to raise a wall
// and to become the program behind it.
const Variable = "DRBOT_WALL"

// LeastMemory is the smallest bound on memory that Terraform's providers start under.
const LeastMemory = 2 << 30

// Wall is what one program may reach. A path stands for all that is below it.
type Wall struct {
	Program  string   `json:"program"`          // what runs behind it; empty where something else is to be done there
	Landlock int      `json:"landlock"`         // the version by whose rules it is raised, of those that Look found; 0 where there is another user
	User     int      `json:"user,omitempty"`   // the id of another user, and of that one's group
	Read     []string `json:"read,omitempty"`   // files and folders; those that are not there are left out
	Run      []string `json:"run,omitempty"`    // likewise, to be read and executed
	Write    []string `json:"write,omitempty"`  // to be read and changed, never executed; each must be there
	Memory   uint64   `json:"memory,omitempty"` // that each process may reserve; 0 for no bound
	Umask    int      `json:"umask"`
	Filter   bool     `json:"filter,omitempty"` // of system calls (seccomp)
	// Closed keeps what is behind the wall from opening a file to others than its user, which
	// Landlock does not: for where it is the bot's own user, whose files lie around.
	Closed bool `json:"closed,omitempty"`
	Limits bool `json:"limits,omitempty"` // the filter and the bounds are all there is: a program of our own choosing that needs the rights of its user
	// Bound is the id of the process with which the program ends, by the thread that started
	// it, as its own start had it: the kernel forgets that when another thread executes or
	// another user comes in.
	Bound int `json:"bound,omitempty"`

	// In the place of a program: Try raises the wall and sees that none of these can be read,
	// and that there is a way to those of Reach; Open lets the group of the other user at all
	// that this one has in these folders.
	Try   []string `json:"try,omitempty"`
	Reach []string `json:"reach,omitempty"`
	Open  []string `json:"open,omitempty"`
}

// Setting is the environment variable that tells of the wall, whole.
func (w Wall) Setting() (string, error) {
	if err := w.check(); err != nil {
		return "", err
	}
	doc, err := json.Marshal(w)
	if err != nil {
		return "", caused(Fault{Why: Unreadable}, err)
	}
	return string(doc), nil
}

func told(setting string) (w Wall, err error) {
	dec := json.NewDecoder(strings.NewReader(setting))
	dec.DisallowUnknownFields() // told by another edition of the program: what it meant is not known
	if err := dec.Decode(&w); err != nil {
		return w, &Fault{Why: Unreadable}
	}
	return w, w.check()
}

// check keeps the rules that have no exception.
func (w Wall) check() error {
	if acts := len(w.Try) > 0 || len(w.Open) > 0; !filepath.IsAbs(w.Program) && !acts || w.Program != "" && acts {
		return &Fault{Why: NoProgram}
	}
	if len(w.Open) > 0 && (w.User == 0 || w.Landlock != 0) {
		return &Fault{Why: NotOpened}
	}
	if w.Landlock < 0 || w.User < 0 || w.Landlock == 0 && w.User == 0 && !w.Limits {
		return &Fault{Why: NoMeans}
	}
	if w.Memory != 0 && w.Memory < LeastMemory {
		return &Fault{Why: TooLittle}
	}
	at := places{}
	for _, path := range slices.Concat(w.Read, w.Run, w.Write) {
		if err := at.grantable(path); err != nil {
			return err
		}
	}
	for _, run := range w.runs() {
		for _, write := range w.Write {
			if at.below(run, write) || at.below(write, run) {
				return &Fault{Why: Executable, Path: run, Other: write}
			}
		}
	}
	return nil
}

// runs is all that may be executed.
func (w Wall) runs() []string {
	if w.Program == "" {
		return w.Run
	}
	return append([]string{w.Program}, w.Run...)
}

// Grantable tells whether a path may be granted to anybody at all: its whole name, and none
// that holds or is of the kernel's view of the processes.
func Grantable(path string) error { return places{}.grantable(path) }

// Below tells whether a path is a folder or in it, by where both lead.
func Below(path, folder string) bool { return places{}.below(path, folder) }

// places are where paths lead, each looked up once in one check of a wall: it compares each
// path with every other, and is made twice whenever something is started.
type places map[string]string

func (p places) grantable(path string) error {
	if !filepath.IsAbs(path) {
		return &Fault{Why: NotWhole, Path: path}
	}
	for _, at := range []string{filepath.Clean(path), p.resolved(path)} {
		if at == "/" || p.below(at, "/proc") || p.below(at, "/sys") {
			return &Fault{Why: Never, Path: path}
		}
	}
	return nil
}

// resolved is where a path leads; itself where that cannot be told.
func (p places) resolved(path string) string {
	at, known := p[path]
	if !known {
		at = resolved(path)
		p[path] = at
	}
	return at
}

func (p places) below(path, folder string) bool {
	rel, err := filepath.Rel(p.resolved(folder), p.resolved(path))
	return err == nil && (rel == "." || filepath.IsLocal(rel))
}

func resolved(path string) string {
	if p, err := filepath.EvalSymlinks(path); err == nil {
		return p
	}
	return filepath.Clean(path)
}

// Launcher is the program that raises walls: the small one beside our own where it is
// installed, which starts twenty times as fast, else our own.
func Launcher() (string, error) {
	self, err := os.Executable()
	if err != nil {
		return "", caused(Fault{Why: NoSelf}, err)
	}
	if small := filepath.Join(filepath.Dir(resolved(self)), launcher); executable(small) {
		return small, nil
	}
	return self, nil
}

// launcher is the name of the small program that raises walls.
const launcher = "drbot-launch"

func executable(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0
}
