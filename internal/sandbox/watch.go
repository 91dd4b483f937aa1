package sandbox

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/drbot/drbot/internal/sandbox/slack"
)

// wrong is something that is not as it must be, in words for the last line of a
// transcript.
type wrong struct{ what string }

func (w *wrong) Error() string { return w.what }

func wrongf(format string, args ...any) error { return &wrong{fmt.Sprintf(format, args...)} }

// runMessages are the messages in the channel that are about a run, by the
// metadata the bot gives them.
func runMessages(msgs []slack.Message, run string) []slack.Message {
	var out []slack.Message
	for _, m := range msgs {
		if m.ThreadTS != "" && m.ThreadTS != m.TS || m.Metadata == nil || m.Metadata.EventType != "drbot_run" {
			continue
		}
		if id, _ := m.Metadata.EventPayload["id"].(string); run == "" || id == run {
			out = append(out, m)
		}
	}
	return out
}

// shown is the text of the one message of a run.
func shown(msgs []slack.Message, run string) string {
	for _, m := range runMessages(msgs, run) {
		return m.AllText()
	}
	return ""
}

// awaitShown waits until the message of a run shows a text. It gives up at once
// when the run has paused or ended otherwise, because then it never will.
func (w *World) awaitShown(ctx context.Context, run, text string, within time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	over := ""
	twice := 0
	_, err := w.Slack.Wait(ctx, channel, func(msgs []slack.Message) bool {
		now := shown(msgs, run)
		if twice = len(runMessages(msgs, run)); twice > 1 {
			return true
		}
		if strings.Contains(now, text) {
			return true
		}
		if w.breakage != nil && w.namesBreakage(now) {
			over = now
			return true
		}
		for _, end := range []string{"*Paused at", "*stopped*", "*refused*", "*cancelled*", "*expired*"} {
			if strings.Contains(now, end) {
				over = now
				return true
			}
		}
		return false
	})
	if twice > 1 {
		return wrongf("there are %d messages of run %s; there must be one", twice, run)
	}
	if over != "" {
		return wrongf("the run did not come to show %q; it says:\n%s", text, over)
	}
	if err != nil {
		msgs := w.Slack.Messages(channel)
		return wrongf("the run's message did not come to show %q within %s; it says:\n%s", text, within, shown(msgs, run))
	}
	return nil
}

// command types a command and gives what the bot answered to the person alone.
func (w *World) command(ctx context.Context, person, line string, opts ...slack.SendOption) (string, error) {
	before := len(w.Slack.Ephemerals(slackOf(person)))
	d, err := w.Slack.Command(ctx, slackOf(person), channel, line, opts...)
	if err != nil {
		return "", err
	}
	if d.TimedOut || d.Status != 200 {
		return "", wrongf("%s typed %s and Slack said %s (status %d)", person, line, d.Error, d.Status)
	}
	var reply struct {
		Text string `json:"text"`
	}
	if err := json.Unmarshal([]byte(d.Reply), &reply); err != nil {
		return "", wrongf("the answer to %s is no JSON: %s", line, d.Reply)
	}
	if strings.HasPrefix(reply.Text, busy) {
		if reply.Text, err = w.answerOf(ctx, person, before); err != nil {
			return "", err
		}
	}
	w.say("%-8s %s", person, line)
	for _, l := range strings.Split(reply.Text, "\n") {
		w.say("         drbot to %s alone: %s", person, l)
	}
	return reply.Text, nil
}

// busy begins what a person is told whose answer takes longer than Slack waits for one.
const busy = "I have it, and cannot say yet"

// answerOf waits for what a person is told later, after the first so many things.
func (w *World) answerOf(ctx context.Context, person string, after int) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, w.infra.patience())
	defer cancel()
	var told string
	_, err := w.Slack.WaitEphemerals(ctx, slackOf(person), func(msgs []slack.Message) bool {
		later := msgs[min(after, len(msgs)):]
		i := slices.IndexFunc(later, func(m slack.Message) bool { return !strings.HasPrefix(m.Text, busy) })
		if i >= 0 {
			told = later[i].Text
		}
		return i >= 0
	})
	return told, err
}

// refused types a command that must be refused with certain words.
func (w *World) refused(ctx context.Context, person, line string, words ...string) error {
	text, err := w.command(ctx, person, line)
	if err != nil {
		return err
	}
	for _, word := range words {
		if !strings.Contains(text, word) {
			return wrongf("%s typed %s, which must be refused with %q; the bot answered: %s", person, line, word, text)
		}
	}
	return nil
}

// awaitPost waits for a scheduled report in the channel that came after a time.
func (w *World) awaitPost(ctx context.Context, after time.Time, within time.Duration, words ...string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	oldest := fmt.Sprintf("%d.", after.Unix())
	var found string
	_, err := w.Slack.Wait(ctx, channel, func(msgs []slack.Message) bool {
		for _, m := range msgs {
			if m.Metadata == nil || m.Metadata.EventType != "drbot_note" || m.TS < oldest || m.ThreadTS != "" && m.ThreadTS != m.TS {
				continue
			}
			text := m.AllText()
			all := true
			for _, word := range words {
				all = all && strings.Contains(text, word)
			}
			if all {
				found = text
				return true
			}
		}
		return false
	})
	if err != nil {
		return "", wrongf("no report with %q came within %s", words, within)
	}
	return found, nil
}

// waitText waits for a text in a run's message, paused or not.
func (w *World) waitText(ctx context.Context, run, text string) error {
	ctx, cancel := context.WithTimeout(ctx, 2*w.infra.patience())
	defer cancel()
	_, err := w.Slack.Wait(ctx, channel, func(msgs []slack.Message) bool { return strings.Contains(shown(msgs, run), text) })
	if err != nil {
		return wrongf("the message does not show %q:\n%s", text, shown(w.Slack.Messages(channel), run))
	}
	return nil
}
