package slack_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/drbot/drbot/internal/sandbox/slack"
	slackgo "github.com/slack-go/slack"
)

type sandboxMessage = slack.Message

type m = map[string]any

func mrk(s string) m   { return m{"type": "mrkdwn", "text": s} }
func plain(s string) m { return m{"type": "plain_text", "text": s} }

func button(change m) m {
	b := m{"type": "button", "action_id": "go", "text": plain("Go")}
	for k, v := range change {
		b[k] = v
	}
	return b
}

func actions(elements ...any) []any {
	return []any{m{"type": "actions", "elements": elements}}
}

func many(n int, one any) []any {
	out := make([]any, n)
	for i := range out {
		out[i] = one
	}
	return out
}

func manyButtons(n int) []any {
	out := make([]any, n)
	for i := range out {
		out[i] = button(m{"action_id": strings.Repeat("a", i+1)})
	}
	return out
}

func confirm(change m) m {
	c := m{"title": plain("Sure?"), "text": mrk("Really?"), "confirm": plain("Yes"), "deny": plain("No")}
	for k, v := range change {
		c[k] = v
	}
	return c
}

// apiReply is an answer of the Web API, as far as these tests look.
type apiReply struct {
	OK               bool   `json:"ok"`
	Error            string `json:"error"`
	ResponseMetadata struct {
		Messages []string `json:"messages"`
	} `json:"response_metadata"`
}

// postJSON calls a method with a JSON body, as blocks no client type can
// express must be.
func postJSON(t *testing.T, url, method string, body any) apiReply {
	t.Helper()
	raw, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequest(http.MethodPost, url+"/api/"+method, strings.NewReader(string(raw)))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json; charset=utf-8")
	req.Header.Set("Authorization", "Bearer "+token)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var out apiReply
	if err := json.NewDecoder(resp.Body).Decode(&out); err != nil {
		t.Fatal(err)
	}
	return out
}

func TestBlockLimits(t *testing.T) {
	_, _, url := start(t, nil)
	str := strings.Repeat
	sec := func(change m) []any {
		b := m{"type": "section", "text": mrk("x")}
		for k, v := range change {
			b[k] = v
		}
		return []any{b}
	}
	for name, tc := range map[string]struct {
		blocks []any
		want   string // empty: accepted
	}{
		"50 blocks":          {many(50, m{"type": "divider"}), ""},
		"51 blocks":          {many(51, m{"type": "divider"}), "no more than 50 items allowed [json-pointer:/blocks]"},
		"unknown type":       {[]any{m{"type": "hologram"}}, "unsupported type: hologram [json-pointer:/blocks/0/type]"},
		"no type":            {[]any{m{"text": mrk("x")}}, "missing required field: type [json-pointer:/blocks/0]"},
		"not an object":      {[]any{m{"type": "section", "text": "x"}}, "missing required field: text [json-pointer:/blocks/0/text]"},
		"section 3000":       {sec(m{"text": mrk(str("한", 3000))}), ""},
		"section 3001":       {sec(m{"text": mrk(str("x", 3001))}), "must be less than 3001 characters [json-pointer:/blocks/0/text/text]"},
		"section empty":      {sec(m{"text": mrk("")}), "must be more than 0 characters [json-pointer:/blocks/0/text/text]"},
		"section bare":       {[]any{m{"type": "section"}}, "missing required field: text [json-pointer:/blocks/0]"},
		"10 fields":          {sec(m{"fields": many(10, mrk("x"))}), ""},
		"11 fields":          {sec(m{"fields": many(11, mrk("x"))}), "no more than 10 items allowed [json-pointer:/blocks/0/fields]"},
		"field 2001":         {sec(m{"fields": many(1, mrk(str("x", 2001)))}), "must be less than 2001 characters [json-pointer:/blocks/0/fields/0/text]"},
		"header 150":         {[]any{m{"type": "header", "text": plain(str("é", 150))}}, ""},
		"header 151":         {[]any{m{"type": "header", "text": plain(str("x", 151))}}, "must be less than 151 characters [json-pointer:/blocks/0/text/text]"},
		"header mrkdwn":      {[]any{m{"type": "header", "text": mrk("x")}}, "must be one of: plain_text [json-pointer:/blocks/0/text/type]"},
		"context 10":         {[]any{m{"type": "context", "elements": many(10, mrk("x"))}}, ""},
		"context 11":         {[]any{m{"type": "context", "elements": many(11, mrk("x"))}}, "no more than 10 items allowed [json-pointer:/blocks/0/elements]"},
		"actions 25":         {actions(manyButtons(25)...), ""},
		"actions 26":         {actions(manyButtons(26)...), "no more than 25 items allowed [json-pointer:/blocks/0/elements]"},
		"actions 0":          {[]any{m{"type": "actions", "elements": []any{}}}, "no less than 1 items allowed [json-pointer:/blocks/0/elements]"},
		"block_id 256":       {sec(m{"block_id": str("x", 256)}), "must be less than 256 characters [json-pointer:/blocks/0/block_id]"},
		"block_id twice":     {append(sec(m{"block_id": "b"}), sec(m{"block_id": "b"})...), "`block_id` already exists [json-pointer:/blocks/1/block_id]"},
		"action_id 256":      {actions(button(m{"action_id": str("x", 256)})), "must be less than 256 characters [json-pointer:/blocks/0/elements/0/action_id]"},
		"action_id twice":    {actions(button(nil), button(nil)), "`action_id` already exists [json-pointer:/blocks/0/elements/1/action_id]"},
		"button text 76":     {actions(button(m{"text": plain(str("x", 76))})), "must be less than 76 characters [json-pointer:/blocks/0/elements/0/text/text]"},
		"button mrkdwn":      {actions(button(m{"text": mrk("x")})), "must be one of: plain_text [json-pointer:/blocks/0/elements/0/text/type]"},
		"button value 2001":  {actions(button(m{"value": str("x", 2001)})), "must be less than 2001 characters [json-pointer:/blocks/0/elements/0/value]"},
		"button url 3001":    {actions(button(m{"url": "https://e.x/" + str("x", 3000)})), "must be less than 3001 characters [json-pointer:/blocks/0/elements/0/url]"},
		"button url bad":     {actions(button(m{"url": "nowhere"})), "must be a valid URL [json-pointer:/blocks/0/elements/0/url]"},
		"button style":       {actions(button(m{"style": "green"})), "must be one of: primary, danger [json-pointer:/blocks/0/elements/0/style]"},
		"confirm":            {actions(button(m{"confirm": confirm(nil)})), ""},
		"confirm title 101":  {actions(button(m{"confirm": confirm(m{"title": plain(str("x", 101))})})), "must be less than 101 characters [json-pointer:/blocks/0/elements/0/confirm/title/text]"},
		"confirm text 301":   {actions(button(m{"confirm": confirm(m{"text": mrk(str("x", 301))})})), "must be less than 301 characters [json-pointer:/blocks/0/elements/0/confirm/text/text]"},
		"confirm button 31":  {actions(button(m{"confirm": confirm(m{"deny": plain(str("x", 31))})})), "must be less than 31 characters [json-pointer:/blocks/0/elements/0/confirm/deny/text]"},
		"accessory unknown":  {sec(m{"accessory": m{"type": "lever"}}), "unsupported type: lever [json-pointer:/blocks/0/accessory/type]"},
		"image without alt":  {[]any{m{"type": "image", "image_url": "https://e.x/a.png"}}, "missing required field: alt_text [json-pointer:/blocks/0]"},
		"input in a message": {[]any{m{"type": "input"}}, "unsupported type: input [json-pointer:/blocks/0/type]"},
	} {
		t.Run(name, func(t *testing.T) {
			got := postJSON(t, url, "chat.postMessage", m{"channel": ops, "text": "x", "blocks": tc.blocks})
			if tc.want == "" {
				if !got.OK {
					t.Errorf("refused: %+v", got)
				}
				return
			}
			if got.Error != "invalid_blocks" || !slices.Contains(got.ResponseMetadata.Messages, "[ERROR] "+tc.want) {
				t.Errorf("got %+v, want %s", got, tc.want)
			}
		})
	}
}

func TestTotalAndFormatOfBlocks(t *testing.T) {
	s, api, url := start(t, nil)
	fill := func(last int) []slackgo.Block {
		x := strings.Repeat("x", 3000)
		return []slackgo.Block{section(x), section(x), section(x), section(x), section(x[:last])}
	}
	ts := mustPost(t, api, ops, slackgo.MsgOptionBlocks(fill(1200)...)) // 13,200 in all
	_, _, err := api.PostMessage(ops, slackgo.MsgOptionBlocks(fill(1201)...))
	wantError(t, err, "msg_blocks_too_long")
	_, _, _, err = api.UpdateMessage(ops, ts, slackgo.MsgOptionBlocks(fill(1201)...))
	wantError(t, err, "msg_blocks_too_long")

	if got := postJSON(t, url, "chat.postMessage", m{"channel": ops, "blocks": "[{"}); got.Error != "invalid_blocks_format" {
		t.Errorf("broken JSON: %+v", got)
	}
	for meta, want := range map[string]string{
		`{"event_payload":{"a":1}}`: "invalid_metadata_schema",
		`[1]`:                       "invalid_metadata_format",
	} {
		got := postJSON(t, url, "chat.postMessage", m{"channel": ops, "text": "x", "metadata": meta})
		if got.Error != want {
			t.Errorf("metadata %s: %+v, want %s", meta, got, want)
		}
	}
	if n := len(s.Messages(ops)); n != 1 {
		t.Errorf("%d messages, want 1: a refused one was kept", n)
	}
}

func TestErrorNamesTheBlockToTheClient(t *testing.T) {
	_, api, _ := start(t, nil)
	_, _, err := api.PostMessage(ops, slackgo.MsgOptionBlocks(section("ok"), section(strings.Repeat("x", 3001))))
	var refused slackgo.SlackErrorResponse
	if !errors.As(err, &refused) || refused.Err != "invalid_blocks" {
		t.Fatalf("error = %#v", err)
	}
	if got := refused.ResponseMetadata.Messages; len(got) != 1 || !strings.Contains(got[0], "/blocks/1/text/text") {
		t.Errorf("messages = %q", got)
	}
}

func TestRateLimits(t *testing.T) {
	clock := &clock{now: time.Unix(1700000000, 0)}
	_, api, url := start(t, func(o *slack.Options) {
		o.Clock = clock.Now
		o.Limits = slack.RateLimits{Update: slack.Rate{Every: 1200 * time.Millisecond, Burst: 2}}
	})
	ts := ""
	for range 5 {
		ts = mustPost(t, api, ops, slackgo.MsgOptionText("x", false))
	}
	_, _, err := api.PostMessage(ops, slackgo.MsgOptionText("x", false))
	var limited *slackgo.RateLimitedError
	if !errors.As(err, &limited) || limited.RetryAfter != time.Second {
		t.Fatalf("sixth post at once: %v", err)
	}
	if got := postJSON(t, url, "chat.postMessage", m{"channel": ops, "text": "x"}); got.OK || got.Error != "ratelimited" {
		t.Errorf("body of a 429: %+v", got)
	}
	mustPost(t, api, "C0OTHER", slackgo.MsgOptionText("another channel has its own budget", false))
	clock.Advance(time.Second)
	mustPost(t, api, ops, slackgo.MsgOptionText("a second later", false))

	for i := range 3 {
		_, _, _, err := api.UpdateMessage(ops, ts, slackgo.MsgOptionText("u", false))
		if (i < 2) != (err == nil) {
			t.Errorf("update %d: %v", i, err)
		}
		if i == 2 && (!errors.As(err, &limited) || limited.RetryAfter != 2*time.Second) {
			t.Errorf("third update: %v", err)
		}
	}
}
