package slack

import (
	"log/slog"
	"time"
)

// Defaults of Options. They are Slack's own numbers where Slack publishes any.
const (
	DefaultAckTimeout    = 3000 * time.Millisecond
	DefaultMaxBlocksText = 13200 // hidden total that Slack enforces as msg_blocks_too_long
)

// Options describes the workspace the sandbox pretends to be and the bot installed in it.
type Options struct {
	Token         string // the bot token every call must carry
	SigningSecret string // signs what is sent to the bot
	VerifyToken   string // the deprecated `token` field of commands and clicks

	TeamID     string
	TeamDomain string
	TeamName   string
	BotUserID  string
	BotID      string
	BotName    string
	AppID      string

	Channels []Channel
	Personas []Persona
	Commands []string // slash commands the app registered; default /dr

	CommandURL     string // where slash commands are posted
	InteractionURL string // where clicks are posted
	BaseURL        string // how the bot and the browser reach this server

	Limits        RateLimits
	AckTimeout    time.Duration // how long the bot may take to acknowledge; default 3000 ms
	MaxBlocksText int           // total characters of all block text in one posted message

	Clock  func() time.Time
	Logger *slog.Logger
}

// Channel is a conversation of the workspace.
type Channel struct {
	ID       string
	Name     string
	Topic    string
	Private  bool
	Archived bool
	NoBot    bool // the app was not invited: posting answers not_in_channel
	// IM is the user on the other side of a direct message; such channels
	// come into being when the bot posts to a user id.
	IM string
}

// Persona is a person (or another bot) who can act on the page.
type Persona struct {
	ID       string
	Name     string
	RealName string
	Guest    bool // multi-channel guest: is_restricted
	// SingleChannelGuest sets is_ultra_restricted beside is_restricted, as Slack does.
	SingleChannelGuest bool
	Bot                bool
	Deleted            bool
	TeamID             string // another workspace; empty for the bot's own
	TeamDomain         string
}

// Rate is a token bucket: one call every Every, and Burst of them at once.
// The zero Rate means the default; a negative Burst means no limit.
type Rate struct {
	Every time.Duration
	Burst int
}

// RateLimits are the limits Slack puts on a method. Post counts per channel,
// the others per workspace.
type RateLimits struct {
	Post   Rate // chat.postMessage, default 1 a second, burst 5
	Update Rate // chat.update, Tier 3: 50 a minute, burst 20
	Read   Rate // conversations.history and .replies, Tier 3: 50 a minute, burst 50
	Other  Rate // everything else, Tier 4: 100 a minute, burst 100
}

// NoLimits returns limits that never refuse, for tests about something else.
func NoLimits() RateLimits {
	none := Rate{Burst: -1}
	return RateLimits{Post: none, Update: none, Read: none, Other: none}
}

func (o Options) withDefaults() Options {
	setDefault(&o.TeamID, "T0SANDBOX")
	setDefault(&o.TeamDomain, "sandbox")
	setDefault(&o.TeamName, o.TeamDomain)
	setDefault(&o.BotUserID, "U0DRBOT")
	setDefault(&o.BotID, "B0DRBOT")
	setDefault(&o.BotName, "drbot")
	setDefault(&o.AppID, "A0DRBOT")
	setDefault(&o.VerifyToken, "sandbox-verification-token")
	setDefault(&o.AckTimeout, DefaultAckTimeout)
	setDefault(&o.MaxBlocksText, DefaultMaxBlocksText)
	setDefault(&o.Limits.Post, Rate{Every: time.Second, Burst: 5})
	setDefault(&o.Limits.Update, Rate{Every: 1200 * time.Millisecond, Burst: 20})
	setDefault(&o.Limits.Read, Rate{Every: 1200 * time.Millisecond, Burst: 50})
	setDefault(&o.Limits.Other, Rate{Every: 600 * time.Millisecond, Burst: 100})
	if len(o.Commands) == 0 {
		o.Commands = []string{"/dr"}
	}
	if o.Clock == nil {
		o.Clock = time.Now
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return o
}

func setDefault[T comparable](v *T, d T) {
	var zero T
	if *v == zero {
		*v = d
	}
}
