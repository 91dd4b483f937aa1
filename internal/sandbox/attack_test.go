//go:build attack

package sandbox

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/drbot/drbot/internal/wall"
)

// attempt is one thing that a repository tries: by what it says (HCL), or by what an apply
// of it runs.
type attempt struct {
	name string
	hcl  string // an expression whose value is the loot
	run  string // a command that ends well when it went through
	wall string // what stops it
	from int    // the version of Landlock from which on
	open bool   // to another user, where there is no Landlock
}

// attempts are what is tried on the bot, whose process and files the attacker knows.
func attempts(w *World, secrets string) []attempt {
	bot := w.Bot.cmd.Process.Pid
	db := filepath.Join(w.opts.Dir, "bot", "drbot.db")
	home := os.Getenv("HOME")
	// What was read is not shown, as it would be another each time and no such plan is
	// approved; that it was read is.
	loot := func(read string) string { return fmt.Sprintf(`length(%s) > 0 ? "taken" : "empty"`, read) }
	return []attempt{
		{name: "environment-of-the-bot", hcl: loot(fmt.Sprintf(`filebase64("/proc/%d/environ")`, bot)), wall: "/proc is not granted"},
		{name: "environment-of-the-parent", hcl: loot(`filebase64("/proc/${split(" ", file("/proc/self/stat"))[3]}/environ")`), wall: "/proc is not granted"},
		{name: "environment-of-terraform", hcl: loot(`filebase64("/proc/self/environ")`), wall: "/proc is not granted", open: true},
		{name: "list-of-processes", hcl: `tostring(length(fileset("/proc/self", "stat*")) > 0 ? "taken" : file("/proc/nothing"))`, wall: "/proc is not granted", open: true},
		{name: "command-line-of-the-bot", hcl: loot(fmt.Sprintf(`filebase64("/proc/%d/cmdline")`, bot)), wall: "/proc is not granted", open: true},
		{name: "file-of-secrets", hcl: loot(fmt.Sprintf("filebase64(%q)", secrets)), wall: "files of the bot are not granted"},
		{name: "template-of-secrets", hcl: loot(fmt.Sprintf("base64encode(templatefile(%q, {}))", secrets)), wall: "files of the bot are not granted"},

		{name: "run-environment", run: fmt.Sprintf("cat /proc/%d/environ", bot), wall: "/proc is not granted"},
		{name: "run-memory", run: fmt.Sprintf("head -c 1 /proc/%d/mem || test -r /proc/%d/maps && cat /proc/%d/maps", bot, bot, bot), wall: "/proc is not granted"},
		{name: "run-secrets", run: "cat " + secrets, wall: "files of the bot are not granted"},
		{name: "run-database", run: "cp " + db + " $TMPDIR/stolen", wall: "files of the bot are not granted"},
		{name: "run-database-written", run: "printf '' >> " + db, wall: "files of the bot are not granted"},
		{name: "run-signal", run: fmt.Sprintf("kill -0 %d", bot), wall: "signals do not leave Landlock's domain", from: 6},
		{name: "run-planted", run: "printf '#!/bin/sh\\nexit 0\\n' > $TMPDIR/planted && chmod 700 $TMPDIR/planted && $TMPDIR/planted", wall: "what is written is not executed", open: true},
		{name: "run-planted-in-home", run: "printf 'provider_installation {}' > " + filepath.Join(home, ".drbot-attack"), wall: "the bot's HOME is not granted"},
		{name: "run-other-plans", run: "ls " + filepath.Join(w.opts.Dir, "bot", "work", "applies"), wall: "other runs' folders are not granted"},
	}
}

// attackStack is the attempts as one file of a stack. What HCL gets shows in the address of a
// resource, which goes into the plan's comment; what a command got, in a file of the host.
func attackStack(all []attempt, found string) string {
	var b, run strings.Builder
	b.WriteString("locals {\n  loot = {\n")
	for _, a := range all {
		if a.hcl != "" {
			fmt.Fprintf(&b, "    %q = try(%s, \"kept-out\")\n", a.name, a.hcl)
		} else {
			fmt.Fprintf(&run, "if ( %s ) >/dev/null 2>&1; then echo %s >> %s; fi\n", a.run, a.name, found)
		}
	}
	b.WriteString("  }\n}\nresource \"terraform_data\" \"loot\" {\n  for_each = toset([for name, got in local.loot : \"${name}=${got}\"])\n}\n")
	fmt.Fprintf(&b, "resource \"terraform_data\" \"acts\" {\n  provisioner \"local-exec\" {\n    command = <<-SH\n%s\necho done >> %s\n    SH\n  }\n}\n", run.String(), found)
	return b.String()
}

// stand is how a bot is started, and what its walls are by that.
type stand struct {
	name     string
	setUp    func(t *testing.T, o *Options) // nil for the bot of every sandbox
	logs     []string                       // what the bot says of it
	landlock int                            // 0 for none
	users    bool                           // Terraform is another
	long     bool                           // for make long
}

// stops tells whether the walls stop an attempt.
func (s stand) stops(a attempt) bool {
	if s.landlock > 0 && s.landlock >= a.from {
		return true
	}
	return s.users && !a.open
}

// TestAttack puts a file on the base branch that tries to get at the bot, through a plan and
// through an apply that two people approved. With the wall nothing of it goes through; the
// very same goes through without, or the wall would be proved by nothing.
func TestAttack(t *testing.T) {
	can := wall.Look()
	if !can.Any() {
		t.Skip("not proved here: this kernel has no Landlock")
	}
	stands := []stand{
		{name: "Landlock", landlock: can.Landlock, logs: []string{fmt.Sprintf(`"landlock":%d`, can.Landlock), `"seccomp":true`, `"hidden":true`}},
		{name: "none", setUp: func(_ *testing.T, o *Options) { o.Isolation = "none" }, logs: []string{"NO WALL STANDS"}},
	}
	for _, s := range append(stands, usersStand(t, can.Landlock)...) {
		if s.long && os.Getenv("DRBOT_PROOF") != "whole" {
			continue
		}
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			w, ctx := serving(t, func(o *Options) {
				// The look at the code would refuse it before anything is tried.
				o.Allow = []string{`{what: file, reason: "what the wall is tried with"}`}
				if s.setUp != nil {
					s.setUp(t, o)
				}
			})
			for _, says := range s.logs {
				if !strings.Contains(w.botLog(1000), says) {
					t.Errorf("the bot does not say %s", says)
				}
			}
			secrets, err := w.WriteEnvironment()
			must(t, err)
			t.Cleanup(func() { _ = os.Remove(filepath.Join(os.Getenv("HOME"), ".drbot-attack")) })
			all := attempts(w, secrets)
			through := attacked(t, ctx, w, all)
			for _, a := range all {
				got := slices.Contains(through, a.name)
				switch {
				case s.stops(a) && got:
					t.Errorf("%s WENT THROUGH: %s should have stopped it", a.name, a.wall)
				case s.stops(a):
					t.Logf("%-26s stopped: %s", a.name, a.wall)
				case s.landlock > 0 || s.users:
					t.Logf("%-26s may go through, and did: %t", a.name, got)
				case !got:
					t.Errorf("%s does not go through without a wall, so the wall is proved by nothing", a.name)
				}
			}
			if s.landlock > 0 || s.users {
				w.nothingLeft(t, ctx)
			}
		})
	}
}

// TestAttackIsRefused has the very same file refused before Terraform is started, where the
// configuration does not allow what it does.
func TestAttackIsRefused(t *testing.T) {
	w, ctx := serving(t, func(*Options) {})
	secrets, err := w.WriteEnvironment()
	must(t, err)
	_, err = w.Hub.MoveBase(ctx, loginOf("dave"), stackFolder+"/"+standby+"/attack.tf", attackStack(attempts(w, secrets), filepath.Join(w.host(), "found")), "what could it be")
	must(t, err)
	run, err := w.ask(ctx, "alice", "/dr failover portal "+standby+" disaster Seoul does not answer")
	must(t, err)
	for _, words := range []string{"*Paused at plan", "attack.tf:3", "allow: [{what: file", "Nothing has been changed yet"} {
		must(t, w.waitText(ctx, run, words))
	}
}

// attacked commits the attack, has it planned and applied, and names what went through.
func attacked(t *testing.T, ctx context.Context, w *World, all []attempt) []string {
	t.Helper()
	found := filepath.Join(w.host(), "found")
	_, err := w.Hub.MoveBase(ctx, loginOf("dave"), stackFolder+"/"+standby+"/attack.tf", attackStack(all, found), "what could it be")
	must(t, err)
	m := asked(t, ctx, w)
	var through []string
	var comments strings.Builder
	for _, c := range w.Hub.Comments(m.pull) {
		comments.WriteString(c.Body)
	}
	for _, a := range all {
		switch {
		case a.hcl == "":
		case strings.Contains(comments.String(), a.name+"=kept-out"):
		case strings.Contains(comments.String(), a.name+"=taken"):
			through = append(through, a.name)
		default:
			t.Errorf("the plan does not show what became of %s", a.name)
		}
	}
	approveBoth(t, ctx, w, m)
	must(t, w.waitText(ctx, m.run, "*succeeded*"))
	data, err := os.ReadFile(found)
	must(t, err)
	lines := strings.Fields(string(data))
	if !slices.Contains(lines, "done") {
		t.Fatalf("the apply did not run the attack: %q", lines)
	}
	return append(through, lines...)
}

// nothingLeft searches every secret of the bot in what left it.
func (w *World) nothingLeft(t *testing.T, ctx context.Context) {
	t.Helper()
	for _, p := range slices.Concat(w.atSlack(t), w.atGitHub(t, ctx)) {
		for _, leak := range p.found(w.canaries()) {
			t.Error(leak)
		}
	}
}
