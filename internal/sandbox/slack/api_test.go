package slack_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	slackgo "github.com/slack-go/slack"
)

func runMetadata(id string) slackgo.MsgOption {
	return slackgo.MsgOptionMetadata(slackgo.SlackMetadata{
		EventType: "drbot_run", EventPayload: map[string]any{"run": id},
	})
}

func TestPostUpdateHistoryWithMetadata(t *testing.T) {
	s, api, _ := start(t, nil)
	ts := mustPost(t, api, ops, slackgo.MsgOptionText("starting", false),
		slackgo.MsgOptionBlocks(section("*starting*")), runMetadata("r-1"))

	if _, _, _, err := api.UpdateMessage(ops, ts, slackgo.MsgOptionText("done", false),
		slackgo.MsgOptionBlocks(section("*done*"))); err != nil {
		t.Fatal(err)
	}

	read := func(metadata bool) slackgo.Message {
		t.Helper()
		h, err := api.GetConversationHistory(&slackgo.GetConversationHistoryParameters{ChannelID: ops, IncludeAllMetadata: metadata})
		if err != nil {
			t.Fatal(err)
		}
		if len(h.Messages) != 1 {
			t.Fatalf("%d messages in history, want 1", len(h.Messages))
		}
		return h.Messages[0]
	}
	m := read(true)
	if m.Timestamp != ts || m.Text != "done" || m.BotID != "B0BOT" || m.User != "U0BOT" {
		t.Errorf("message = %+v", m.Msg)
	}
	if m.Metadata.EventType != "drbot_run" || m.Metadata.EventPayload["run"] != "r-1" {
		t.Errorf("metadata that the update left out is %+v, want it kept", m.Metadata)
	}
	if m.Edited != nil {
		t.Error("an update with blocks must not show (edited)")
	}
	if m := read(false); m.Metadata.EventType != "" {
		t.Errorf("metadata %+v without include_all_metadata", m.Metadata)
	}
	kept := s.Messages(ops)[0]
	if kept.Edits != 1 || len(kept.History) != 2 || kept.History[0].Text != "starting" || kept.AllText() != "*done*" {
		t.Errorf("kept = %+v", kept)
	}
}

func TestUpdateRules(t *testing.T) {
	s, api, _ := start(t, nil)
	ts := mustPost(t, api, ops, slackgo.MsgOptionText("a", false), slackgo.MsgOptionBlocks(section("a")), runMetadata("r"))
	update := func(opts ...slackgo.MsgOption) {
		t.Helper()
		if _, _, _, err := api.UpdateMessage(ops, ts, opts...); err != nil {
			t.Fatal(err)
		}
	}

	update(slackgo.MsgOptionBlocks(section("b")))
	if m := s.Messages(ops)[0]; m.Text != "a" || m.AllText() != "b" {
		t.Errorf("blocks alone: text %q, shown %q", m.Text, m.AllText())
	}
	update(slackgo.MsgOptionText("only text", false))
	if m := s.Messages(ops)[0]; m.Blocks != nil || m.EditedTS == "" || m.AllText() != "only text" {
		t.Errorf("text alone must remove the blocks and show (edited): %+v", m)
	}
	update(slackgo.MsgOptionText("x", false), slackgo.MsgOptionMetadata(slackgo.SlackMetadata{}))
	if m := s.Messages(ops)[0]; m.Metadata != nil {
		t.Errorf("an empty object must take metadata away, left %+v", m.Metadata)
	}

	mine, err := s.Say("U0MINA", ops, "mine", "")
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct{ channel, ts, text, want string }{
		{"C0NONE", ts, "x", "channel_not_found"},
		{"portal-ops", ts, "x", "channel_not_found"}, // an id is needed here
		{ops, "1700000000.000100", "x", "message_not_found"},
		{ops, mine.TS, "x", "cant_update_message"},
		{ops, ts, "", "no_text"},
		{ops, ts, strings.Repeat("x", 4001), "msg_too_long"},
	} {
		_, _, _, err := api.UpdateMessage(tc.channel, tc.ts, slackgo.MsgOptionText(tc.text, false))
		wantError(t, err, tc.want)
	}
}

func TestPostRefusals(t *testing.T) {
	_, api, url := start(t, nil)
	for _, tc := range []struct {
		channel, text, want string
	}{
		{"C0NONE", "x", "channel_not_found"},
		{"G0SECRET", "x", "channel_not_found"},
		{"C0AWAY", "x", "not_in_channel"},
		{"C0OLD", "x", "is_archived"},
		{"U0STRANGER", "x", "channel_not_found"},
		{ops, "", "no_text"},
		{ops, strings.Repeat("한", 40001), "msg_too_long"},
	} {
		_, _, err := api.PostMessage(tc.channel, slackgo.MsgOptionText(tc.text, false))
		wantError(t, err, tc.want)
	}
	mustPost(t, api, ops, slackgo.MsgOptionText(strings.Repeat("한", 40000), false))
	mustPost(t, api, "#random", slackgo.MsgOptionText("by name", false))

	bad := slackgo.New("xoxb-wrong", slackgo.OptionAPIURL(url+"/api/"))
	_, err := bad.AuthTest()
	wantError(t, err, "invalid_auth")
	_, _, _, err = api.OpenConversation(&slackgo.OpenConversationParameters{ChannelID: ops})
	if err == nil || err.Error() != "unknown_method" {
		t.Errorf("unknown method: %v", err)
	}
}

func TestTimestampsGrowWhenTheClockStandsStill(t *testing.T) {
	s, api, _ := start(t, nil)
	last := ""
	for i := range 5 {
		ts := mustPost(t, api, ops, slackgo.MsgOptionText(fmt.Sprint(i), false))
		if ts <= last {
			t.Errorf("%s after %s", ts, last)
		}
		last = ts
	}
	if n := len(s.Messages(ops)); n != 5 {
		t.Errorf("%d messages, want 5", n)
	}
}

func TestHistoryPagesAndBounds(t *testing.T) {
	_, api, _ := start(t, nil)
	var all []string
	for i := range 7 {
		all = append(all, mustPost(t, api, ops, slackgo.MsgOptionText(fmt.Sprint(i), false)))
	}
	var got []string
	p := &slackgo.GetConversationHistoryParameters{ChannelID: ops, Limit: 3}
	for pages := 1; ; pages++ {
		h, err := api.GetConversationHistory(p)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range h.Messages {
			got = append([]string{m.Timestamp}, got...)
		}
		if !h.HasMore {
			if pages != 3 {
				t.Errorf("%d pages, want 3", pages)
			}
			break
		}
		p.Cursor = h.ResponseMetaData.NextCursor
	}
	if strings.Join(got, " ") != strings.Join(all, " ") {
		t.Errorf("paged %v, want %v", got, all)
	}
	for _, tc := range []struct {
		oldest, latest string
		inclusive      bool
		want           int
	}{
		{all[2], "", false, 4},
		{all[2], "", true, 5},
		{all[2], all[4], false, 1},
		{all[2], all[4], true, 3},
		{"", all[0], false, 0},
	} {
		h, err := api.GetConversationHistory(&slackgo.GetConversationHistoryParameters{
			ChannelID: ops, Oldest: tc.oldest, Latest: tc.latest, Inclusive: tc.inclusive,
		})
		if err != nil {
			t.Fatal(err)
		}
		if len(h.Messages) != tc.want {
			t.Errorf("%+v: %d messages", tc, len(h.Messages))
		}
	}
	for _, bad := range []slackgo.GetConversationHistoryParameters{
		{ChannelID: ops, Oldest: "yesterday"},
		{ChannelID: ops, Cursor: "nonsense"},
		{ChannelID: ops, Limit: 5000},
		{ChannelID: "C0NONE"},
	} {
		if _, err := api.GetConversationHistory(&bad); err == nil {
			t.Errorf("%+v was accepted", bad)
		}
	}
}

func TestThreads(t *testing.T) {
	s, api, _ := start(t, nil)
	root := mustPost(t, api, ops, slackgo.MsgOptionText("root", false))
	reply := mustPost(t, api, ops, slackgo.MsgOptionText("plan", false), slackgo.MsgOptionTS(root), runMetadata("r-2"))
	nested := mustPost(t, api, ops, slackgo.MsgOptionText("again", false), slackgo.MsgOptionTS(reply))
	stray := mustPost(t, api, ops, slackgo.MsgOptionText("stray", false), slackgo.MsgOptionTS("1600000000.000100"))

	msgs, _, _, err := api.GetConversationReplies(&slackgo.GetConversationRepliesParameters{
		ChannelID: ops, Timestamp: root, IncludeAllMetadata: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(msgs) != 3 || msgs[0].Timestamp != root || msgs[0].ReplyCount != 2 || msgs[0].LatestReply != nested {
		t.Fatalf("thread = %+v", msgs)
	}
	if msgs[1].ThreadTimestamp != root || msgs[1].Metadata.EventPayload["run"] != "r-2" || msgs[2].ThreadTimestamp != root {
		t.Errorf("replies = %+v", msgs[1:])
	}
	h, err := api.GetConversationHistory(&slackgo.GetConversationHistoryParameters{ChannelID: ops})
	if err != nil {
		t.Fatal(err)
	}
	if len(h.Messages) != 2 || h.Messages[0].Timestamp != stray {
		t.Errorf("a reply to nobody belongs in the channel: %+v", h.Messages)
	}
	_, _, _, err = api.GetConversationReplies(&slackgo.GetConversationRepliesParameters{ChannelID: ops, Timestamp: "1.000000"})
	wantError(t, err, "thread_not_found")
	if len(s.Messages(ops)) != 4 {
		t.Error("Messages must include the replies")
	}
}

func TestLookups(t *testing.T) {
	_, api, _ := start(t, nil)
	auth, err := api.AuthTest()
	if err != nil || auth.UserID != "U0BOT" || auth.BotID != "B0BOT" || auth.TeamID != "T0ACME" {
		t.Errorf("auth.test = %+v, %v", auth, err)
	}
	for id, want := range map[string]func(*slackgo.User) bool{
		"U0MINA":     func(u *slackgo.User) bool { return u.TeamID == "T0ACME" && !u.IsRestricted && !u.IsBot && !u.Deleted },
		"U0GUEST":    func(u *slackgo.User) bool { return u.IsRestricted && !u.IsUltraRestricted },
		"U0ONE":      func(u *slackgo.User) bool { return u.IsRestricted && u.IsUltraRestricted },
		"U0STRANGER": func(u *slackgo.User) bool { return u.TeamID == "T0EVIL" && u.IsStranger },
		"U0GONE":     func(u *slackgo.User) bool { return u.Deleted },
		"U0BOT":      func(u *slackgo.User) bool { return u.IsBot },
	} {
		u, err := api.GetUserInfo(id)
		if err != nil || !want(u) {
			t.Errorf("users.info %s = %+v, %v", id, u, err)
		}
	}
	_, err = api.GetUserInfo("U0NOBODY")
	wantError(t, err, "user_not_found")
}

func TestEphemeralAndDirectMessages(t *testing.T) {
	s, api, _ := start(t, nil)
	if _, err := api.PostEphemeral(ops, "U0MINA", slackgo.MsgOptionText("for you", false)); err != nil {
		t.Fatal(err)
	}
	if got := s.Ephemerals("U0MINA"); len(got) != 1 || got[0].Text != "for you" || len(s.Messages(ops)) != 0 {
		t.Errorf("ephemerals = %+v", got)
	}
	_, err := api.PostEphemeral(ops, "U0NOBODY", slackgo.MsgOptionText("x", false))
	wantError(t, err, "user_not_in_channel")

	channel, ts, err := api.PostMessage("U0MINA", slackgo.MsgOptionText("hello", false))
	if err != nil || !strings.HasPrefix(channel, "D") {
		t.Fatalf("direct message went to %q: %v", channel, err)
	}
	if _, _, _, err := api.UpdateMessage(channel, ts, slackgo.MsgOptionText("hello again", false)); err != nil {
		t.Error(err)
	}
}

func TestWaitWakesOnTheMessage(t *testing.T) {
	s, api, _ := start(t, nil)
	got := make(chan error, 1)
	go func() {
		_, err := s.Wait(within(t, 10*time.Second), ops, func(ms []sandboxMessage) bool {
			return len(ms) == 1 && ms[0].Text == "two"
		})
		got <- err
	}()
	ts := mustPost(t, api, ops, slackgo.MsgOptionText("one", false))
	if _, _, _, err := api.UpdateMessage(ops, ts, slackgo.MsgOptionText("two", false)); err != nil {
		t.Fatal(err)
	}
	if err := <-got; err != nil {
		t.Error(err)
	}
	if _, err := s.Wait(within(t, time.Millisecond), ops, func([]sandboxMessage) bool { return false }); err == nil {
		t.Error("Wait must end with its context")
	}
}

func TestJournalKeepsArgumentsButNoToken(t *testing.T) {
	s, api, _ := start(t, nil)
	ts := mustPost(t, api, ops, slackgo.MsgOptionText("hi", false))
	calls := s.CallsTo("chat.postMessage")
	if len(calls) != 1 || calls[0].TS != ts || calls[0].Channel != ops || calls[0].Status != 200 || calls[0].Args["text"] != "hi" {
		t.Fatalf("calls = %+v", calls)
	}
	raw, err := json.Marshal(calls)
	if err != nil || strings.Contains(string(raw), token) {
		t.Errorf("the token is in the journal: %s, %v", raw, err)
	}
}
