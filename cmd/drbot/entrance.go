package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"runtime/debug"
	"sync"
	"syscall"
	"time"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/internal/web"
)

const (
	// endWait is how long requests that are under way have when the server ends.
	endWait = 5 * time.Second
	// openAgain is how often a standby tries an address that another process has.
	openAgain = time.Second
	// goOn is the pause after which work that panicked is begun again.
	goOn = 5 * time.Second
)

// entrance is a listener with its server from the process's first moment to its last:
// a standby's, the serving bot's and the ending one's.
type entrance struct {
	front  *web.Front
	srv    *http.Server
	listen func() (net.Listener, error)
	fail   func(error)

	mu     sync.Mutex
	l      net.Listener
	closed bool
}

func newEntrance(listen func() (net.Listener, error), srv *http.Server, fail func(error)) *entrance {
	e := &entrance{front: web.NewFront(), srv: srv, listen: listen, fail: fail}
	srv.Handler = e.front
	return e
}

// newPublic makes the entrance for Slack, GitHub and whoever asks for the health.
func newPublic(addr string, log *slog.Logger, fail func(error)) *entrance {
	return newEntrance(func() (net.Listener, error) {
		l, err := net.Listen("tcp", addr)
		if err != nil {
			return nil, &dr.Error{Code: dr.Conflict, What: dr.T("cli.listen", "address", addr), Next: dr.T("cli.listen.next"), Err: err}
		}
		return l, nil
	}, &http.Server{
		ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second,
		WriteTimeout: 15 * time.Second, IdleTimeout: time.Minute, MaxHeaderBytes: 64 << 10,
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}, fail)
}

// open listens, if that is not done yet, and has requests answered.
func (e *entrance) open() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.l != nil || e.closed {
		return nil
	}
	l, err := e.listen()
	if err != nil {
		return err
	}
	e.l = l
	go func() {
		defer func() {
			if v := recover(); v != nil {
				e.fail(fmt.Errorf("serve %s: panicked: %v\n%s", l.Addr(), v, debug.Stack()))
			}
		}()
		if err := e.srv.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			e.fail(fmt.Errorf("serve %s: %w", l.Addr(), err))
		}
	}()
	return nil
}

// taken tells whether an error is that another process has the address.
func taken(err error) bool { return errors.Is(err, syscall.EADDRINUSE) }

// openSoon opens as soon as the address is free.
func (e *entrance) openSoon(ctx context.Context) {
	tick := time.NewTicker(openAgain)
	defer tick.Stop()
	for e.open() != nil {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// addr is where it listens.
func (e *entrance) addr() string {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.l == nil {
		return ""
	}
	return e.l.Addr().String()
}

// refuse takes nothing new, on no connection old or new. Whoever asks on one that was
// kept is told so, and that it is closed.
func (e *entrance) refuse() {
	e.front.Become(web.Ending)
	e.srv.SetKeepAlivesEnabled(false)
}

// end lets requests that are under way finish until the context ends, and then cuts them off.
func (e *entrance) end(ctx context.Context) {
	e.mu.Lock()
	e.closed = true
	e.mu.Unlock()
	if e.srv.Shutdown(ctx) != nil {
		_ = e.srv.Close() // nothing is left to be lost by it
	}
}

// keep does work that goes on as long as the process. Its panic is logged, and it is
// begun again after a pause.
func keep(ctx context.Context, log *slog.Logger, what string, work func(context.Context)) {
	for {
		if guarded(ctx, log, what, work) || ctx.Err() != nil {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(goOn):
		}
	}
}

// guarded does work and tells whether it ended by itself.
func guarded(ctx context.Context, log *slog.Logger, what string, work func(context.Context)) (ended bool) {
	defer func() {
		if v := recover(); v != nil {
			log.ErrorContext(ctx, "work panicked and is begun again", "work", what, "panic", fmt.Sprint(v), "stack", string(debug.Stack()))
		}
	}()
	work(ctx)
	return true
}
