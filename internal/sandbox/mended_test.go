package sandbox

import (
	"context"
	"strings"
	"testing"

	"github.com/drbot/drbot/internal/sandbox/slack"
)

// ship is a resource of the target's stack whose making runs a command.
func ship(ctx context.Context, w *World, command string) error {
	stack := stackFolder + "/" + standby + "/main.tf"
	src, err := w.Hub.FileAt(ctx, "main", stack)
	if err != nil {
		return err
	}
	before, _, _ := strings.Cut(string(src), "\nresource \"terraform_data\" \"shipped\"")
	_, err = w.Hub.MoveBase(ctx, loginOf("dave"), stack, before+"\nresource \"terraform_data\" \"shipped\" {\n  provisioner \"local-exec\" {\n    command = \""+command+"\"\n  }\n}\n", "ship it")
	return err
}

// TestMendedInGit has an apply fail by what the repository says, with real Terraform: it is
// mended on the base, retry shows what the newer commit would do, two people accept it, and
// the run ends at that commit.
func TestMendedInGit(t *testing.T) {
	t.Parallel()
	w, ctx := serving(t)
	must(t, ship(ctx, w, "exit 3"))
	m := asked(t, ctx, w)
	approveBoth(t, ctx, w, m)
	msg := awaitPaused(t, ctx, w, m.run, "apply/"+standby)
	if text := msg.AllText(); !strings.Contains(text, "retry goes on at its newest commit") {
		t.Errorf("the message does not say how the repository is mended:\n%s", text)
	}
	must(t, ship(ctx, w, "true"))
	mended, err := w.Hub.HeadOf(ctx, "main")
	must(t, err)
	press(t, ctx, w, "bob", msg, "retry")
	must(t, w.waitText(ctx, m.run, "at "+mended[:7]+" more would be done than was approved"))
	msg = runMessages(w.Slack.Messages(channel), m.run)[0]
	for _, says := range []string{"terraform_data.shipped", "other code would run"} {
		if !strings.Contains(msg.AllText(), says) {
			t.Errorf("the message does not say %q:\n%s", says, msg.AllText())
		}
	}
	must(t, w.accept(ctx, msg))
	wait, cancel := context.WithTimeout(ctx, 2*patience)
	defer cancel()
	_, err = w.Slack.Wait(wait, channel, func(msgs []slack.Message) bool { return strings.Contains(shown(msgs, m.run), "*succeeded*") })
	must(t, err)
	if text := shown(w.Slack.Messages(channel), m.run); !strings.Contains(text, "goes on at "+mended[:7]) {
		t.Errorf("the message does not say the commit:\n%s", text)
	}
	must(t, w.readService(ctx, m))
	must(t, w.readUsers(ctx, m))
}
