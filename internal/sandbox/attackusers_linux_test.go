//go:build attack

package sandbox

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/drbot/drbot/internal/wall/walltest"
)

// usersStand are the walls of which other users are a part, and the bot of an ordinary user.
// They take root to be set up: on a machine where the tests have not the rights there are
// none, which is said.
func usersStand(t *testing.T, landlock int) []stand {
	if os.Geteuid() != 0 {
		t.Log("not proved here: only root can set up other users")
		return nil
	}
	switched := []string{fmt.Sprintf(`"plan_user":%d,"apply_user":%d`, walltest.Plan, walltest.Apply)}
	own := []string{`"plan_user":0`}
	return []stand{
		{name: "an ordinary bot, users switched, Landlock", users: true, landlock: landlock, logs: switched, setUp: ordinaryBot(walltest.Denied{}, true)},
		{name: "an ordinary bot, users switched alone", users: true, logs: append(switched, "no Landlock"), setUp: ordinaryBot(walltest.Denied{Landlock: true}, true), long: true},
		{name: "an ordinary bot, Landlock alone", landlock: landlock, logs: own, setUp: ordinaryBot(walltest.Denied{}, false), long: true},
		{name: "an ordinary bot that may not switch, Landlock", landlock: landlock, logs: append(own, "although another is installed"), setUp: ordinaryBot(walltest.Denied{Switch: true}, true), long: true},
		{name: "root, users switched, Landlock", users: true, landlock: landlock, logs: switched, long: true, setUp: rootBot(walltest.Denied{})},
		{name: "root, users switched alone", users: true, logs: switched, long: true, setUp: rootBot(walltest.Denied{Landlock: true})},
	}
}

// rootBot has the bot, which is root, name the users of Terraform.
func rootBot(denied walltest.Denied) func(*testing.T, *Options) {
	return func(t *testing.T, o *Options) {
		o.Users = [2]int{walltest.Plan, walltest.Apply}
		o.Start = func(cmd *exec.Cmd) error {
			reachable(t, o)
			denied.Deny(cmd, 0)
			return cmd.Start()
		}
	}
}

// ordinaryBot has the bot be an ordinary user, with the program that switches users beside it
// or without.
func ordinaryBot(denied walltest.Denied, switches bool) func(*testing.T, *Options) {
	return func(t *testing.T, o *Options) {
		dir := walltest.Install(t, o.Bot)
		if !switches {
			must(t, os.Remove(filepath.Join(dir, "drbot-switch")))
		}
		o.Start = func(cmd *exec.Cmd) error {
			reachable(t, o)
			botsOwn(t, o)
			cmd.Path = filepath.Join(dir, "drbot")
			cmd.Env = append(cmd.Env, "HOME="+filepath.Join(o.Dir, "bot"))
			if denied == (walltest.Denied{}) {
				walltest.As(cmd, walltest.Bot, walltest.Plan, walltest.Apply)
			} else {
				denied.Deny(cmd, walltest.Bot)
				cmd.SysProcAttr = &syscall.SysProcAttr{}
			}
			cmd.SysProcAttr.Setpgid = true
			return cmd.Start()
		}
	}
}

// TestAttackWithNeither starts a bot where the kernel has no Landlock and nobody may become
// another user: it does not start, and says what it takes. With the word in its configuration
// it does, and says that there is no wall.
func TestAttackWithNeither(t *testing.T) {
	neither := walltest.Denied{Landlock: true, Switch: true}
	for name, setUp := range map[string]func(*testing.T, *Options){
		"an ordinary bot":          ordinaryBot(neither, false),
		"with drbot-switch":        ordinaryBot(neither, true),
		"root with terraform.user": rootBot(neither),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, ctx := newWorld(t, func(o *Options) { setUp(t, o) })
			err := w.StartBot(ctx)
			if err == nil || !strings.Contains(err.Error(), "write terraform.isolation: none") && !strings.Contains(err.Error(), "cannot start Terraform as that one") {
				t.Errorf("it starts: %v", err)
			}
		})
	}
}
