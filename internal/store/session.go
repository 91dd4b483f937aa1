package store

import (
	"context"
	"errors"
	"net"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
	"golang.org/x/sys/unix"

	"github.com/drbot/drbot/dr"
)

// The times of the lock on PostgreSQL. The server drops the session, and the lock with
// it, 10 to 11 s after it last heard of a holder that has vanished: a standby that asks
// every half second has it within 15 s. The holder gives up well before that.
const (
	lookEvery = time.Second
	giveUp    = 6 * time.Second  // after the last question that was answered
	lookNow   = 2 * time.Second  // how long Held waits
	vanished  = 10 * time.Second // TCP_USER_TIMEOUT, on both sides

	keepIdle, keepInterval, keepCount = 5 * time.Second, 2 * time.Second, 3
)

// askLock is how long PostgreSQL may take to answer: one that is frozen takes
// connections and never says a word, and nobody would know why nothing is served.
const askLock = 10 * time.Second

// advisoryKey is the number drbot's executors lock in PostgreSQL ("drbot" in ASCII).
const advisoryKey = 0x6472626f74

// session is the connection that holds the lock; the watcher alone uses it.
type session struct {
	conn *pgx.Conn
	asks chan chan error
	// now counts on while the process or the whole host is frozen.
	now  func() time.Duration
	last time.Duration // when the last question was asked that was answered
}

// sinceBoot is the kernel's clock that nobody sets and that counts on during a suspend.
func sinceBoot() time.Duration {
	var t unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_BOOTTIME, &t) // cannot fail with this clock on Linux
	return time.Duration(t.Nano())
}

// postgresLock holds a session lock on a connection of its own. The database drops the
// lock when the connection dies, so a watcher asks it every second.
func postgresLock(ctx context.Context, url string, now func() time.Duration) (*Lock, int, error) {
	ask, cancel := context.WithTimeout(ctx, askLock)
	defer cancel()
	silent := func(err error) error {
		return &dr.Error{Code: dr.Temporary, What: dr.T("store.silent"), Next: dr.T("store.silent.next"), Err: scrub(err, url)}
	}
	cfg, err := lockConfig(url)
	if err != nil {
		return nil, 0, badURL(scrub(err, url))
	}
	conn, err := pgx.ConnectConfig(ask, cfg)
	if err != nil {
		return nil, 0, silent(err)
	}
	s := &session{conn: conn, asks: make(chan chan error), now: now, last: now()}
	var ok bool
	if err := conn.QueryRow(ask, `SELECT pg_try_advisory_lock($1)`, int64(advisoryKey)).Scan(&ok); err != nil {
		s.close()
		return nil, 0, silent(err)
	}
	if !ok {
		s.close()
		return nil, 0, nil
	}
	watch, stop := context.WithCancel(context.WithoutCancel(ctx))
	done := make(chan struct{})
	l := &Lock{lost: make(chan struct{}), release: func() { stop(); <-done }}
	l.held = func(ctx context.Context) error { return s.held(ctx, l, done) }
	go func() {
		defer close(done)
		s.watch(watch, l)
		s.close()
	}()
	return l, 0, nil
}

// lockConfig has both ends of the connection find out by themselves that the other has
// vanished. A server behind a pooler refuses these settings, and rightly: a pooler
// would hold the lock for a bot that has gone.
func lockConfig(url string) (*pgx.ConnConfig, error) {
	cfg, err := pgx.ParseConfig(url)
	if err != nil {
		return nil, err
	}
	for name, value := range map[string]string{
		"tcp_keepalives_idle": "5", "tcp_keepalives_interval": "2", "tcp_keepalives_count": "3", "tcp_user_timeout": "10000",
	} {
		cfg.RuntimeParams[name] = value
	}
	dialer := &net.Dialer{
		KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: keepIdle, Interval: keepInterval, Count: keepCount},
		Control: func(network, _ string, raw syscall.RawConn) error {
			if !strings.HasPrefix(network, "tcp") {
				return nil
			}
			var set error
			err := raw.Control(func(fd uintptr) {
				set = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, int(vanished.Milliseconds()))
			})
			return errors.Join(err, set)
		},
	}
	cfg.DialFunc = dialer.DialContext
	return cfg, nil
}

// watch looks every second, and when it is asked to, until the lock is lost or let go.
func (s *session) watch(ctx context.Context, l *Lock) {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		var asked chan error
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		case asked = <-s.asks:
		}
		err := s.look(ctx)
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			l.lose()
		}
		if asked != nil {
			asked <- err
		}
		if err != nil {
			return
		}
	}
}

// look asks the server once. The session that answers is the one that holds the lock.
// What was answered before a freeze says nothing about now.
func (s *session) look(ctx context.Context) error {
	asked := s.now()
	left := giveUp - (asked - s.last)
	ctx, cancel := context.WithTimeout(ctx, left)
	defer cancel()
	if err := s.conn.Ping(ctx); err != nil {
		return err
	}
	if silent := s.now() - s.last; silent > giveUp {
		return errors.New("nothing was heard of the database, or this process was frozen, for " + silent.Round(time.Millisecond).String())
	}
	s.last = asked
	return nil
}

func (s *session) held(ctx context.Context, l *Lock, done <-chan struct{}) error {
	ctx, cancel := context.WithTimeout(ctx, lookNow)
	defer cancel()
	answer := make(chan error, 1) // the watcher never waits for who has gone
	ask := s.asks
	for {
		select {
		case ask <- answer:
			ask = nil
		case err := <-answer:
			if err != nil {
				return lockGone(err)
			}
			return nil
		case <-l.lost:
			return lockGone(nil)
		case <-done:
			return lockGone(errors.New("it was let go"))
		case <-ctx.Done():
			return &dr.Error{Code: dr.Temporary, What: dr.T("store.lock-unknown"), Next: dr.T("store.lock-unknown.next"), Err: ctx.Err()}
		}
	}
}

// close ends the session without waiting long for a server that is away.
func (s *session) close() {
	ctx, cancel := context.WithTimeout(context.Background(), lookNow)
	defer cancel()
	_ = s.conn.Close(ctx)
}
