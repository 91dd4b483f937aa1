package bot

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/slack-go/slack"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/text"
)

// manner is how a message is written. Blocks that Slack refuses are refused for ever, so
// what they say is said in plain words then, and in a few if those are too many.
type manner int

const (
	inBlocks manner = iota
	inPlain
	inShort
)

// room is how much plain text a manner has. chat.update takes 4,000 characters.
func (f manner) room() int {
	if f == inShort {
		return 600
	}
	return 3900
}

// message is one message of ours, whole.
type message struct {
	channel string
	thread  string // that it answers to; empty for the channel
	ts      string // where it stands already; empty for a new one
	event   string // of its metadata, with id: by it the message is found again
	id      string
	run     string // that it is about, named where its thread is gone
	text    string
	blocks  []slack.Block
}

func (m message) options(f manner, w text.Words) []slack.MsgOption {
	opts := []slack.MsgOption{metadata(m.event, m.id)}
	if m.thread != "" {
		opts = append(opts, slack.MsgOptionTS(m.thread))
	}
	if f == inBlocks {
		return append(opts, slack.MsgOptionText(m.text, false), slack.MsgOptionBlocks(m.blocks...))
	}
	return append(opts, slack.MsgOptionText(plainly(m.blocks, f.room(), w), false), slack.MsgOptionBlocks()) // an update takes the old blocks away
}

// astray is the message for the channel, since its thread is gone.
func (m message) astray(w text.Words) message {
	m.thread = ""
	if m.run != "" {
		m.text = m.run + ": " + m.text
		m.blocks = append([]slack.Block{slack.NewSectionBlock(mrkdwn(marked(w).Say(dr.T("note.astray", "run", m.run))), nil, nil)}, m.blocks...)
	}
	return m
}

// send posts a message, or updates the one that stands, in the manner that Slack takes.
func (p *Poster) send(ctx context.Context, w *worker, m message) (ts string, err error) {
	for f := inBlocks; ; {
		if m.ts == "" {
			turn(ctx, &w.posted, p.pace)
			_, ts, err = p.api.PostMessageContext(ctx, m.channel, m.options(f, p.words)...)
		} else {
			turn(ctx, &w.updated, p.pace)
			_, ts, _, err = p.api.UpdateMessageContext(ctx, m.channel, m.ts, m.options(f, p.words)...)
		}
		switch says := slackSays(err); {
		case says == "thread_not_found" && m.thread != "":
			m = m.astray(p.words)
		case slices.Contains(slackForm, says) && f < inShort:
			f++
		default:
			return ts, outside(dr.T("slack.take", "id", m.id), err)
		}
		p.log.ErrorContext(ctx, "Slack refuses a message as it is; it is said in another manner", "message", m.id, "run", m.run, "error", err)
	}
}

// plainly writes blocks as plain text: whole lines, as many as there is room for, and a
// word about it if there are more.
func plainly(blocks []slack.Block, room int, w text.Words) string {
	var lines []string
	shortened := w.Plain().Say(dr.T("note.shortened"))
	for _, b := range blocks {
		lines = append(lines, strings.Split(plainBlock(b, w), "\n")...)
	}
	var out []string
	size := 0
	for i, l := range lines {
		left := room - size
		if i < len(lines)-1 {
			left -= len([]rune(shortened)) + 1
		}
		n := len([]rune(l)) + 1
		if n > left {
			return strings.Join(append(out, shortened), "\n")
		}
		out, size = append(out, l), size+n
	}
	return strings.Join(out, "\n")
}

// plainBlock is what a block says; a row of buttons says what to type instead.
func plainBlock(b slack.Block, w text.Words) string {
	switch b := b.(type) {
	case *slack.HeaderBlock:
		return fit(b.Text.Text, maxHeader*2)
	case *slack.SectionBlock:
		return b.Text.Text
	case *slack.ContextBlock:
		var out []string
		for _, e := range b.ContextElements.Elements {
			if t, ok := e.(*slack.TextBlockObject); ok {
				out = append(out, t.Text)
			}
		}
		return strings.Join(out, " ")
	case *slack.ActionBlock:
		var out []string
		for _, e := range b.Elements.ElementSet {
			if button, ok := e.(*slack.ButtonBlockElement); ok {
				out = append(out, "→ "+typedFor(button, w))
			}
		}
		return strings.Join(out, "\n")
	}
	return ""
}

// typedFor is what a person types who has no button to press.
func typedFor(b *slack.ButtonBlockElement, w text.Words) string {
	if verb, ok := strings.CutPrefix(b.ActionID, actionAnswer); ok {
		run, rest, _ := strings.Cut(b.Value, "|")
		_, digest, _ := strings.Cut(rest, "|")
		return "`" + w.Command(dr.Cmd("answer", "run", run, "answer", verb, "digest", digest)) + "`"
	}
	if b.ActionID == actionCancel {
		return "`" + w.Command(dr.Cmd("cancel", "run", b.Value)) + "`"
	}
	return escape(b.Text.Text) + ": " + b.URL
}

// errPanicked marks what a panic became.
var errPanicked = errors.New("panicked")

// guarded does a piece of the poster's work whose panic must neither end the process
// nor stop the rest: it is an error like another, with its stack in the log.
func (p *Poster) guarded(ctx context.Context, what string, work func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			p.log.ErrorContext(ctx, "the poster panicked and goes on", "at", what, "panic", fmt.Sprint(v), "stack", string(debug.Stack()))
			err = fmt.Errorf("%s: %w: %v", what, errPanicked, v)
		}
	}()
	return work()
}
