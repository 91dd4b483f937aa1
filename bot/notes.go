package bot

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/slack-go/slack"

	"github.com/drbot/drbot/dr"
)

// sayBatch bounds the notes read at once.
const sayBatch = 50

func (p *Poster) sayAll(ctx context.Context, w *worker, channel string) error {
	notes, err := p.desk.UnsaidNotes(ctx, channel, sayBatch)
	if err != nil {
		return err
	}
	for _, n := range notes {
		if err := p.say(ctx, w, channel, n); err != nil {
			return err
		}
	}
	if len(notes) == sayBatch {
		p.give(ctx, channel, "")
	}
	return nil
}

func (p *Poster) say(ctx context.Context, w *worker, channel string, n dr.Unsaid) error {
	opts := []slack.MsgOption{metadata(noteEvent, n.Key)}
	thread := ""
	since := p.now().Add(-24 * time.Hour)
	if n.Run != "" {
		at, err := p.desk.Shown(ctx, n.Run)
		if err != nil {
			return err
		}
		if at.TS == "" {
			if err := p.show(ctx, w, channel, n.Run); err != nil {
				return err
			}
			if at, err = p.desk.Shown(ctx, n.Run); err != nil {
				return err
			}
		}
		thread = at.TS
		opts = append(opts, slack.MsgOptionTS(thread))
	}
	if n.Tried {
		ts, err := p.find(ctx, channel, thread, noteEvent, n.Key, since)
		if err != nil {
			return err
		}
		if ts != "" {
			return p.desk.NoteSaid(ctx, n.Key, ts)
		}
	}
	if err := p.desk.NoteTried(ctx, n.Key); err != nil {
		return err
	}
	text, blocks := NoteMessage(n.Note, p.mention)
	turn(ctx, &w.posted, p.pace)
	_, ts, err := p.api.PostMessageContext(ctx, channel, append(opts, slack.MsgOptionText(text, false), slack.MsgOptionBlocks(blocks...))...)
	var refused slack.SlackErrorResponse
	if errors.As(err, &refused) && strings.HasPrefix(refused.Err, "invalid_blocks") || refused.Err == "msg_blocks_too_long" || refused.Err == "thread_not_found" {
		// Slack will never take it like this, and one note must not hold up those behind it.
		p.log.ErrorContext(ctx, "a note is said in plain words", "key", n.Key, "error", err)
		_, ts, err = p.api.PostMessageContext(ctx, channel, metadata(noteEvent, n.Key), slack.MsgOptionText(text, false))
	}
	if err != nil {
		return fmt.Errorf("say %s: %w", n.Key, err)
	}
	return p.desk.NoteSaid(ctx, n.Key, ts)
}

// mention names a person in Slack so that they are told.
func (p *Poster) mention(person string) string {
	who, ok := p.people.ByName(person)
	if !ok || len(who.SlackIDs) == 0 {
		return escape(person)
	}
	return "<@" + who.SlackIDs[0] + ">"
}
