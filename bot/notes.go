package bot

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/drbot/drbot/dr"
)

// sayBatch bounds the notes read at once.
const sayBatch = 50

func (p *Poster) sayAll(ctx context.Context, w *worker, channel string) error {
	notes, err := p.desk.UnsaidNotes(ctx, channel, sayBatch)
	if err != nil {
		return err
	}
	var broken error
	for _, n := range notes {
		err := p.guarded(ctx, "say "+n.Key, func() error { return p.say(ctx, w, channel, n) })
		if err != nil && !errors.Is(err, errPanicked) {
			return err
		}
		broken = errors.Join(broken, err) // one note must not hold up those behind it
	}
	if len(notes) == sayBatch {
		p.give(ctx, channel, "")
	}
	return broken
}

func (p *Poster) say(ctx context.Context, w *worker, channel string, n dr.Unsaid) error {
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
	text, blocks := NoteMessage(p.words, n.Note, p.mention)
	ts, err := p.send(ctx, w, message{channel: channel, thread: thread, event: noteEvent, id: n.Key, run: n.Run, text: text, blocks: blocks})
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
