package sandbox

import (
	"github.com/drbot/drbot/internal/sandbox/github"
	"github.com/drbot/drbot/internal/sandbox/slack"
)

// Service is the one service of this world, and the name of its cluster.
const Service = "portal"

// Names of the world.
const (
	team        = "T0DRBOT01"
	channel     = "C0DRPORTAL"
	owner       = "acme"
	repository  = "infrastructure"
	home        = "ap-northeast-2"
	standby     = "ap-northeast-1"
	stackFolder = "terraform/live/portal"
	regionFile  = stackFolder + "/active_region.auto.tfvars"
	botLogin    = "drbot-acme"
)

// somebody is one of the people who play. Those without a person's name are
// unknown to the bot's configuration.
type somebody struct {
	person, slackID, login, permission string
	guest                              bool
}

// cast is who plays: alice requests, bob, carol and dave may approve, mallory is a
// stranger and gert a guest.
var cast = []somebody{
	{person: "alice", slackID: "U0ALICE01", login: "alice-kim", permission: "write"},
	{person: "bob", slackID: "U0BOB0001", login: "bob-lee", permission: "write"},
	{person: "carol", slackID: "U0CAROL01", login: "carol-park", permission: "write"},
	{person: "dave", slackID: "U0DAVE001", login: "dave-choi", permission: "admin"},
	{slackID: "U0MALLORY", login: "mallory", permission: "write"},
	{person: "gert", slackID: "U0GERT001", login: "gert-guest", permission: "write", guest: true},
}

func loginOf(person string) string {
	for _, s := range cast {
		if s.person == person {
			return s.login
		}
	}
	return person
}

func slackOf(person string) string {
	for _, s := range cast {
		if s.person == person || s.login == person {
			return s.slackID
		}
	}
	return person
}

func slackPersonas() []slack.Persona {
	var out []slack.Persona
	for _, s := range cast {
		name := s.person
		if name == "" {
			name = s.login
		}
		out = append(out, slack.Persona{ID: s.slackID, Name: name, RealName: name, Guest: s.guest})
	}
	return out
}

func githubPersonas(tokens map[string]string) []github.Persona {
	var out []github.Persona
	for _, s := range cast {
		out = append(out, github.Persona{Login: s.login, Name: s.login, Token: tokens[s.login], Permission: s.permission})
	}
	return out
}
