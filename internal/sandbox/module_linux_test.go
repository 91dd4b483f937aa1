package sandbox

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/drbot/drbot/internal/wall"
	"github.com/drbot/drbot/internal/wall/walltest"
)

// reachable lets other users through to what is theirs, as the folders of a host are.
func reachable(t *testing.T, o *Options) {
	t.Helper()
	must(t, os.Chmod(filepath.Join(o.Dir, "host"), 0o777))
	must(t, os.Chmod(programs, 0o755))
	for dir := filepath.Join(o.Dir, "bot"); dir != filepath.Clean(os.TempDir()); dir = filepath.Dir(dir) {
		must(t, os.Chmod(dir, 0o711))
	}
}

// botsOwn gives the bot's folders to the ordinary user that it is.
func botsOwn(t *testing.T, o *Options) {
	t.Helper()
	for _, own := range []string{filepath.Join(o.Dir, "bot"), filepath.Join(o.Dir, "state")} {
		must(t, filepath.WalkDir(own, func(name string, _ fs.DirEntry, err error) error {
			return errors.Join(err, os.Lchown(name, walltest.Bot, walltest.Bot))
		}))
	}
}

// TestModuleStartsBehindItsWalls starts the bot as modules/drbot does on an instance: by the
// command of its unit, with the environment, user, capabilities and privileges that the unit
// says, its secrets fetched by the script. The walls stand: Terraform has users of its own.
func TestModuleStartsBehindItsWalls(t *testing.T) {
	script := instanceScript(t)
	unit := between(t, between(t, script, "/etc/systemd/system/drbot.service <<'DRBOT_END'\n", "DRBOT_END\n"), "[Service]", "[Install]")
	w, ctx := newWorld(t, func(o *Options) {
		dir := walltest.Install(t, o.Bot)
		o.Start = func(cmd *exec.Cmd) error {
			reachable(t, o)
			bot := filepath.Join(o.Dir, "bot")
			paths := strings.NewReplacer("/usr/local/bin/", dir+"/", "/etc/drbot/", bot+"/", "/var/lib/drbot", bot)
			var mode os.FileMode
			_, err := fmt.Sscanf(line(t, script, "chmod ", " /var/lib/drbot"), "%o", &mode)
			must(t, err)
			must(t, os.Chmod(bot, mode))
			var env []string // with the secrets, which systemd takes out of a file for it
			for _, e := range cmd.Env {
				if !strings.HasPrefix(e, "HOME=") {
					env = append(env, e)
				}
			}
			env = append(env, strings.Split(strings.TrimSpace(paths.Replace(between(t, script, "cat > /etc/drbot/environment <<'DRBOT_END'\n", "DRBOT_END\n"))), "\n")...)
			env = append(env, paths.Replace(line(t, unit, "Environment=", "\n")))
			botsOwn(t, o)
			// It reads its configuration by the environment, as the unit's command has no flag.
			cmd.Args, cmd.Env = strings.Fields(paths.Replace(line(t, unit, "ExecStart=", "\n"))), env
			cmd.Path = cmd.Args[0]
			if user := line(t, unit, "User=", "\n"); user != "drbot" {
				t.Errorf("the unit runs as %s", user)
			}
			walltest.Denied{NoNew: strings.Contains(unit, "\nNoNewPrivileges=yes"), Most: line(t, unit, "CapabilityBoundingSet=", "\n")}.Deny(cmd, walltest.Bot)
			return cmd.Start()
		}
	})
	must(t, w.StartBot(ctx))
	says := []string{fmt.Sprintf(`"plan_user":%d,"apply_user":%d`, walltest.Plan, walltest.Apply), `"hidden":true`}
	if can := wall.Look(); can.Any() {
		says = append(says, fmt.Sprintf(`"landlock":%d`, can.Landlock))
	}
	for _, what := range says {
		if !strings.Contains(w.botLog(100), what) {
			t.Errorf("the bot does not say %s:\n%s", what, w.botLog(20))
		}
	}
}

// instanceScript is the module's script for an instance, as Terraform renders it.
func instanceScript(t *testing.T) string {
	t.Helper()
	terraform, err := exec.LookPath("terraform")
	if err != nil {
		t.Skip("not proved here: there is no terraform on PATH")
	}
	template, err := filepath.Abs("../../terraform/modules/drbot/user_data.sh.tftpl")
	must(t, err)
	main, err := os.ReadFile("../../terraform/modules/drbot/main.tf")
	must(t, err)
	// The environment as the module has it, but for what is told it.
	environment := strings.NewReplacer("var.region", `"ap-northeast-3"`, "local.ec2", "1").Replace(between(t, string(main), "environment = merge(\n", "var.proxy == null"))
	dir := t.TempDir()
	must(t, os.WriteFile(filepath.Join(dir, "main.tf"), fmt.Appendf(nil, `locals {
  environment = merge(
%s{})
  script = base64encode(templatefile(%q, {
    name = "drbot", region = "ap-northeast-3", image = "drbot:1", registry = "", volume = "vol-0", config = "", role = "", secret = "drbot", log_group = "/drbot/server"
    environment = local.environment
  }))
}
`, environment, template), 0o600))
	cmd := exec.Command(terraform, "console")
	cmd.Dir = dir
	cmd.Stdin = strings.NewReader("local.script\n")
	cmd.Env = append(os.Environ(), "TF_CLI_CONFIG_FILE="+os.DevNull)
	out, err := cmd.Output()
	must(t, err)
	text, err := base64.StdEncoding.DecodeString(strings.Trim(strings.TrimSpace(string(out)), `"`))
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return string(text)
}

// between is the text between two others.
func between(t *testing.T, text, from, to string) string {
	t.Helper()
	_, rest, is := strings.Cut(text, from)
	got, _, ends := strings.Cut(rest, to)
	if !is || !ends {
		t.Fatalf("there is no %q with %q after it", from, to)
	}
	return got
}

// line is the rest of the one line that begins and ends so.
func line(t *testing.T, text, from, to string) string {
	t.Helper()
	lines := strings.SplitAfter(text, "\n")
	at := slices.IndexFunc(lines, func(l string) bool { return strings.HasPrefix(l, from) && strings.Contains(l, to) })
	if at < 0 {
		t.Fatalf("no line begins with %q and has %q", from, to)
	}
	got, _, _ := strings.Cut(strings.TrimPrefix(lines[at], from), to)
	return got
}
