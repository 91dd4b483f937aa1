package tf

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/internal/wall"
)

// Isolation is the wall that Terraform and git run behind, and what this host grants them
// beside what they cannot do without.
type Isolation struct {
	// Launcher is the program that raises the wall; where it is empty there is none.
	Launcher string
	Landlock int  // the version of it that this host has
	Filter   bool // of system calls
	// User is another user's id, which Terraform has; 0 for the own. Applies have a user of
	// their own where ApplyUser names one.
	User, ApplyUser int
	// Switch is the program that starts the launcher as another user, where the bot may not;
	// empty where the bot is root.
	Switch string
	// States is the group that folders of states on this host are shared by, which plans and
	// applies change; it is set with the purpose.
	States int
	// Shell lets every Terraform start the programs of this system, as the code of a stack
	// may for which the service allows it.
	Shell bool
	Paths Paths
}

// Paths are what Terraform may use of this host: to be read, to be read and executed, and
// to be changed.
type Paths struct{ Read, Run, Write []string }

// of is the wall for what Terraform is started for.
func (i Isolation) of(why purpose) Isolation {
	i.States = cmp.Or(i.States, i.User)
	if why == toApply {
		i.User = cmp.Or(i.ApplyUser, i.User)
	}
	return i
}

// states is whom the folder of a state is given to: root can give it back and forth, and by
// a group it stays that of plans, which the user of applies has as well.
func (i Isolation) states() int {
	if i.shared() {
		return i.States
	}
	return i.User
}

// starts is the program by which Terraform is started.
func (i Isolation) starts() string {
	if i.User != 0 {
		return cmp.Or(i.Switch, i.Launcher)
	}
	return i.Launcher
}

// shared tells whether the bot gets at what another user makes by that one's group alone.
func (i Isolation) shared() bool { return i.User != 0 && i.Switch != "" }

// The masks of what is made behind a wall. Files of a repository and of modules have the
// mode that they have elsewhere, since what packs them (archive_file) hashes it; what
// Terraform makes is nobody else's to read.
const (
	maskShared = 0o022
	maskOwn    = 0o077
	maskGroup  = 0o007 // where the bot reads it by the group, of which there is nobody else
)

// system is where the programs of a host are, and what they load.
var system = []string{"/bin", "/sbin", "/usr", "/lib", "/lib32", "/lib64", "/nix/store"}

// hostFiles is what resolves names, checks certificates and tells the time on a host.
var hostFiles = []string{
	"/etc/resolv.conf", "/etc/hosts", "/etc/nsswitch.conf", "/etc/gai.conf", "/etc/services", "/etc/passwd", "/etc/localtime",
	"/etc/ssl", "/etc/pki", "/etc/ca-certificates", "/usr/share/ca-certificates", "/usr/local/share/ca-certificates", "/usr/share/zoneinfo",
	"/dev/zero", "/dev/random", "/dev/urandom",
}

// fileVariables are the variables whose values are files that Terraform or a provider reads.
var fileVariables = []string{
	"AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE", "AWS_CA_BUNDLE", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
	"SSL_CERT_FILE", "SSL_CERT_DIR", "GIT_SSL_CAINFO", "TF_CLI_CONFIG_FILE",
}

// mounted are those whose file is put in its folder anew from time to time.
var mounted = []string{"AWS_WEB_IDENTITY_TOKEN_FILE"}

// providerMirrors are where Terraform looks for providers by itself, beside HOME.
var providerMirrors = []string{"/usr/local/share/terraform/plugins", "/usr/share/terraform/plugins"}

// phase is what Terraform is doing behind the wall.
type phase int

const (
	// fetching brings modules and providers; git is run, and nothing of the repository's.
	fetching phase = iota
	// working runs the providers, and what the repository holds; nothing is fetched.
	working
)

// room is what one plan or apply has of its own: made anew for each, so that nothing that
// one leaves is read by another.
type room struct {
	root      string // the checkout
	saved     string // the plan file
	home      string
	temp      string
	providers string // of the stack, fetched before and executed after
	config    string // of Terraform's command line
}

// longestTemp keeps the sockets that providers make in TMPDIR within what an address holds.
const longestTemp = 80

// newRoom makes the folders beside a checkout.
func (j job) newRoom(folder string) (room, error) {
	r := room{
		root: filepath.Join(folder, "src"), saved: filepath.Join(folder, planFile), home: filepath.Join(folder, "home"),
		temp: tempOf(j.Place.WorkDir, folder), providers: filepath.Join(folder, "providers"), config: filepath.Join(folder, "terraform.rc"),
	}
	// What a process that was killed left there is another's.
	if err := j.Place.Wall.remove(r.temp); err != nil {
		return r, fmt.Errorf("make a room: %w", err)
	}
	for _, dir := range []string{r.home, r.providers, r.temp} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return r, fmt.Errorf("make a room: %w", err)
		}
	}
	// Without one, or with HOME's, Terraform would read what somebody left (dev_overrides).
	if err := os.WriteFile(r.config, []byte("disable_checkpoint = true\n"), 0o400); err != nil {
		return r, fmt.Errorf("make a room: %w", err)
	}
	return r, nil
}

// dataDir is where Terraform keeps what it fetched and which backend a stack has. It is the
// usual place, since the path of a module is part of what some plans say.
const dataDir = ".terraform"

// furnish readies the folder of a stack: its own folder for what is fetched, of which the
// providers are kept apart, since those are executed and the rest is written.
func (m *module) furnish() error {
	data := filepath.Join(m.dir, dataDir)
	if err := os.Mkdir(data, 0o700); err != nil {
		return fmt.Errorf("ready the stack: %w", err)
	}
	if err := os.Symlink(m.room.providers, filepath.Join(data, "providers")); err != nil {
		return fmt.Errorf("ready the stack: %w", err)
	}
	for _, dir := range m.state {
		if err := os.MkdirAll(dir, 0o700); err != nil { // as Terraform would
			return fmt.Errorf("make the folder of the state: %w", err)
		}
	}
	return nil
}

// all are the folders in which Terraform may have left something.
func (r room) all() []string { return []string{r.root, r.home, r.temp, r.providers} }

func (r room) close() {
	// Who removes the folder of the plan or apply removes the rest.
	_ = os.RemoveAll(r.temp)
}

// tempsDir is where the short folders are, in the work folder.
const tempsDir = "tmp"

// tempOf is the folder for temporary files of a plan's or apply's folder, by a short name.
func tempOf(work, folder string) string {
	sum := sha256.Sum256([]byte(folder))
	name := hex.EncodeToString(sum[:6])
	dir := filepath.Join(work, tempsDir, name)
	if len(dir) <= longestTemp {
		return dir
	}
	return filepath.Join(os.TempDir(), "drbot-"+name)
}

// environment is what Terraform's process gets in a phase.
func (m *module) environment(during phase) (map[string]string, error) {
	env := map[string]string{}
	for name, v := range m.job.Secrets.Environment {
		env[name] = v
	}
	env["PWD"] = m.dir // as a shell has it: Terraform takes it for its own place, by the link
	env["HOME"], env["TMPDIR"], env["TF_DATA_DIR"] = m.room.home, m.room.temp, dataDir
	if env["TF_CLI_CONFIG_FILE"] == "" {
		env["TF_CLI_CONFIG_FILE"] = m.room.config
	}
	m.lender.environment(env)
	if during == fetching {
		m.job.fetchModules(env)
	}
	if env["USER"] == "" {
		env["USER"] = "drbot" // of the state's lock, where no user can be looked up
	}
	if m.job.Place.Wall.Launcher == "" {
		return env, nil
	}
	setting, err := m.wall(during, env).Setting()
	if err != nil {
		return nil, walled(err)
	}
	env[wall.Variable] = setting
	return env, nil
}

// wall is what Terraform may reach in a phase.
func (m *module) wall(during phase, env map[string]string) wall.Wall {
	iso := m.job.Place.Wall
	w := wall.Wall{
		Program: m.job.Place.Terraform, Landlock: iso.Landlock, User: iso.User, Filter: iso.Filter, Memory: mostMemory, Umask: maskOwn,
		Bound: os.Getpid(), // terraform-exec has a Terraform end with the process that started it
		Read:  slices.Concat(hostFiles, filesIn(env), iso.Paths.Read, []string{m.room.config}),
		Run:   slices.Concat(providerMirrors, iso.Paths.Run),
		Write: slices.Concat([]string{m.room.root, m.room.home, m.room.temp, m.room.saved}, iso.Paths.Write, m.state),
	}
	if iso.shared() {
		w.Umask = maskGroup
	}
	if dir := m.job.Place.PluginDir; dir != "" {
		w.Run = append(append(w.Run, dir), linkedFrom(dir)...)
	}
	fetched := []string{m.room.providers}
	if cache := env["TF_PLUGIN_CACHE_DIR"]; cache != "" {
		fetched = append(fetched, cache)
	}
	switch {
	case during == fetching:
		w.Umask = maskShared
		w.Write = append(w.Write, fetched...)
		w.Run = append(w.Run, system...)
		w.Read = append(w.Read, "/etc/gitconfig") // of the git that brings modules
	case iso.Shell || m.startsPrograms(): // which may make a program of its own for others to start
		w.Run = slices.Concat(w.Run, fetched, system)
	default:
		w.Closed = iso.User == 0 && iso.Filter
		w.Run = append(w.Run, fetched...)
	}
	return w
}

// linkedFrom is where the links of a mirror lead, which Landlock follows for nobody: a mirror is often
// a tree of links to one store of providers. What cannot be read Terraform tells of.
func linkedFrom(mirror string) []string {
	var out []string
	_ = filepath.WalkDir(mirror, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.Type()&fs.ModeSymlink == 0 {
			return nil
		}
		if target, err := filepath.EvalSymlinks(path); err == nil {
			out = append(out, target)
		}
		return nil
	})
	return out
}

// startsPrograms tells whether the service allows code of this stack that starts some.
func (m *module) startsPrograms() bool {
	return slices.ContainsFunc(m.allowed, func(a dr.AllowedCode) bool { return a.What == dr.CodeProvisioner || a.What == dr.CodeExternal })
}

// filesIn are those that the environment names.
func filesIn(env map[string]string) []string {
	var out []string
	for _, name := range fileVariables {
		if v := env[name]; filepath.IsAbs(v) {
			out = append(out, v)
		}
	}
	for _, name := range mounted {
		if v := env[name]; filepath.IsAbs(v) {
			out = append(out, filepath.Dir(v))
		}
	}
	return out
}

// OnThisHost lists the folders in which a stack keeps its state, where the configuration
// has it on this host. Terraform may change them.
func OnThisHost(stack dr.Stack) []string {
	var out []string
	if file := stack.BackendConfig["path"]; filepath.IsAbs(file) {
		out = append(out, filepath.Dir(file))
	}
	if dir := stack.BackendConfig["workspace_dir"]; filepath.IsAbs(dir) {
		out = append(out, dir)
	}
	return out
}

// wall is what git may reach: the mirrors, and the folder that it checks out into. It runs
// nothing of the repository's: hooks and filters are off.
func (g git) wall(program, dir string) wall.Wall {
	w := wall.Wall{Program: program, Landlock: g.iso.Landlock, Filter: g.iso.Filter, Limits: true, Umask: maskShared, Memory: mostMemory, Read: slices.Concat(hostFiles, filesIn(g.pass)), Run: slices.Clone(system), Write: []string{filepath.Dir(g.mirror)}}
	// One that is installed elsewhere has its other programs beside it.
	if dir := filepath.Dir(program); filepath.Base(dir) == "bin" && filepath.Dir(dir) != "/" {
		w.Run = append(w.Run, filepath.Dir(dir))
	}
	if local, is := strings.CutPrefix(g.url, "file://"); is {
		w.Read = append(w.Read, local)
	}
	if dir != "" {
		w.Write = append(w.Write, filepath.Dir(dir)) // with the index beside it
	}
	return w
}

// behind has a command of git's run behind the wall. It runs as the bot, whose mirrors it
// keeps: without Landlock it has bounds and the filter alone.
func (g git) behind(cmd *exec.Cmd, dir string) error {
	if g.iso.Launcher == "" {
		return nil
	}
	if cmd.Err != nil {
		return cmd.Err
	}
	if err := os.MkdirAll(filepath.Dir(g.mirror), 0o700); err != nil {
		return fmt.Errorf("make the mirror's folder: %w", err)
	}
	setting, err := g.wall(cmd.Path, dir).Setting()
	if err != nil {
		return walled(err)
	}
	cmd.Path = g.iso.Launcher
	cmd.Env = append(cmd.Env, wall.Variable+"="+setting)
	return nil
}
