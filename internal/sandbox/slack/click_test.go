package slack_test

import (
	"errors"
	"testing"

	"github.com/drbot/drbot/internal/sandbox/slack"
	slackgo "github.com/slack-go/slack"
)

func cancelButton() slackgo.Block {
	b := slackgo.NewButtonBlockElement("cancel", "r-1", slackgo.NewTextBlockObject("plain_text", "Cancel", false, false))
	b.Confirm = slackgo.NewConfirmationBlockObject(
		slackgo.NewTextBlockObject("plain_text", "Cancel the failover?", false, false),
		slackgo.NewTextBlockObject("mrkdwn", "Nothing was promoted yet.", false, false),
		slackgo.NewTextBlockObject("plain_text", "Cancel it", false, false),
		slackgo.NewTextBlockObject("plain_text", "Keep going", false, false))
	look := slackgo.NewButtonBlockElement("look", "r-1", slackgo.NewTextBlockObject("plain_text", "Look", false, false))
	return slackgo.NewActionBlock("run-actions", b, look)
}

func TestClickCarriesTheMessage(t *testing.T) {
	s, api, _ := start(t, nil)
	b := startBot(t, s, nil)
	ts := mustPost(t, api, ops, slackgo.MsgOptionText("run", false),
		slackgo.MsgOptionBlocks(section("run"), cancelButton()), runMetadata("r-1"))

	if _, err := s.Click(t.Context(), "U0JOON", ops, ts, "cancel"); !errors.Is(err, slack.ErrNeedsConfirmation) {
		t.Errorf("a click without confirmation: %v", err)
	}
	d, err := s.Click(t.Context(), "U0JOON", ops, ts, "cancel", slack.Confirmed(), slack.InBlock("run-actions"))
	if err != nil || d.Error != "" {
		t.Fatalf("delivery = %+v, %v", d, err)
	}
	got := b.last(t)
	if err := got.verify(); err != nil {
		t.Errorf("signature: %v", err)
	}
	ic, err := slackgo.InteractionCallbackParse(got.request())
	if err != nil {
		t.Fatal(err)
	}
	if ic.Type != slackgo.InteractionTypeBlockActions || ic.User.ID != "U0JOON" || ic.User.TeamID != "T0ACME" || ic.Team.ID != "T0ACME" ||
		ic.Channel.ID != ops || ic.Channel.Name != "portal-ops" || ic.Container.MessageTs != ts || ic.Container.ChannelID != ops ||
		ic.Message.Timestamp != ts || ic.Message.Metadata.EventPayload["run"] != "r-1" || ic.TriggerID == "" || ic.ResponseURL == "" {
		t.Errorf("callback = %+v", ic)
	}
	acts := ic.ActionCallback.BlockActions
	if len(acts) != 1 || acts[0].ActionID != "cancel" || acts[0].BlockID != "run-actions" || acts[0].Value != "r-1" ||
		acts[0].Type != "button" || acts[0].ActionTs == "" {
		t.Errorf("actions = %+v", acts)
	}
}

func TestClicksThatNeverLeave(t *testing.T) {
	s, api, _ := start(t, nil)
	startBot(t, s, nil)
	ts := mustPost(t, api, ops, slackgo.MsgOptionBlocks(cancelButton()))
	if _, err := s.Click(t.Context(), "U0MINA", ops, ts, "promote"); !errors.Is(err, slack.ErrNoSuchAction) {
		t.Error(err)
	}
	if _, err := s.Click(t.Context(), "U0MINA", ops, "1.000000", "look"); !errors.Is(err, slack.ErrNoSuchMessage) {
		t.Error(err)
	}
	private, err := api.PostEphemeral(ops, "U0MINA", slackgo.MsgOptionBlocks(cancelButton()))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Click(t.Context(), "U0JOON", ops, private, "look"); !errors.Is(err, slack.ErrNoSuchMessage) {
		t.Errorf("a stranger clicked an ephemeral message: %v", err)
	}
	if _, err := s.Click(t.Context(), "U0MINA", ops, private, "look"); err != nil {
		t.Error(err)
	}
}

func TestReplaceAndDeleteOriginal(t *testing.T) {
	s, api, _ := start(t, nil)
	b := startBot(t, s, nil)
	ts := mustPost(t, api, ops, slackgo.MsgOptionText("ask", false), slackgo.MsgOptionBlocks(cancelButton()), runMetadata("r"))
	if _, err := s.Click(t.Context(), "U0MINA", ops, ts, "look"); err != nil {
		t.Fatal(err)
	}
	ic, err := slackgo.InteractionCallbackParse(b.last(t).request())
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := api.PostMessage(ops, slackgo.MsgOptionText("answered", false), slackgo.MsgOptionReplaceOriginal(ic.ResponseURL)); err != nil {
		t.Fatal(err)
	}
	if got := s.Messages(ops); len(got) != 1 || got[0].AllText() != "answered" || got[0].TS != ts || got[0].Edits != 1 {
		t.Errorf("replaced = %+v", got)
	}
	if _, _, err := api.PostMessage(ops, slackgo.MsgOptionDeleteOriginal(ic.ResponseURL)); err != nil {
		t.Fatal(err)
	}
	if got := s.Messages(ops); len(got) != 0 {
		t.Errorf("deleted = %+v", got)
	}
}
