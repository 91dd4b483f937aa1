package main

import (
	"context"
	"errors"
	"time"

	"github.com/drbot/drbot/bot"
	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/internal/store"
)

// desk is the store as the poster has it: what is given up of what was to be said stands in
// the audit log.
type desk struct {
	bot.Desk // of the store, but for what is given up
	store    *store.Store
}

// ChannelGone gives up notes, and writes down that it did.
func (d desk) ChannelGone(ctx context.Context, channel string, now time.Time) (int64, time.Time, error) {
	n, since, err := d.store.ChannelGone(ctx, channel, now)
	if n > 0 {
		err = errors.Join(err, d.store.Audit(ctx, dr.AuditEntry{At: now, Who: "drbot", Via: "slack", Action: "give-up", Granted: true,
			Detail: dr.T("audit.give-up", "n", int(n), "channel", channel, "since", since)}))
	}
	return n, since, err
}
