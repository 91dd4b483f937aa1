package config

import (
	"net"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"unicode"
)

const (
	shortestKey   = 16 // characters of a hash key
	fewestLetters = 8  // different ones in it
)

// weak tells whether a key can be guessed: few different characters, a short text again and
// again, or characters in their order. With it hashes of Region names and of the audit log
// are made, and who guesses it can make them too.
func weak(key string) bool {
	seen, runs := map[rune]bool{}, 0
	var last rune
	for i, r := range key {
		seen[r] = true
		if d := r - last; i > 0 && -1 <= d && d <= 1 {
			runs++
		}
		last = r
	}
	for n := 1; n <= len(key)/2; n++ {
		if strings.Repeat(key[:n], len(key)/n+1)[:len(key)] == key {
			return true
		}
	}
	return len(seen) < fewestLetters || runs*2 > len(key) || len(wordless(key)) < fewestLeft
}

// fewestLeft is what a key has at least beside words: half of what it must be long.
const fewestLeft = shortestKey / 2

// words are what people write in the place of a key.
var words = regexp.MustCompile(`(?i)changeme|change|secret|hash|key|password|passwd|pass|drbot|token|default|example|sample|test|admin|please|replace|terraform|audit|production|prod|company|value|this|that|my|the|some|your|here|long|random|string|me`)

// wordless is a key without the words, and without what is between them.
func wordless(key string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			return -1
		}
		return r
	}, words.ReplaceAllString(key, " "))
}

// secretly tells whether a name looks like a secret itself: what GitHub, Slack and AWS give
// out begins as nobody begins a name, and what a machine has made reads as nobody names
// anything.
func secretly(s string) bool {
	return issued(s) || random(strings.TrimSpace(s))
}

// issued tells whether a text begins as the secrets do that GitHub, Slack and AWS give out.
func issued(s string) bool {
	begins := []string{"ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "xoxb-", "xoxp-", "xoxa-", "xoxe.", "xapp-", "-----BEGIN", "AKIA", "ASIA"}
	return slices.ContainsFunc(begins, func(b string) bool { return strings.HasPrefix(strings.TrimSpace(s), b) })
}

// random tells whether a part of a text is of letters and digits in one another, as names
// are not: a key in hex or in base 64.
func random(s string) bool {
	if len(s) < 16 || strings.ContainsAny(s, "./ ") {
		return false
	}
	return slices.ContainsFunc(strings.FieldsFunc(s, func(r rune) bool { return r == '_' || r == '-' }), func(part string) bool {
		lower, upper, digit := false, false, false
		for _, r := range part {
			lower, upper, digit = lower || unicode.IsLower(r), upper || unicode.IsUpper(r), digit || unicode.IsDigit(r)
		}
		return digit && (lower && upper || len(part) >= 16 && (lower || upper))
	})
}

// plainly tells whether an address is asked in clear over a network, where a token or a
// plan would be read on the way.
func plainly(s string) bool {
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "http" {
		return false
	}
	ip := net.ParseIP(u.Hostname())
	return u.Hostname() != "localhost" && (ip == nil || !ip.IsLoopback())
}

// unproved tells whether a PostgreSQL database is asked over a network without proof that it
// is the one that is meant: the password and every answer that people gave go there. What the
// address leaves open, the variables of PostgreSQL's own clients say.
func unproved(database string, getenv func(string) string) bool {
	scheme, rest, _ := strings.Cut(database, "://")
	if scheme != "postgres" && scheme != "postgresql" {
		return false
	}
	rest, query, _ := strings.Cut(rest, "?")
	place, _, _ := strings.Cut(rest, "/")
	place = place[strings.LastIndexByte(place, '@')+1:]
	given, err := url.ParseQuery(query)
	if err != nil {
		return true // nobody knows what the driver makes of it
	}
	modes := given["sslmode"]
	if len(modes) == 0 {
		modes = []string{getenv("PGSSLMODE")}
	}
	if !slices.ContainsFunc(modes, func(m string) bool { return m != "verify-full" }) {
		return false
	}
	hosts := append(given["host"], given["hostaddr"]...)
	if place != "" {
		hosts = append(hosts, place)
	}
	if len(hosts) == 0 {
		hosts = []string{getenv("PGHOST")}
	}
	return given.Has("service") || getenv("PGSERVICE") != "" || slices.ContainsFunc(strings.Split(strings.Join(hosts, ","), ","), func(h string) bool { return !here(h) })
}

// here tells whether a host is this one: by its loopback addresses, or by a socket's folder.
func here(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.Trim(host, "[]")
	ip := net.ParseIP(host)
	return host == "" || host == "localhost" || strings.HasPrefix(host, "/") || strings.HasPrefix(strings.ToLower(host), "%2f") || ip != nil && ip.IsLoopback()
}
