package slack

import (
	"encoding/base64"
	"math"
	"slices"
	"strconv"
	"strings"
)

const (
	defaultPage = 100
	maxPage     = 999
)

// window is the part of a conversation a read asks for.
type window struct {
	oldest, latest int64 // microseconds
	inclusive      bool
	limit          int
	after          int64 // the cursor: the last message of the page before, 0 at the start
}

const cursorPrefix = "next_ts:"

func readWindow(a args) (window, string) {
	w := window{latest: math.MaxInt64, inclusive: a.on("inclusive"), limit: defaultPage}
	var ok bool
	if v := a["oldest"]; v != "" {
		if w.oldest, ok = parseTS(v); !ok {
			return w, "invalid_ts_oldest"
		}
	}
	if v := a["latest"]; v != "" && v != "now" {
		if w.latest, ok = parseTS(v); !ok {
			return w, "invalid_ts_latest"
		}
	}
	if v := a["limit"]; v != "" {
		n, err := strconv.Atoi(v)
		if err != nil || n < 1 || n > maxPage {
			return w, "invalid_limit"
		}
		w.limit = n
	}
	if v := a["cursor"]; v != "" {
		raw, err := base64.StdEncoding.DecodeString(v)
		ts, found := strings.CutPrefix(string(raw), cursorPrefix)
		if w.after, ok = parseTS(ts); err != nil || !found || !ok {
			return w, "invalid_cursor"
		}
	}
	return w, ""
}

// holds reports whether a message at ts lies in the window. Without inclusive
// both ends are left out, but an end that was not given is open.
func (w window) holds(ts int64) bool {
	if w.inclusive {
		return ts >= w.oldest && ts <= w.latest
	}
	return ts > w.oldest && ts < w.latest
}

func cursorAfter(ts string) string {
	return base64.StdEncoding.EncodeToString([]byte(cursorPrefix + ts))
}

// page cuts the window out of messages, which are in the order they are
// returned. The caller holds mu.
func (s *Server) pageOf(messages []*Message, w window, metadata bool) object {
	list, more := []object{}, false
	past, last := w.after == 0, ""
	for _, m := range messages {
		ts, _ := parseTS(m.TS)
		if !past {
			past = ts == w.after
			continue
		}
		if len(list) == w.limit {
			more = true
			break
		}
		list, last = append(list, s.wire(m, metadata)), m.TS
	}
	body := object{"messages": list, "has_more": more, "response_metadata": object{"next_cursor": ""}}
	if more {
		body["response_metadata"] = object{"next_cursor": cursorAfter(last)}
	}
	return body
}

// readable finds a conversation the bot may read. The caller holds mu.
func (s *Server) readable(id string) (*Channel, reply) {
	c := s.channel(id)
	switch {
	case c == nil, c.NoBot && c.Private:
		return nil, fail("channel_not_found")
	case c.NoBot:
		return nil, fail("not_in_channel")
	}
	return c, reply{}
}

// history lists a channel, newest first, without the replies of threads.
func (s *Server) history(a args, f *Injected) reply {
	c, refused := s.readable(a["channel"])
	if c == nil {
		return refused
	}
	w, bad := readWindow(a)
	if bad != "" {
		return fail(bad)
	}
	var list []*Message
	for _, m := range slices.Backward(s.messages) {
		ts, _ := parseTS(m.TS)
		if m.Channel == c.ID && !m.Ephemeral() && (!m.isReply() || m.Broadcast) && w.holds(ts) {
			list = append(list, m)
		}
	}
	body := s.pageOf(list, w, a.on("include_all_metadata") && !f.is(FaultHideMetadata))
	body["pin_count"] = 0
	return okReply(body)
}

// replies lists a thread, oldest first, the root at its head.
func (s *Server) replies(a args, f *Injected) reply {
	c, refused := s.readable(a["channel"])
	if c == nil {
		return refused
	}
	w, bad := readWindow(a)
	if bad != "" {
		return fail(bad)
	}
	root := s.find(c.ID, a["ts"])
	if root == nil || root.Ephemeral() {
		return fail("thread_not_found")
	}
	list := []*Message{root}
	if !root.isReply() {
		for _, m := range s.threadOf(root) {
			if ts, _ := parseTS(m.TS); w.holds(ts) {
				list = append(list, m)
			}
		}
	}
	return okReply(s.pageOf(list, w, a.on("include_all_metadata") && !f.is(FaultHideMetadata)))
}

func (s *Server) authTest(args, *Injected) reply {
	return okReply(object{
		"url": s.baseURL + "/", "team": s.opts.TeamName, "team_id": s.opts.TeamID,
		"user": s.opts.BotName, "user_id": s.opts.BotUserID, "bot_id": s.opts.BotID, "is_enterprise_install": false,
	})
}

func (s *Server) userInfo(a args, _ *Injected) reply {
	p, ok := s.persona(a["user"])
	if !ok {
		return fail("user_not_found")
	}
	team, _ := s.teamOf(p)
	guest := p.Guest || p.SingleChannelGuest
	return okReply(object{"user": object{
		"id": p.ID, "team_id": team, "name": p.Name, "real_name": p.RealName, "deleted": p.Deleted,
		"is_bot": p.Bot, "is_app_user": false, "is_admin": false, "is_owner": false, "is_primary_owner": false,
		"is_restricted": guest, "is_ultra_restricted": p.SingleChannelGuest, "is_stranger": team != s.opts.TeamID,
		"is_email_confirmed": true, "tz": "Asia/Seoul", "tz_label": "Korea Standard Time", "tz_offset": 32400,
		"updated": 1700000000,
		"profile": object{"real_name": p.RealName, "display_name": p.Name, "real_name_normalized": p.RealName, "team": team},
	}})
}
