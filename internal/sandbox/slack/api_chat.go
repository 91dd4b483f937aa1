package slack

import (
	"encoding/json"
	"strings"
	"unicode/utf8"
)

// The methods below are called with mu held.

// draft is the content of a message as the caller sent it.
type draft struct {
	text                        string
	blocks                      json.RawMessage
	metadata                    *Metadata
	hasText, hasBlocks, hasMeta bool
	hasAttachments              bool
}

// readDraft reads and checks a message; maxRunes is the limit of its text.
func (s *Server) readDraft(a args, maxRunes int) (draft, reply, bool) {
	d := draft{text: a["text"], hasText: a["text"] != "", hasAttachments: a["attachments"] != ""}
	if utf8.RuneCountInString(d.text) > maxRunes {
		return d, fail("msg_too_long"), false
	}
	if raw := a["blocks"]; raw != "" && raw != "null" {
		problems, isList := checkMessageBlocks(json.RawMessage(raw))
		switch {
		case !isList:
			return d, fail("invalid_blocks_format"), false
		case len(problems) > 0:
			return d, failWith("invalid_blocks", problems), false
		case textTotal(json.RawMessage(raw)) > s.opts.MaxBlocksText:
			return d, fail("msg_blocks_too_long"), false
		}
		d.hasBlocks, d.blocks = true, json.RawMessage(raw)
	}
	if raw := a["metadata"]; raw != "" && raw != "null" {
		var m Metadata
		if json.Unmarshal([]byte(raw), &m) != nil {
			return d, fail("invalid_metadata_format"), false
		}
		d.hasMeta = true
		switch {
		case m.EventType != "":
			d.metadata = &m
		case len(m.EventPayload) > 0:
			return d, fail("invalid_metadata_schema"), false
		}
	}
	return d, reply{}, true
}

// empty reports whether there is nothing to show.
func (d draft) empty() bool {
	return !d.hasText && !d.hasAttachments && (!d.hasBlocks || string(d.blocks) == "[]")
}

// postable finds where a post may go, or says why it may not. An id, a #name
// and a user id (a direct message) all do, as on Slack.
func (s *Server) postable(target string) (*Channel, reply) {
	if target == "" {
		return nil, fail("channel_not_found")
	}
	c := s.channel(target)
	if c == nil {
		c = s.named(strings.TrimPrefix(target, "#"))
	}
	if c == nil {
		c = s.directMessage(target)
	}
	switch {
	case c == nil, c.NoBot && c.Private:
		return nil, fail("channel_not_found")
	case c.Archived:
		return nil, fail("is_archived")
	case c.NoBot:
		return nil, fail("not_in_channel")
	}
	return c, reply{}
}

func (s *Server) named(name string) *Channel {
	for _, c := range s.channels {
		if c.Name == name && c.IM == "" {
			return c
		}
	}
	return nil
}

// directMessage opens the conversation between the bot and a user of its own team.
func (s *Server) directMessage(user string) *Channel {
	p, ok := s.personas[user]
	if !ok || p.TeamID != "" && p.TeamID != s.opts.TeamID {
		return nil
	}
	id := "D" + strings.TrimLeft(user, "UW")
	if c := s.channel(id); c != nil {
		return c
	}
	c := &Channel{ID: id, Name: p.Name, IM: user, Private: true}
	s.channels = append(s.channels, c)
	return c
}

func (s *Server) postMessage(a args, _ *Injected) reply {
	c, refused := s.postable(a["channel"])
	if c == nil {
		return refused
	}
	d, refused, ok := s.readDraft(a, maxPostText)
	if !ok {
		return refused
	}
	if d.empty() {
		return fail("no_text")
	}
	m := s.add(Message{
		Channel: c.ID, ThreadTS: a["thread_ts"], User: s.opts.BotUserID, BotID: s.opts.BotID,
		Text: d.text, Blocks: d.blocks, Metadata: d.metadata, Broadcast: a.on("reply_broadcast"),
	})
	rep := okReply(object{"channel": c.ID, "ts": m.TS, "message": s.wire(m, true)})
	rep.ts = m.TS
	return rep
}

func (s *Server) updateMessage(a args, f *Injected) reply {
	c := s.channel(a["channel"])
	if c == nil {
		return fail("channel_not_found")
	}
	m := s.find(c.ID, a["ts"])
	switch {
	case m == nil || m.Ephemeral():
		return fail("message_not_found")
	case m.BotID != s.opts.BotID:
		return fail("cant_update_message")
	case c.Archived:
		return fail("is_archived")
	}
	d, refused, ok := s.readDraft(a, maxUpdateText)
	if !ok {
		return refused
	}
	if !d.hasText && !d.hasBlocks && !d.hasAttachments {
		return fail("no_text")
	}
	next := updated(m, d)
	shown := m
	if f.is(FaultDropUpdate) {
		lie := m.clone()
		lie.Text, lie.Blocks, lie.Metadata = next.text, next.blocks, next.metadata
		shown = &lie
	} else {
		s.edit(m, next)
	}
	rep := okReply(object{"channel": c.ID, "ts": m.TS, "text": shown.Text, "message": s.wire(shown, true)})
	rep.ts = m.TS
	return rep
}

// updated is what chat.update makes of a message: text without blocks takes
// the blocks away; what is left out stays; an empty object takes metadata away.
func updated(m *Message, d draft) content {
	next := content{text: m.Text, blocks: m.Blocks, metadata: m.Metadata}
	if d.hasText {
		next.text = d.text
	}
	switch {
	case d.hasBlocks:
		next.blocks = d.blocks
	case d.hasText:
		next.blocks, next.edited = nil, true
	}
	if d.hasMeta {
		next.metadata = d.metadata
	}
	return next
}

func (s *Server) postEphemeral(a args, _ *Injected) reply {
	c, refused := s.postable(a["channel"])
	if c == nil {
		return refused
	}
	if _, known := s.personas[a["user"]]; !known {
		return fail("user_not_in_channel")
	}
	d, refused, ok := s.readDraft(a, maxPostText)
	if !ok {
		return refused
	}
	if d.empty() {
		return fail("no_text")
	}
	m := s.add(Message{
		Channel: c.ID, ThreadTS: a["thread_ts"], User: s.opts.BotUserID, BotID: s.opts.BotID,
		Text: d.text, Blocks: d.blocks, To: a["user"],
	})
	rep := okReply(object{"message_ts": m.TS})
	rep.ts = m.TS
	return rep
}

// wire is a message as the API writes it.
func (s *Server) wire(m *Message, metadata bool) object {
	o := object{"type": "message", "user": m.User, "ts": m.TS, "text": m.Text, "team": s.opts.TeamID}
	if m.BotID != "" {
		o["bot_id"], o["app_id"] = m.BotID, s.opts.AppID
		o["bot_profile"] = object{
			"id": m.BotID, "app_id": s.opts.AppID, "name": s.opts.BotName, "team_id": s.opts.TeamID, "deleted": false,
		}
	}
	if len(m.Blocks) > 0 {
		o["blocks"] = m.Blocks
	}
	if metadata && m.Metadata != nil {
		o["metadata"] = m.Metadata
	}
	if m.EditedTS != "" {
		o["edited"] = object{"user": m.User, "ts": m.EditedTS}
	}
	if m.ThreadTS == "" {
		return o
	}
	o["thread_ts"] = m.ThreadTS
	if m.isReply() {
		if root := s.find(m.Channel, m.ThreadTS); root != nil {
			o["parent_user_id"] = root.User
		}
		if m.Broadcast {
			o["subtype"] = "thread_broadcast"
		}
		return o
	}
	s.wireThread(o, m)
	return o
}

// wireThread adds what Slack tells about the replies of a root.
func (s *Server) wireThread(o object, root *Message) {
	var users []string
	seen, count, last := map[string]bool{}, 0, ""
	for _, m := range s.threadOf(root) {
		count, last = count+1, m.TS
		if !seen[m.User] {
			seen[m.User] = true
			users = append(users, m.User)
		}
	}
	if count == 0 {
		return
	}
	o["reply_count"], o["latest_reply"] = count, last
	o["reply_users"], o["reply_users_count"] = users, len(users)
}

// threadOf lists the replies everybody sees, oldest first.
func (s *Server) threadOf(root *Message) []*Message {
	var out []*Message
	for _, m := range s.messages {
		if m.Channel == root.Channel && m.isReply() && m.ThreadTS == root.TS && !m.Ephemeral() {
			out = append(out, m)
		}
	}
	return out
}
