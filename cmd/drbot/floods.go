package main

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"time"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/internal/flood"
	"github.com/drbot/drbot/workflows/engine"
)

// How many refusals of one sender, and of all, are told one by one, in the log and in the
// audit log each. What is beyond is told once, by its count.
var (
	refusalsOfOne = flood.Limit{Burst: 10, Every: time.Minute}
	refusalsOfAll = flood.Limit{Burst: 60, Every: 2 * time.Second}
)

// floods meters what anybody can set off: refused webhooks and commands, and strangers at
// the socket.
type floods struct {
	book   engine.Book
	log    *slog.Logger
	now    func() time.Time
	meters []*flood.Meter
}

// meter is one that tells its count in the log, and in the audit log where that is wanted.
func (f *floods) meter(of dr.Text, audited bool) *flood.Meter {
	m := flood.NewMeter(refusalsOfOne, refusalsOfAll, func(ctx context.Context, c flood.Count) {
		most := named(c.Most)
		f.log.WarnContext(ctx, "more was refused than is told one by one", "what", of, "n", c.N, "senders", c.Senders, "most", most, "since", c.Since)
		if audited {
			f.audit(ctx, "refused", dr.T("flood.count", "n", c.N, "what", of, "since", c.Since, "senders", c.Senders, "most", dr.Foreign(most)))
		}
	})
	f.meters = append(f.meters, m)
	return m
}

// flush tells what has been counted, since the process ends.
func (f *floods) flush() {
	for _, m := range f.meters {
		m.Flush()
	}
}

func (f *floods) audit(ctx context.Context, action string, detail dr.Text) {
	err := f.book.Audit(ctx, dr.AuditEntry{At: f.now(), Who: "drbot", Via: "flood", Action: action, Detail: detail})
	if err != nil {
		f.log.ErrorContext(ctx, "refusals were not audited", "error", err)
	}
}

func named(most []flood.Sender) string {
	var out []string
	for _, s := range most {
		name := s.Name
		if name == "" {
			name = "?" // of too many to be told apart
		}
		out = append(out, fmt.Sprintf("%s (%d)", name, s.N))
	}
	return strings.Join(out, ", ")
}

// strangers is what is told of those who are turned away at the socket.
func (f *floods) strangers() func(who string, why dr.Text) {
	m := f.meter(dr.T("flood.calls"), true)
	return func(who string, why dr.Text) {
		if !m.Allow(who) {
			return
		}
		f.log.Warn("turned away at the socket", "who", who, "why", why)
		f.audit(context.Background(), "connect", dr.T("flood.turned-away", "who", dr.Foreign(who), "why", why))
	}
}

// refusals are the audit lines of what was refused, metered by who asked for it.
func (f *floods) refusals() engine.Book {
	return meteredBook{f.book, f.meter(dr.T("flood.commands"), true)}
}

type meteredBook struct {
	engine.Book
	meter *flood.Meter
}

// Audit writes an entry, unless it is one refusal too many.
func (b meteredBook) Audit(ctx context.Context, e dr.AuditEntry) error {
	if !e.Granted && !b.meter.Allow(e.Who) {
		return nil
	}
	return b.Book.Audit(ctx, e)
}

// metered is a log in which what names a sender is metered by that name. Other lines, and
// those of defects, are written as they are.
func (f *floods) metered(key string, of dr.Text, audited bool) *slog.Logger {
	return slog.New(meteredLog{f.log.Handler(), key, f.meter(of, audited)})
}

// ofSlack, ofGitHub and ofSocket are the logs of those who answer there.
func (f *floods) ofSlack() *slog.Logger  { return f.metered("who", dr.T("flood.slack"), false) }
func (f *floods) ofGitHub() *slog.Logger { return f.metered("remote", dr.T("flood.webhooks"), true) }
func (f *floods) ofSocket() *slog.Logger { return f.metered("who", dr.T("flood.cli"), false) }

type meteredLog struct {
	slog.Handler
	key   string
	meter *flood.Meter
}

// Handle writes a record, unless it is one of a sender too many.
func (h meteredLog) Handle(ctx context.Context, r slog.Record) error {
	over := false
	r.Attrs(func(a slog.Attr) bool {
		if a.Key == h.key && r.Level < slog.LevelError {
			over = !h.meter.Allow(sender(a.Value.String()))
			return false
		}
		return true
	})
	if over {
		return nil
	}
	return h.Handler.Handle(ctx, r)
}

// WithAttrs keeps the meter.
func (h meteredLog) WithAttrs(a []slog.Attr) slog.Handler {
	return meteredLog{h.Handler.WithAttrs(a), h.key, h.meter}
}

// WithGroup keeps the meter.
func (h meteredLog) WithGroup(name string) slog.Handler {
	return meteredLog{h.Handler.WithGroup(name), h.key, h.meter}
}

// sender is an address without its port, which is another with each connection.
func sender(name string) string {
	if host, _, err := net.SplitHostPort(name); err == nil {
		return host
	}
	return name
}
