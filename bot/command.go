package bot

import (
	"fmt"
	"strings"
	"time"

	"github.com/drbot/drbot/dr"
)

// command is a /dr command as it was typed.
type command struct {
	verb     string
	service  string
	region   dr.Region
	mode     string
	reason   string
	run      string
	answer   string
	since    time.Time
	override bool
}

// maxText bounds the text of a command; Slack itself sends no more than 4,000
// characters or so.
const maxText = 4000

const usage = "• `/dr failover SERVICE REGION planned|disaster REASON` – move a service to a Region\n" +
	"• `/dr failback SERVICE REGION planned|disaster REASON` – the way back\n" +
	"• `/dr status [SERVICE]` – what is under way and what was\n" +
	"• `/dr cancel RUN` – end a run before its merge\n" +
	"• `/dr answer RUN retry|skip|stop` – answer a paused run\n" +
	"• `/dr help` – this\n" +
	"_planned_ loses nothing and needs both Regions; _disaster_ accepts data loss. " +
	"Options before the reason: `--since 2026-01-31T03:12:00Z` (when the trouble began), `--override-cooldown`."

// parse reads the text after /dr. It is forgiving about case, quotes and dashes
// that keyboards and Slack put in, and strict about everything else.
func parse(text string) (command, error) {
	if len(text) > maxText {
		return command{}, &dr.Error{Code: dr.Invalid, Msg: "that is too long for a command.", Hint: "/dr help"}
	}
	words := strings.Fields(strings.NewReplacer("—", "--", "–", "--", "\u00a0", " ", "\u200b", "").Replace(text))
	if len(words) == 0 {
		return command{verb: "help"}, nil
	}
	c := command{verb: strings.ToLower(words[0])}
	rest := words[1:]
	next := func() string {
		if len(rest) == 0 {
			return ""
		}
		w := strings.Trim(rest[0], "`\"'“”‘’")
		rest = rest[1:]
		return w
	}
	switch c.verb {
	case "help":
	case "status":
		c.service = strings.ToLower(next())
	case "cancel":
		c.run = next()
	case "answer":
		c.run, c.answer = next(), strings.ToLower(next())
	case "failover", "failback":
		c.service, c.region, c.mode = strings.ToLower(next()), dr.Region(strings.ToLower(next())), strings.ToLower(next())
		var err error
		if rest, err = c.options(rest); err != nil {
			return c, err
		}
		c.reason = strings.Join(rest, " ")
		rest = nil
	default:
		return c, &dr.Error{Code: dr.Invalid, Msg: fmt.Sprintf("there is no command %q.", short(words[0], 30)), Hint: "/dr help"}
	}
	if len(rest) > 0 {
		return c, &dr.Error{Code: dr.Invalid, Msg: fmt.Sprintf("I do not understand %q.", short(strings.Join(rest, " "), 60)), Hint: "/dr help"}
	}
	if (c.verb == "cancel" || c.verb == "answer") && c.run == "" {
		return c, &dr.Error{Code: dr.Invalid, Msg: "which run?", Hint: "/dr status lists them; then /dr " + c.verb + " RUN"}
	}
	if c.verb == "answer" && c.answer == "" {
		return c, &dr.Error{Code: dr.Invalid, Msg: "which answer?", Hint: "/dr answer " + short(c.run, 60) + " retry|skip|stop"}
	}
	return c, nil
}

// options reads the options that stand before the reason.
func (c *command) options(words []string) ([]string, error) {
	for len(words) > 0 && strings.HasPrefix(words[0], "--") {
		name, value, has := strings.Cut(words[0], "=")
		words = words[1:]
		switch name {
		case "--override-cooldown":
			c.override = true
		case "--since":
			if !has && len(words) > 0 {
				value, words = words[0], words[1:]
			}
			t, err := time.Parse(time.RFC3339, value)
			if err != nil {
				return nil, &dr.Error{Code: dr.Invalid, Msg: fmt.Sprintf("%q is not a time.", short(value, 40)), Hint: "--since 2026-01-31T03:12:00Z"}
			}
			c.since = t
		default:
			return nil, &dr.Error{Code: dr.Invalid, Msg: fmt.Sprintf("there is no option %q.", short(name, 40)), Hint: "the options are --since TIME and --override-cooldown, before the reason"}
		}
	}
	return words, nil
}

// short cuts by runes, so that no character is torn.
func short(s string, n int) string {
	r := []rune(s)
	if len(r) <= n {
		return s
	}
	return string(r[:n-1]) + "…"
}
