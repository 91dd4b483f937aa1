package slack

import (
	"maps"
	"slices"
	"time"
)

// Call is one request the bot made.
type Call struct {
	Time     time.Time
	Method   string
	Channel  string
	TS       string // the message it made or changed
	Status   int    // 0 when the caller hung up before an answer
	Error    string // Slack's error string
	Fault    FaultKind
	Duration time.Duration
	Args     map[string]string // everything it said, without the token
}

// Delivery is one request made to the bot: a command or a click.
type Delivery struct {
	Time     time.Time
	Kind     string // "command" or "block_actions"
	User     string // who acted; the request may claim another, see RewriteUser
	Channel  string
	Text     string // the line typed, or the action id
	Status   int    // 0 when there was no answer
	Ack      time.Duration
	TimedOut bool   // no acknowledgement in time
	Error    string // what the person was told: operation_timeout, dispatch_failed, ...
	Reply    string // the body of the acknowledgement
}

// Calls returns a copy of every call of the bot, in the order they ended.
func (s *Server) Calls() []Call {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := slices.Clone(s.calls)
	for i := range out {
		out[i].Args = maps.Clone(out[i].Args)
	}
	return out
}

// CallsTo returns the calls of one method.
func (s *Server) CallsTo(method string) []Call {
	return slices.DeleteFunc(s.Calls(), func(c Call) bool { return c.Method != method })
}

// Deliveries returns a copy of every command and click sent to the bot.
func (s *Server) Deliveries() []Delivery {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.deliveries)
}

func (s *Server) record(c Call) {
	s.mu.Lock()
	s.calls = append(s.calls, c)
	s.bump()
	s.mu.Unlock()
	s.opts.Logger.Debug("slack call", "method", c.Method, "channel", c.Channel, "ts", c.TS,
		"status", c.Status, "error", c.Error, "fault", string(c.Fault), "took", c.Duration)
}
