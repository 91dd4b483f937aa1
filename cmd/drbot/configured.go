package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"time"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/internal/config"
	"github.com/drbot/drbot/workflows/engine"
)

// runningConfig is where the digest of the configuration of the last start is kept, with how
// often it has been another one.
const runningConfig = "config-digest"

// diary is where it is kept and told what the bot runs with.
type diary interface {
	engine.Book
	engine.Memory
}

// tellConfig writes down which configuration the bot runs with from now on, and where it is
// another than at the last start tells so, once: whoever can change the file can make
// themselves an approver.
func tellConfig(ctx context.Context, d diary, cfg *config.Config, now time.Time, log *slog.Logger) error {
	kept, err := d.Get(ctx, runningConfig)
	byHand := errors.Is(err, dr.ErrUnsealed)
	if err != nil && !byHand {
		return err
	}
	before, times, _ := strings.Cut(kept, " ")
	n, err := strconv.Atoi(times)
	if err != nil {
		n = 0 // of the first start
	}
	if byHand { // it is another than anything, and told under a number that was not used
		before, n = "?", int(now.Unix())
	}
	line := dr.AuditEntry{At: now, Who: "drbot", Via: "serve", Action: "start", Granted: true, Config: cfg.Digest, Detail: dr.T("audit.config", "digest", cfg.Digest)}
	log.InfoContext(ctx, "the configuration", "digest", cfg.Digest, "before", before)
	if before != "" && before != cfg.Digest {
		n++
		log.WarnContext(ctx, "THE CONFIGURATION IS ANOTHER THAN AT THE LAST START", "digest", cfg.Digest, "before", before)
		line.Detail = dr.T("audit.config.changed", "digest", cfg.Digest, "before", before)
		if err := d.Say(ctx, dr.Note{
			Key: fmt.Sprintf("config/%d", n), Channel: cfg.Operations(), Level: dr.Warn, Title: dr.T("note.config"),
			Lines: []dr.Text{dr.T("note.config.changed", "digest", cfg.Digest, "before", before)},
		}); err != nil {
			return err
		}
	}
	if err := d.Audit(ctx, line); err != nil {
		return err
	}
	return d.Put(ctx, runningConfig, fmt.Sprintf("%s %d", cfg.Digest, n))
}
