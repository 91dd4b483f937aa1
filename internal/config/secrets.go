package config

import (
	"net/url"
	"regexp"
	"strings"
)

// secretVariable are the names of variables whose values are secrets.
var secretVariable = regexp.MustCompile(`(?i)TOKEN|SECRET|PASSWORD|KEY`)

// Secrets lists what drbot holds and nobody else is to see, a line of a key each: so that it
// can be taken out of whatever somebody else's program says.
func (c *Config) Secrets() []string {
	all := []string{c.Slack.Token, c.Slack.SigningSecret, c.GitHub.Token, c.GitHub.ModuleToken, c.GitHub.WebhookSecret, string(c.Terraform.HashKey)}
	if c.GitHub.App != nil {
		all = append(all, strings.Split(string(c.GitHub.App.Key), "\n")...)
	}
	all = append(append(all, passwordsOf(c.Database)...), c.environment...)
	var out []string
	for _, s := range all {
		// The first and the last line of a key are the same everywhere.
		if s = strings.TrimSpace(s); s != "" && s != notRead && !strings.HasPrefix(s, "-----") {
			out = append(out, s)
		}
	}
	return out
}

// passwordsOf are those in a database's URL, as they stand there and as they are.
func passwordsOf(database string) []string {
	_, rest, ok := strings.Cut(database, "://")
	if !ok {
		return nil
	}
	place, query, _ := strings.Cut(rest, "?")
	var out []string
	if at := strings.LastIndexByte(place, '@'); at >= 0 {
		if _, password, has := strings.Cut(place[:at], ":"); has {
			out = append(out, password)
			if plain, err := url.PathUnescape(password); err == nil {
				out = append(out, plain)
			}
		}
	}
	given, _ := url.ParseQuery(query) // what can be read of it
	return append(append(out, given["password"]...), given["sslpassword"]...)
}

// held are the secrets that come by variables that the file does not name as such: those
// handed on to Terraform, and PostgreSQL's own.
func held(names []string, getenv func(string) string) []string {
	var out []string
	for _, name := range append([]string{"PGPASSWORD"}, names...) {
		if secretVariable.MatchString(name) {
			out = append(out, getenv(name))
		}
	}
	return out
}
