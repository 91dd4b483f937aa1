package slack

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Metadata is the machine-readable note an app attaches to a message.
type Metadata struct {
	EventType    string         `json:"event_type"`
	EventPayload map[string]any `json:"event_payload"`
}

// Version is what a message said at one time.
type Version struct {
	At       time.Time
	Text     string
	Blocks   json.RawMessage
	Metadata *Metadata
}

// Message is a message as the workspace keeps it.
type Message struct {
	Channel   string
	TS        string
	ThreadTS  string // the root of the thread, on the root too once it has replies
	User      string
	BotID     string // set when the app posted it
	Text      string
	Blocks    json.RawMessage // nil without blocks; ids that were left out are filled in
	Metadata  *Metadata
	Broadcast bool   // a reply also shown in the channel
	To        string // the only reader of an ephemeral message
	EditedTS  string // set when Slack shows "(edited)": a text-only update

	Edits   int       // updates that were applied
	History []Version // every version, the first one posted first
}

// Ephemeral reports whether only one person can see the message.
func (m Message) Ephemeral() bool { return m.To != "" }

func (m Message) isReply() bool { return m.ThreadTS != "" && m.ThreadTS != m.TS }

// AllText is everything a reader sees: the text of every block, or the text of
// a message without blocks, one piece a line.
func (m Message) AllText() string {
	if len(m.Blocks) == 0 {
		return m.Text
	}
	var tree any
	if json.Unmarshal(m.Blocks, &tree) != nil {
		return m.Text
	}
	var parts []string
	eachText(tree, false, func(t string) { parts = append(parts, t) })
	return strings.Join(parts, "\n")
}

func (m *Message) clone() Message {
	c := *m
	c.Blocks = bytes.Clone(m.Blocks)
	c.Metadata = m.Metadata.clone()
	c.History = slices.Clone(m.History)
	for i := range c.History {
		c.History[i].Blocks = bytes.Clone(c.History[i].Blocks)
		c.History[i].Metadata = c.History[i].Metadata.clone()
	}
	return c
}

// clone copies through JSON: the payload is a tree of maps, and a test that
// changes its copy must not change the workspace.
func (d *Metadata) clone() *Metadata {
	if d == nil {
		return nil
	}
	raw, err := json.Marshal(d)
	if err != nil {
		return nil
	}
	var c Metadata
	if json.Unmarshal(raw, &c) != nil {
		return nil
	}
	return &c
}

// add stores a new message, giving it its timestamp. The caller holds mu.
func (s *Server) add(m Message) *Message {
	m.TS = s.newTS()
	m.Blocks = s.fillIDs(m.Blocks)
	m.History = []Version{{At: s.opts.Clock(), Text: m.Text, Blocks: m.Blocks, Metadata: m.Metadata}}
	if root := s.find(m.Channel, m.ThreadTS); root != nil {
		if root.isReply() {
			m.ThreadTS = root.ThreadTS
		}
		root = s.find(m.Channel, m.ThreadTS)
		if root != nil && !m.Ephemeral() {
			root.ThreadTS = root.TS
		}
	} else if m.ThreadTS != "" {
		// Slack posts a reply to a parent that is gone into the channel itself.
		m.ThreadTS = ""
	}
	stored := &m
	s.messages = append(s.messages, stored)
	s.bump()
	return stored
}

// content is the part of a message an update replaces.
type content struct {
	text     string
	blocks   json.RawMessage
	metadata *Metadata
	edited   bool // Slack shows "(edited)"
}

// edit applies an update in place. The caller holds mu.
func (s *Server) edit(m *Message, c content) {
	m.Text, m.Blocks, m.Metadata = c.text, s.fillIDs(c.blocks), c.metadata
	if c.edited {
		m.EditedTS = s.newTS()
	}
	m.Edits++
	m.History = append(m.History, Version{At: s.opts.Clock(), Text: m.Text, Blocks: m.Blocks, Metadata: m.Metadata})
	s.bump()
}

// remove deletes a message. The caller holds mu.
func (s *Server) remove(m *Message) {
	s.messages = slices.DeleteFunc(s.messages, func(x *Message) bool { return x == m })
	s.bump()
}

// find returns a message of a channel, or nil. The caller holds mu.
func (s *Server) find(channel, ts string) *Message {
	if ts == "" {
		return nil
	}
	for _, m := range s.messages {
		if m.Channel == channel && m.TS == ts {
			return m
		}
	}
	return nil
}

func (s *Server) selectMessages(keep func(*Message) bool) []Message {
	var out []Message
	for _, m := range s.messages {
		if keep(m) {
			out = append(out, m.clone())
		}
	}
	return out
}

// Messages returns a copy of a channel's messages, replies included, oldest first.
func (s *Server) Messages(channel string) []Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.selectMessages(func(m *Message) bool { return m.Channel == channel && !m.Ephemeral() })
}

// Ephemerals returns what only this person was shown, oldest first.
func (s *Server) Ephemerals(user string) []Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.selectMessages(func(m *Message) bool { return m.To == user })
}

// Wait blocks until the messages of a channel satisfy ok and returns them.
// ok may call the server's methods.
func (s *Server) Wait(ctx context.Context, channel string, ok func([]Message) bool) ([]Message, error) {
	return waitFor(ctx, s, "messages in "+channel, func() []Message { return s.Messages(channel) }, ok)
}

// WaitEphemerals is Wait for what one person alone was shown.
func (s *Server) WaitEphemerals(ctx context.Context, user string, ok func([]Message) bool) ([]Message, error) {
	return waitFor(ctx, s, "ephemeral messages for "+user, func() []Message { return s.Ephemerals(user) }, ok)
}

// WaitCalls is Wait for the journal.
func (s *Server) WaitCalls(ctx context.Context, ok func([]Call) bool) ([]Call, error) {
	return waitFor(ctx, s, "calls", s.Calls, ok)
}

func waitFor[T any](ctx context.Context, s *Server, what string, read func() []T, ok func([]T) bool) ([]T, error) {
	for {
		s.mu.Lock()
		seen := s.rev
		s.mu.Unlock()
		got := read()
		if ok(got) {
			return got, nil
		}
		if _, err := s.waitChange(ctx, seen); err != nil {
			return got, fmt.Errorf("wait for %s (%d so far): %w", what, len(got), err)
		}
	}
}

// parseTS reads "1700000000.000100", or whole seconds, into microseconds.
func parseTS(ts string) (int64, bool) {
	sec, frac, _ := strings.Cut(ts, ".")
	n, err := strconv.ParseInt(sec, 10, 64)
	if err != nil || n < 0 || n > 1e12 {
		return 0, false
	}
	if len(frac) > 6 {
		frac = frac[:6]
	}
	f := int64(0)
	if frac != "" {
		if f, err = strconv.ParseInt(frac+strings.Repeat("0", 6-len(frac)), 10, 64); err != nil || f < 0 {
			return 0, false
		}
	}
	return n*1e6 + f, true
}
