package slack

import (
	"hash/fnv"
	"html/template"
	"net/url"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// pageView is everything the page's template shows.
type pageView struct {
	Team     string
	Channel  channelView
	Persona  personaView
	Channels []channelView
	Personas []personaView
	Messages []messageView
	Thread   *threadView
	Commands []string
	Rev      int
}

type channelView struct {
	ID, Name, Topic, Mark, URL string
	Private, Current           bool
}

type personaView struct {
	ID, Name, RealName, Kind string
	Current                  bool
}

type threadView struct {
	TS, CloseURL string
	Messages     []messageView
}

type messageView struct {
	TS, Anchor, Author, Kind, Initials, Tint string
	At                                       time.Time
	App, Ephemeral, Edited                   bool
	Body                                     template.HTML
	Blocks                                   []blockView
	Replies                                  int
	ThreadURL                                string
	Highlight                                bool
}

type blockView struct {
	Type      string
	Text      template.HTML
	Fields    []template.HTML
	Elements  []elementView
	Accessory *elementView
	Image     *imageView
}

type imageView struct{ URL, Alt string }

type elementView struct {
	Type, ActionID, BlockID, Style, URL string
	Text                                template.HTML
	Image                               *imageView
	Confirm                             *confirmView
}

type confirmView struct {
	Title, Text, Confirm, Deny template.HTML
	Danger                     bool
}

// location is what a page address asks to see.
type location struct{ channel, persona, thread string }

func (l location) url() string {
	q := url.Values{"channel": {l.channel}, "as": {l.persona}}
	if l.thread != "" {
		q.Set("thread", l.thread)
	}
	return "/?" + q.Encode()
}

// view collects the page for a location. The caller holds mu.
func (s *Server) view(l location) pageView {
	v := pageView{Team: s.opts.TeamName, Commands: s.opts.Commands, Rev: s.rev}
	l = s.settleLocation(l)
	for _, c := range s.channels {
		cv := s.channelView(c, l)
		if c.IM != "" && c.IM != l.persona {
			continue // a direct message is nobody else's to read
		}
		if cv.Current {
			v.Channel = cv
		}
		v.Channels = append(v.Channels, cv)
	}
	for _, p := range s.opts.Personas {
		pv := s.personaView(p, l)
		if pv.Current {
			v.Persona = pv
		}
		v.Personas = append(v.Personas, pv)
	}
	for _, m := range s.messages {
		if m.Channel == l.channel && (m.To == "" || m.To == l.persona) && (!m.isReply() || m.Broadcast) {
			v.Messages = append(v.Messages, s.messageView(m, l))
		}
	}
	v.Thread = s.threadView(l)
	return v
}

// settleLocation replaces what does not exist by the first that does.
func (s *Server) settleLocation(l location) location {
	if _, ok := s.personas[l.persona]; !ok && len(s.opts.Personas) > 0 {
		l.persona = s.opts.Personas[0].ID
	}
	c := s.channel(l.channel)
	if c == nil || c.IM != "" && c.IM != l.persona {
		l.channel, l.thread = "", ""
		if len(s.channels) > 0 {
			l.channel = s.channels[0].ID
		}
	}
	return l
}

func (s *Server) channelView(c *Channel, l location) channelView {
	mark, name := "#", c.Name
	if c.IM != "" {
		mark, name = "@", s.opts.BotName
	}
	return channelView{
		ID: c.ID, Name: name, Topic: c.Topic, Mark: mark, Private: c.Private && c.IM == "", Current: c.ID == l.channel,
		URL: location{channel: c.ID, persona: l.persona}.url(),
	}
}

func (s *Server) personaView(p Persona, l location) personaView {
	kind := ""
	team, domain := s.teamOf(p)
	switch {
	case team != s.opts.TeamID:
		kind = "of " + domain
	case p.Guest || p.SingleChannelGuest:
		kind = "guest"
	case p.Bot:
		kind = "bot"
	}
	return personaView{ID: p.ID, Name: p.Name, RealName: shownAs(p), Kind: kind, Current: p.ID == l.persona}
}

func shownAs(p Persona) string {
	if p.RealName != "" {
		return p.RealName
	}
	return p.Name
}

func (s *Server) threadView(l location) *threadView {
	root := s.find(l.channel, l.thread)
	if root == nil || root.Ephemeral() {
		return nil
	}
	t := &threadView{TS: root.TS, CloseURL: location{channel: l.channel, persona: l.persona}.url()}
	t.Messages = append(t.Messages, s.messageView(root, l))
	for _, m := range s.messages {
		if m.Channel == l.channel && m.isReply() && m.ThreadTS == root.TS && (m.To == "" || m.To == l.persona) {
			t.Messages = append(t.Messages, s.messageView(m, l))
		}
	}
	for i := range t.Messages {
		// The root stands on the page twice, and an id only once.
		t.Messages[i].ThreadURL, t.Messages[i].Anchor = "", "t-"+t.Messages[i].TS
	}
	return t
}

func (s *Server) messageView(m *Message, l location) messageView {
	micros, _ := parseTS(m.TS)
	v := messageView{
		TS: m.TS, Anchor: "m-" + m.TS, Author: s.nameOf(m.User), At: time.UnixMicro(micros), App: m.BotID != "",
		Ephemeral: m.Ephemeral(), Edited: m.EditedTS != "", Highlight: m.TS == l.thread,
	}
	v.Initials, v.Tint = initials(v.Author), tint(m.User)
	if p, ok := s.personas[m.User]; ok {
		v.Kind = s.personaView(p, l).Kind
	}
	if len(m.Blocks) > 0 {
		v.Blocks = s.blockViews(m.Blocks)
	} else {
		v.Body = renderMrkdwn(m.Text, s.mentionName)
	}
	if !m.Ephemeral() {
		v.Replies = len(s.threadOf(m))
		v.ThreadURL = location{channel: l.channel, persona: l.persona, thread: m.TS}.url()
	}
	return v
}

func (s *Server) nameOf(user string) string {
	if user == slackbot {
		return "Slackbot"
	}
	if p, ok := s.persona(user); ok {
		return shownAs(p)
	}
	return user
}

// mentionName is the name behind <@U..> and <#C..>.
func (s *Server) mentionName(kind byte, id string) string {
	if kind == '#' {
		if c := s.channel(id); c != nil {
			return c.Name
		}
		return id
	}
	return s.nameOf(id)
}

func initials(name string) string {
	out := ""
	for _, word := range strings.Fields(name) {
		r, _ := utf8.DecodeRuneInString(word)
		if out += string(unicode.ToUpper(r)); utf8.RuneCountInString(out) == 2 {
			break
		}
	}
	return out
}

// tint picks one of the page's avatar colours, always the same for a user.
func tint(user string) string {
	h := fnv.New32a()
	// hash.Hash promises never to return an error.
	_, _ = h.Write([]byte(user))
	return "tint" + string(rune('0'+h.Sum32()%6))
}
