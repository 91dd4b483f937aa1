package slack_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/drbot/drbot/internal/sandbox/slack"
	slackgo "github.com/slack-go/slack"
)

func answerJSON(body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, body)
	}
}

func TestCommandCarriesEveryFieldAndVerifies(t *testing.T) {
	s, _, url := start(t, nil)
	b := startBot(t, s, answerJSON(`{"response_type":"ephemeral","text":"on it"}`))
	d, err := s.Command(t.Context(), "U0MINA", ops, "/dr failover portal  ap-northeast-1 <b>")
	if err != nil || d.Error != "" || d.Status != 200 || d.Ack <= 0 {
		t.Fatalf("delivery = %+v, %v", d, err)
	}
	got := b.last(t)
	if err := got.verify(); err != nil {
		t.Errorf("signature: %v", err)
	}
	cmd, err := slackgo.SlashCommandParse(got.request())
	if err != nil {
		t.Fatal(err)
	}
	if cmd.Command != "/dr" || cmd.Text != "failover portal  ap-northeast-1 <b>" || cmd.UserID != "U0MINA" || cmd.UserName != "mina" ||
		cmd.TeamID != "T0ACME" || cmd.TeamDomain != "acme" || cmd.ChannelID != ops || cmd.ChannelName != "portal-ops" ||
		cmd.APIAppID != "A0BOT" || cmd.Token == "" || cmd.TriggerID == "" || cmd.IsEnterpriseInstall ||
		!strings.HasPrefix(cmd.ResponseURL, url+"/response/") {
		t.Errorf("command = %+v", cmd)
	}
	if e := s.Ephemerals("U0MINA"); len(e) != 1 || e[0].Text != "on it" || len(s.Messages(ops)) != 0 {
		t.Errorf("shown = %+v", e)
	}
	if ds := s.Deliveries(); len(ds) != 1 || ds[0].Kind != "command" {
		t.Errorf("deliveries = %+v", ds)
	}
}

func TestCommandsABotMustRefuse(t *testing.T) {
	s, _, _ := start(t, nil)
	b := startBot(t, s, nil)
	send := func(who string, opts ...slack.SendOption) received {
		t.Helper()
		if _, err := s.Command(t.Context(), who, ops, "/dr status", opts...); err != nil {
			t.Fatal(err)
		}
		return b.last(t)
	}
	if err := send("U0MINA", slack.Unsigned()).verify(); !errors.Is(err, slackgo.ErrMissingHeaders) {
		t.Errorf("unsigned: %v", err)
	}
	if err := send("U0MINA", slack.WronglySigned()).verify(); !errors.Is(err, slackgo.ErrInvalidSignature) {
		t.Errorf("wrongly signed: %v", err)
	}
	if err := send("U0MINA", slack.Stale(6*time.Minute)).verify(); !errors.Is(err, slackgo.ErrExpiredTimestamp) {
		t.Errorf("stale: %v", err)
	}
	for who, opts := range map[string][]slack.SendOption{
		"U0STRANGER": nil,
		"U0MINA":     {slack.FromTeam("T0EVIL", "evil")},
	} {
		cmd, err := slackgo.SlashCommandParse(send(who, opts...).request())
		if err != nil || cmd.TeamID != "T0EVIL" || cmd.TeamDomain != "evil" {
			t.Errorf("%s from another team: %+v, %v", who, cmd, err)
		}
	}
	s.RewriteUser("U0JOON", "U0MINA", 1)
	for _, want := range []string{"U0MINA", "U0JOON"} {
		if cmd, err := slackgo.SlashCommandParse(send("U0JOON").request()); err != nil || cmd.UserID != want {
			t.Errorf("claimed user %q, want %s (%v)", cmd.UserID, want, err)
		}
	}
}

func TestAcknowledgementTimeout(t *testing.T) {
	s, _, _ := start(t, func(o *slack.Options) { o.AckTimeout = 50 * time.Millisecond })
	release := make(chan struct{})
	startBot(t, s, func(http.ResponseWriter, *http.Request) { <-release })
	t.Cleanup(func() { close(release) })
	d, err := s.Command(t.Context(), "U0MINA", ops, "/dr status")
	if err != nil || !d.TimedOut || d.Error != "operation_timeout" || d.Ack < 50*time.Millisecond {
		t.Errorf("delivery = %+v, %v", d, err)
	}
	e := s.Ephemerals("U0MINA")
	if len(e) != 1 || e[0].Text != "`/dr` failed with the error \"operation_timeout\"" {
		t.Errorf("the person sees %+v", e)
	}
}

func TestAnswersToCommands(t *testing.T) {
	const sectionJSON = `{"type":"section","text":{"type":"mrkdwn","text":"*ok*"}}`
	for name, tc := range map[string]struct {
		answer                 http.HandlerFunc
		ephemeral, channel, is string
	}{
		"nothing":    {func(http.ResponseWriter, *http.Request) {}, "", "", ""},
		"plain text": {func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "words") }, "words", "", ""},
		"blocks":     {answerJSON(`{"blocks":[` + sectionJSON + `]}`), "*ok*", "", ""},
		"in channel": {answerJSON(`{"response_type":"in_channel","text":"all"}`), "", "/dr help|all", ""},
		"bad blocks": {answerJSON(`{"blocks":[{"type":"x"}]}`), "`/dr` failed with the error \"invalid_command_response\"", "", "invalid_command_response"},
		"an error": {
			func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500) },
			"`/dr` failed with the error \"dispatch_failed\"", "", "dispatch_failed",
		},
	} {
		t.Run(name, func(t *testing.T) {
			s, _, _ := start(t, nil)
			startBot(t, s, tc.answer)
			d, err := s.Command(t.Context(), "U0MINA", ops, "/dr help")
			if err != nil || d.Error != tc.is {
				t.Errorf("delivery = %+v, %v", d, err)
			}
			if got := joined(s.Ephemerals("U0MINA")); got != tc.ephemeral {
				t.Errorf("the person sees %q, want %q", got, tc.ephemeral)
			}
			if got := joined(s.Messages(ops)); got != tc.channel {
				t.Errorf("the channel sees %q, want %q", got, tc.channel)
			}
		})
	}
}

func joined(ms []sandboxMessage) string {
	texts := make([]string, len(ms))
	for i, m := range ms {
		texts[i] = m.AllText()
	}
	return strings.Join(texts, "|")
}

func TestCommandsThatNeverLeave(t *testing.T) {
	s, _, _ := start(t, nil)
	startBot(t, s, nil)
	if _, err := s.Command(t.Context(), "U0NOBODY", ops, "/dr"); !errors.Is(err, slack.ErrNoSuchPersona) {
		t.Error(err)
	}
	if _, err := s.Command(t.Context(), "U0MINA", "C0NONE", "/dr"); !errors.Is(err, slack.ErrNoSuchChannel) {
		t.Error(err)
	}
	if _, err := s.Command(t.Context(), "U0MINA", ops, "/deploy"); err == nil {
		t.Error("an unknown command was sent")
	}
	if _, err := s.Say("U0MINA", ops, "/dr status", "1700000000.000100"); err == nil {
		t.Error("a slash command worked in a thread")
	}
	if len(s.Deliveries()) != 0 {
		t.Error("something left")
	}
}

func TestResponseURL(t *testing.T) {
	clock := &clock{now: time.Now()}
	s, api, _ := start(t, func(o *slack.Options) { o.Clock = clock.Now })
	b := startBot(t, s, nil)
	open := func() string {
		t.Helper()
		if _, err := s.Command(t.Context(), "U0MINA", ops, "/dr status"); err != nil {
			t.Fatal(err)
		}
		cmd, err := slackgo.SlashCommandParse(b.last(t).request())
		if err != nil {
			t.Fatal(err)
		}
		return cmd.ResponseURL
	}
	say := func(to, kind, text string) error {
		_, _, err := api.PostMessage(ops, slackgo.MsgOptionText(text, false), slackgo.MsgOptionResponseURL(to, kind))
		return err
	}
	to := open()
	for i := range 5 {
		kind := slackgo.ResponseTypeEphemeral
		if i == 4 {
			kind = slackgo.ResponseTypeInChannel
		}
		if err := say(to, kind, fmt.Sprint(i)); err != nil {
			t.Fatalf("use %d: %v", i+1, err)
		}
	}
	if err := say(to, slackgo.ResponseTypeEphemeral, "six"); err == nil {
		t.Error("the sixth use worked")
	}
	if got := joined(s.Ephemerals("U0MINA")); got != "0|1|2|3" {
		t.Errorf("ephemeral: %q", got)
	}
	if got := joined(s.Messages(ops)); got != "4" {
		t.Errorf("in channel: %q", got)
	}
	late := open()
	clock.Advance(30*time.Minute + time.Second)
	if err := say(late, slackgo.ResponseTypeEphemeral, "late"); err == nil {
		t.Error("a response URL lived longer than 30 minutes")
	}
}

func TestViewsOpen(t *testing.T) {
	clock := &clock{now: time.Now()}
	s, api, _ := start(t, func(o *slack.Options) { o.Clock = clock.Now })
	b := startBot(t, s, nil)
	trigger := func() string {
		t.Helper()
		if _, err := s.Command(t.Context(), "U0MINA", ops, "/dr failover"); err != nil {
			t.Fatal(err)
		}
		cmd, err := slackgo.SlashCommandParse(b.last(t).request())
		if err != nil {
			t.Fatal(err)
		}
		return cmd.TriggerID
	}
	view := func(title string) slackgo.ModalViewRequest {
		return slackgo.ModalViewRequest{
			Type: slackgo.VTModal, Title: slackgo.NewTextBlockObject("plain_text", title, false, false), CallbackID: "failover",
			Blocks: slackgo.Blocks{BlockSet: []slackgo.Block{section("Which Region?")}},
		}
	}
	id := trigger()
	_, err := api.OpenView(id, view(strings.Repeat("x", 25)))
	wantError(t, err, "invalid_arguments")
	resp, err := api.OpenView(id, view("Fail over"))
	if err != nil || resp.ID == "" {
		t.Fatalf("view = %+v, %v", resp, err)
	}
	_, err = api.OpenView(id, view("Fail over"))
	wantError(t, err, "exchanged_trigger_id")
	id = trigger()
	clock.Advance(4 * time.Second)
	_, err = api.OpenView(id, view("Fail over"))
	wantError(t, err, "expired_trigger_id")
	if vs := s.Views(); len(vs) != 1 || vs[0].User != "U0MINA" || vs[0].CallbackID != "failover" {
		t.Errorf("views = %+v", vs)
	}
}
