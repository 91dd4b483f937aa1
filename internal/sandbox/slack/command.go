package slack

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// Refusals of the workspace itself: nothing was sent to the bot.
var (
	ErrNoSuchPersona     = errors.New("no such persona")
	ErrNoSuchChannel     = errors.New("no such channel")
	ErrNoSuchMessage     = errors.New("no such message")
	ErrNoSuchAction      = errors.New("no such button on the message")
	ErrNeedsConfirmation = errors.New("the button asks for confirmation")
)

// Command makes a persona type a slash command ("/dr status portal") in a
// channel and waits for the acknowledgement. What the bot answers, or what
// Slack says when it does not, is shown to the persona and told in the
// Delivery; the error is only for commands that never left.
func (s *Server) Command(ctx context.Context, persona, channel, line string, opts ...SendOption) (Delivery, error) {
	name, text, _ := strings.Cut(strings.TrimSpace(line), " ")
	c := newSendConfig(opts)
	s.mu.Lock()
	p, where, err := s.actor(persona, channel)
	if err == nil && !slices.Contains(s.opts.Commands, name) {
		s.notice(where.ID, p.ID, "", "`"+name+"` is not a valid command.")
		err = fmt.Errorf("%s is not a command of this workspace", name)
	}
	if err != nil {
		s.mu.Unlock()
		return Delivery{}, err
	}
	form := s.commandForm(p, where, name, strings.TrimSpace(text), c)
	to := s.commandURL
	s.mu.Unlock()

	d := Delivery{Time: s.opts.Clock(), Kind: "command", User: p.ID, Channel: where.ID, Text: line}
	a, err := s.post(ctx, to, form, c)
	d.Error = a.told(err)
	if d.Error == "" {
		d.Error = s.showAnswer(where.ID, p.ID, line, a)
	}
	if d.Error != "" {
		s.mu.Lock()
		s.notice(where.ID, p.ID, "", fmt.Sprintf("`%s` failed with the error \"%s\"", name, d.Error))
		s.mu.Unlock()
	}
	return s.settle(d, a, err), nil
}

// actor finds who acts where. The caller holds mu.
func (s *Server) actor(persona, channel string) (Persona, *Channel, error) {
	p, ok := s.persona(persona)
	if !ok {
		return p, nil, fmt.Errorf("%w: %s", ErrNoSuchPersona, persona)
	}
	c := s.channel(channel)
	if c == nil {
		return p, nil, fmt.Errorf("%w: %s", ErrNoSuchChannel, channel)
	}
	return p, c, nil
}

// commandForm is the body of a slash command. The caller holds mu.
func (s *Server) commandForm(p Persona, where *Channel, name, text string, c sendConfig) url.Values {
	user := s.claimedUser(p.ID)
	team, domain := s.teamOf(p)
	if c.team != "" {
		team, domain = c.team, c.domain
	}
	return url.Values{
		"token":                 {s.opts.VerifyToken},
		"team_id":               {team},
		"team_domain":           {domain},
		"channel_id":            {where.ID},
		"channel_name":          {shownName(where)},
		"user_id":               {user},
		"user_name":             {p.Name},
		"command":               {name},
		"text":                  {text},
		"api_app_id":            {s.opts.AppID},
		"is_enterprise_install": {strconv.FormatBool(false)},
		"response_url":          {s.newResponseURL(responseURL{channel: where.ID, user: p.ID})},
		"trigger_id":            {s.newTrigger(p.ID)},
	}
}

// shownName is the name a payload carries for a conversation.
func shownName(c *Channel) string {
	switch {
	case c.IM != "":
		return "directmessage"
	case c.Private:
		return "privategroup"
	}
	return c.Name
}

// showAnswer shows what an acknowledgement says and returns the error Slack
// gives for one it cannot read.
func (s *Server) showAnswer(channel, user, line string, a ack) string {
	if strings.TrimSpace(a.body) == "" {
		return ""
	}
	b := answerBody{Text: a.body}
	if ctype, _, _ := mime.ParseMediaType(a.ctype); ctype == "application/json" {
		b = answerBody{}
		if json.Unmarshal([]byte(a.body), &b) != nil {
			return errBadResponse
		}
		if b.Text == "" && len(b.Blocks) == 0 {
			// {"response_type":"in_channel"} alone only makes the command visible.
			s.echo(channel, user, line, b)
			return ""
		}
	}
	if code, _ := b.check(); code != "" {
		return errBadResponse
	}
	s.echo(channel, user, line, b)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.show(channel, user, b)
	return ""
}

// echo makes the command itself visible to the channel when the answer is.
func (s *Server) echo(channel, user, line string, b answerBody) {
	if b.ResponseType != "in_channel" {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.add(Message{Channel: channel, User: user, Text: line})
}

// notice is Slack's own word to one person. The caller holds mu.
func (s *Server) notice(channel, user, thread, text string) {
	s.add(Message{Channel: channel, ThreadTS: thread, User: slackbot, Text: text, To: user})
}

// slackbot is the user id Slack speaks as, in every workspace.
const slackbot = "USLACKBOT"

// Say makes a persona post an ordinary message, in a thread when threadTS is
// given. Slash commands do not work there, as in Slack.
func (s *Server) Say(persona, channel, text, threadTS string) (Message, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p, where, err := s.actor(persona, channel)
	if err != nil {
		return Message{}, err
	}
	if name, _, _ := strings.Cut(text, " "); threadTS != "" && slices.Contains(s.opts.Commands, name) {
		s.notice(where.ID, p.ID, threadTS, "`"+name+"` is not supported in threads. Sorry!")
		return Message{}, fmt.Errorf("%s is not supported in threads", name)
	}
	m := s.add(Message{Channel: where.ID, User: p.ID, Text: escapeText(text), ThreadTS: threadTS})
	return m.clone(), nil
}

// escapeText escapes what people type the way Slack stores it.
func escapeText(s string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(s)
}
