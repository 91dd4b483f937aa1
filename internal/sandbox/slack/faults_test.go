package slack_test

import (
	"errors"
	"testing"
	"time"

	"github.com/drbot/drbot/internal/sandbox/slack"
	slackgo "github.com/slack-go/slack"
)

func TestFaultsOfTheEdge(t *testing.T) {
	s, api, _ := start(t, nil)
	post := func() error {
		_, _, err := api.PostMessage(ops, slackgo.MsgOptionText("x", false))
		return err
	}

	s.Inject(slack.Fault{Kind: slack.FaultRateLimited, Method: "chat.postMessage", RetryAfter: 7, Times: 1})
	var limited *slackgo.RateLimitedError
	if err := post(); !errors.As(err, &limited) || limited.RetryAfter != 7*time.Second {
		t.Errorf("rate limited: %v", err)
	}

	in := s.Inject(slack.Fault{Kind: slack.FaultServerError, Channel: ops, Skip: 1, Times: 1})
	if err := post(); err != nil {
		t.Errorf("a skipped call: %v", err)
	}
	var status slackgo.StatusCodeError
	if err := post(); !errors.As(err, &status) || status.Code != 500 || in.Hits() != 1 {
		t.Errorf("server error: %v, %d hits", err, in.Hits())
	}
	if n := len(s.Messages(ops)); n != 1 {
		t.Errorf("%d messages, want the one that was not spoiled", n)
	}

	s.Inject(slack.Fault{Kind: slack.FaultLostReply, Times: 1})
	if err := post(); !errors.As(err, &status) || status.Code != 500 || len(s.Messages(ops)) != 2 {
		t.Errorf("lost reply: %v, %d messages", err, len(s.Messages(ops)))
	}
	calls := s.Calls()
	if last := calls[len(calls)-1]; last.Fault != slack.FaultLostReply || last.Status != 500 || last.TS == "" {
		t.Errorf("journal of a lost reply: %+v", last)
	}

	s.Inject(slack.Fault{Kind: slack.FaultHalfBody, Times: 1})
	if err := post(); err == nil || len(s.Messages(ops)) != 3 {
		t.Errorf("half a body: %v, %d messages", err, len(s.Messages(ops)))
	}

	s.Inject(slack.Fault{Kind: slack.FaultServerError})
	if first, second := post(), post(); first == nil || second == nil {
		t.Error("a fault without Times must last")
	}
	s.ClearFaults()
	if err := post(); err != nil {
		t.Errorf("after ClearFaults: %v", err)
	}
}

func TestHangUntilReleased(t *testing.T) {
	s, api, _ := start(t, nil)
	in := s.Inject(slack.Fault{Kind: slack.FaultHang, Method: "chat.postMessage", Times: 1})
	done := make(chan error, 1)
	go func() {
		_, _, err := api.PostMessage(ops, slackgo.MsgOptionText("slow", false))
		done <- err
	}()
	if _, err := s.Wait(within(t, 10*time.Second), ops, func([]sandboxMessage) bool { return in.Hits() == 1 }); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-done:
		t.Fatalf("the call did not hang: %v", err)
	default:
	}
	in.Release()
	if err := <-done; err != nil || len(s.Messages(ops)) != 1 {
		t.Errorf("after the release: %v, %d messages", err, len(s.Messages(ops)))
	}

	s.Inject(slack.Fault{Kind: slack.FaultHang, For: 20 * time.Millisecond, Times: 1})
	if _, err := api.AuthTest(); err != nil {
		t.Errorf("after the time: %v", err)
	}

	s.Inject(slack.Fault{Kind: slack.FaultHang})
	_, _, err := api.PostMessageContext(within(t, 30*time.Millisecond), ops, slackgo.MsgOptionText("given up", false))
	if err == nil {
		t.Error("a call that hangs for ever came back")
	}
	gaveUp := func(cs []slack.Call) bool { return len(cs) == 3 && cs[2].Status == 0 }
	if _, err := s.WaitCalls(within(t, 10*time.Second), gaveUp); err != nil {
		t.Error(err)
	}
	if n := len(s.Messages(ops)); n != 1 {
		t.Errorf("a call that was given up took place: %d messages", n)
	}
}

func TestLies(t *testing.T) {
	s, api, _ := start(t, nil)
	ts := mustPost(t, api, ops, slackgo.MsgOptionText("before", false), runMetadata("r-1"))

	s.Inject(slack.Fault{Kind: slack.FaultDropUpdate, Method: "chat.update", Times: 1})
	if _, _, text, err := api.UpdateMessage(ops, ts, slackgo.MsgOptionText("after", false)); err != nil || text != "after" {
		t.Errorf("a dropped update must look fine: %q, %v", text, err)
	}
	if m := s.Messages(ops)[0]; m.Text != "before" || m.Edits != 0 {
		t.Errorf("a dropped update changed %+v", m)
	}

	in := s.Inject(slack.Fault{Kind: slack.FaultHideMetadata, Method: "conversations.history"})
	read := func() slackgo.Message {
		t.Helper()
		h, err := api.GetConversationHistory(&slackgo.GetConversationHistoryParameters{ChannelID: ops, IncludeAllMetadata: true})
		if err != nil || len(h.Messages) != 1 {
			t.Fatalf("history = %+v, %v", h, err)
		}
		return h.Messages[0]
	}
	if m := read(); m.Metadata.EventType != "" {
		t.Errorf("metadata %+v was not hidden", m.Metadata)
	}
	in.Release()
	if m := read(); m.Metadata.EventType != "drbot_run" {
		t.Error("metadata stayed hidden")
	}
}
