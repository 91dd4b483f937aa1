package reference

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// written are the files that the instance's user data writes by a text of its own, by their
// names.
func written(t *testing.T) map[string]string {
	t.Helper()
	src, err := os.ReadFile(botModule + "/user_data.sh.tftpl")
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for _, m := range regexp.MustCompile(`(?s)cat > "?(\S+?)"? <<'?DRBOT_END'?\n(.*?)\nDRBOT_END\n`).FindAllStringSubmatch(string(src), -1) {
		out[m[1]] = m[2]
	}
	return out
}

// TestTheBotHasNoMetadata holds the unit of the bot on an instance to what keeps the
// instance's role from it, and from all that it starts. Starting Terraform as another user
// takes new privileges (drbot-switch), so that it is bound to three capabilities instead.
func TestTheBotHasNoMetadata(t *testing.T) {
	files := written(t)
	unit := strings.Split(files["/etc/systemd/system/drbot.service"], "\n")
	for _, line := range []string{
		"User=drbot", "CapabilityBoundingSet=CAP_SETUID CAP_SETGID CAP_KILL", "IPAddressDeny=169.254.169.254 fd00:ec2::254",
		`ExecStartPre=/bin/sh -c '! curl --silent --noproxy "*" --max-time 2 --output /dev/null http://169.254.169.254/'`,
		"ExecStartPost=+/usr/bin/rm -f /run/drbot-start/secrets", "Type=exec",
	} {
		if !slices.Contains(unit, line) {
			t.Errorf("the unit lacks %q", line)
		}
	}
	for name, text := range files {
		for _, line := range strings.Split(text, "\n") {
			if strings.HasPrefix(line, "Exec") && strings.Contains(line, "=+") && !strings.Contains(line, "/usr/bin/rm -f /run/drbot-start/") {
				t.Errorf("%s runs something as root beside the bot: %s", name, line)
			}
		}
	}
	for unit := range files {
		if base := filepath.Base(unit); strings.HasPrefix(base, "drbot-") && strings.HasSuffix(base, ".service") && strings.Contains(files[unit], "User=") {
			t.Errorf("%s has a user, and what it does takes root", unit)
		}
	}
}

// TestTheStartOfTheBot runs what root does for the bot, with an AWS of this test: the
// secrets come out of systemd's file as they are, and the session as the SDKs read it.
func TestTheStartOfTheBot(t *testing.T) {
	for _, tool := range []string{"bash", "python3"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("not proved here: there is no %s on PATH", tool)
		}
	}
	dir := t.TempDir()
	in := func(name string) string { return filepath.Join(dir, name) }
	hard := "a\"b\\c$d`e'f g#h=i"
	secrets, err := json.Marshal(map[string]string{"DRBOT_HASH_KEY": hard})
	if err != nil {
		t.Fatal(err)
	}
	session := `{"AccessKeyId": "ASIA", "SecretAccessKey": "s", "SessionToken": "t", "Expiration": "2026-01-01T00:00:00+00:00"}`
	for name, says := range map[string]string{
		"aws":   "case \"$1\" in secretsmanager) cat " + in("secrets.json") + ";; sts) echo '" + session + "';; esac",
		"chown": "true", "install": "mkdir -p " + in("drbot-role"),
	} {
		if err := os.WriteFile(in(name), []byte("#!/bin/sh\n"+says+"\n"), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(in("secrets.json"), secrets, 0o600); err != nil {
		t.Fatal(err)
	}
	files := written(t)
	for _, name := range []string{"drbot-secrets", "drbot-role"} {
		cmd := exec.Command("bash", "-c", strings.ReplaceAll(files["/usr/local/bin/"+name], "/run/", dir+"/"))
		cmd.Env = []string{"PATH=" + dir + ":" + os.Getenv("PATH")}
		var errs bytes.Buffer
		cmd.Stderr = &errs
		if err := cmd.Run(); err != nil {
			t.Fatalf("%s: %v, %s", name, err, errs.String())
		}
	}
	// Between double quotes systemd takes a backslash from these four, and from nothing else
	// ("systemd.exec", EnvironmentFile=).
	line, err := os.ReadFile(in("drbot-start/secrets"))
	if err != nil {
		t.Fatal(err)
	}
	value, isOne := strings.CutPrefix(strings.TrimSuffix(string(line), "\"\n"), `DRBOT_HASH_KEY="`)
	if got := regexp.MustCompile("\\\\([\"\\\\`$])").ReplaceAllString(value, "$1"); !isOne || got != hard {
		t.Errorf("%q comes out as %q", hard, got)
	}
	data, err := os.ReadFile(in("drbot-role/session.json"))
	var doc struct {
		Version                                                int
		AccessKeyId, SecretAccessKey, SessionToken, Expiration string
	}
	if err == nil {
		err = json.Unmarshal(data, &doc)
	}
	if err != nil || doc.Version != 1 || doc.AccessKeyId != "ASIA" || doc.Expiration == "" {
		t.Errorf("%s, %v", data, err)
	}
	for _, name := range []string{"drbot-start/secrets", "drbot-role/session.json"} {
		if info, err := os.Stat(in(name)); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", name, info, err)
		}
	}
}
