package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/drbot/drbot/internal/wall"
	"github.com/drbot/drbot/internal/wall/walltest"
)

// TestImage has the last stage of the Dockerfile, and the script that sets up an instance, do
// to these programs what they do to an image's: then the bot's user, and nobody else, starts
// a program as one of Terraform's.
func TestImage(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("not proved here: only root can give a program capabilities")
	}
	if _, err := exec.LookPath("setcap"); err != nil {
		t.Skip("not proved here: there is no setcap")
	}
	image := lastStage(t)
	conf := lineWith(t, image, "drbot-switch.conf")
	for name, script := range map[string]string{
		"the image":   conf,
		"an instance": conf + "\n" + instance(t),
	} {
		t.Run(name, func(t *testing.T) {
			dir := walltest.Folder(t)
			for _, program := range []string{"drbot-switch", "drbot-launch"} {
				build := exec.Command("go", "build", "-o", filepath.Join(dir, program), "../"+program)
				build.Env = append(os.Environ(), "CGO_ENABLED=0")
				if out, err := build.CombinedOutput(); err != nil {
					t.Fatalf("%v: %s", err, out)
				}
				if err := os.Chmod(filepath.Join(dir, program), 0o711); err != nil {
					t.Fatal(err)
				}
			}
			here := strings.NewReplacer("/usr/local/bin/", dir+"/", "root:drbot", "0:10001", "root:root", "0:0").Replace(script)
			if out, err := exec.Command("/bin/sh", "-euc", here).CombinedOutput(); err != nil {
				t.Fatalf("%v: %s\n%s", err, out, here)
			}
			program := filepath.Join(dir, "drbot-switch")
			if info, err := os.Stat(program); err != nil || info.Mode() != 0o750 || info.Sys().(*syscall.Stat_t).Gid != 10001 {
				t.Errorf("%v, %v", info, err)
			}
			for user, groups := range map[int]string{10002: "10002", 10003: "10003 10002"} {
				if got, err := who(program, 10001, user); err != nil || got != groups {
					t.Errorf("as %d: %q, %v", user, got, err)
				}
				if got, err := who(program, user, 10002); err == nil {
					t.Errorf("user %d starts it: %s", user, got)
				}
			}
		})
	}
}

// who asks for the groups of a program that is started as another user.
func who(program string, caller, user int) (string, error) {
	setting, err := wall.Wall{Program: "/usr/bin/id", User: user}.Setting()
	if err != nil {
		return "", err
	}
	cmd := exec.Command(program, "-G")
	cmd.Env = []string{wall.Variable + "=" + setting}
	walltest.As(cmd, caller)
	out, err := cmd.CombinedOutput()
	return strings.TrimSpace(string(out)), err
}

// lastStage are the instructions of the image that runs, each on one line.
func lastStage(t *testing.T) []string {
	t.Helper()
	data, err := os.ReadFile("../../Dockerfile")
	if err != nil {
		t.Fatal(err)
	}
	all := strings.Split(strings.ReplaceAll(string(data), "\\\n", " "), "\n")
	last := 0
	for n, line := range all {
		if strings.HasPrefix(line, "FROM ") {
			last = n
		}
	}
	return all[last:]
}

// lineWith is the one command that holds a text, after which nothing touches the programs.
func lineWith(t *testing.T, stage []string, text string) string {
	t.Helper()
	at := slices.IndexFunc(stage, func(line string) bool { return strings.HasPrefix(line, "RUN ") && strings.Contains(line, text) })
	if at < 0 {
		t.Fatalf("no command has %s", text)
	}
	for _, line := range stage[at+1:] {
		if strings.HasPrefix(line, "COPY") || strings.HasPrefix(line, "ADD") || strings.HasPrefix(line, "RUN") {
			t.Errorf("%s comes after the capabilities are given", line)
		}
	}
	if !slices.Contains(stage, "USER 10001") {
		t.Error("the image does not run as the one that may call")
	}
	users := strings.Join(stage, "\n")
	for _, want := range []string{"--uid 10001 --gid 10001 --groups 10002,10003", "--uid 10002 --gid 10002", "--uid 10003 --gid 10003 --groups 10002", "libcap2-bin"} {
		if !strings.Contains(users, want) {
			t.Errorf("the image has no %s", want)
		}
	}
	return strings.TrimPrefix(stage[at], "RUN ")
}

// instance is what the script of an instance does to the program that it copies.
func instance(t *testing.T) string {
	t.Helper()
	data, err := os.ReadFile("../../terraform/modules/drbot/user_data.sh.tftpl")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, is := strings.Cut(string(data), "# Copying has dropped its capabilities.\n")
	does, _, ends := strings.Cut(rest, "\n\n")
	if !is || !ends || !strings.Contains(does, "setcap") {
		t.Fatal("the script gives no capabilities")
	}
	if strings.Contains(string(data), "NoNewPrivileges=yes") {
		t.Error("the unit keeps the bot from the capabilities of a file")
	}
	if !strings.Contains(string(data), "CapabilityBoundingSet=CAP_SETUID CAP_SETGID CAP_KILL\n") {
		t.Error("the unit's bounding set is not that of drbot-switch")
	}
	return does
}
