package main

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/drbot/drbot/bot"
	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/internal/config"
	"github.com/drbot/drbot/internal/store"
	"github.com/drbot/drbot/internal/tf"
	"github.com/drbot/drbot/internal/web"
	"github.com/drbot/drbot/text"
	"github.com/drbot/drbot/workflows"
)

func (w *world) serveCommand() *cobra.Command {
	anew := false
	c := &cobra.Command{
		Use:   "serve",
		Short: w.words.Sentence(dr.T("cli.serve")),
		Args:  bare,
		RunE: func(c *cobra.Command, _ []string) error {
			cfg, err := w.load(true)
			if err != nil {
				return err
			}
			cfg.SealAnew = anew
			here := thisHost(c.Context())
			walls, err := isolation(cfg, here)
			if err != nil {
				return err
			}
			log := slog.New(slog.NewJSONHandler(scrub(w.stderr, cfg.Secrets()), &slog.HandlerOptions{ReplaceAttr: inWords(w.words)}))
			for _, n := range cfg.Notices {
				log.WarnContext(c.Context(), "the configuration has what it should say otherwise", "notice", w.words.Say(n))
			}
			tellWalls(c.Context(), walls, here.can, log)
			return ended(w.parts.serve(c.Context(), cfg, walls.Isolation, log))
		},
	}
	c.Flags().BoolVar(&anew, "seal-anew", false, w.words.Say(dr.T("cli.flag.seal-anew")))
	return c
}

// ended says what to do about an end that nothing else has words for, which is as a
// rule the database's.
func ended(err error) error {
	var known *dr.Error
	if err == nil || errors.As(err, &known) {
		return err
	}
	return &dr.Error{Code: dr.Temporary, What: dr.T("cli.ended"), Next: dr.T("cli.ended.next"), Err: err}
}

// serve runs the bot until the context ends, the lock is lost or the engine fails.
func (p parts) serve(ctx context.Context, cfg *config.Config, walls tf.Isolation, log *slog.Logger) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	public := newPublic(cfg.Listen, log, stop)
	defer func() { _ = public.srv.Close() }()
	lock, err := await(ctx, cfg, public, log)
	if err != nil {
		return err
	}
	if lock == nil {
		return nil // a standby that was asked to end
	}
	defer lock.Release()
	began := time.Now()
	if err := public.open(); err != nil { // before anything acts, so that a port in use is found at once
		return err
	}
	st, err := openStore(ctx, cfg, cfg.Terraform.HashKey, !cfg.Throwaway, log)
	if err != nil {
		return err
	}
	defer func() { _ = st.Close() }()
	as, err := newCredentials(cfg, log)
	if err != nil {
		return err
	}
	forge, err := p.newForge(cfg, as, log)
	if err != nil {
		return err
	}
	go guarded(ctx, log, "standing", func(ctx context.Context) { tellStanding(ctx, forge, cfg.Services, log) }) // nothing waits for it
	if err := greet(ctx, st, forge, cfg.Services, log); err != nil {
		return err
	}
	s, err := p.assemble(ctx, cfg, as, walls, forge, st, lock, stop, log)
	if err != nil {
		return err
	}
	if err := s.books.Seal(ctx); err != nil { // before anything that is kept is read
		return err
	}
	if err := forgetAccounts(ctx, st, cfg.People, log); err != nil {
		return err
	}
	if err := tellConfig(ctx, st, cfg, time.Now(), log); err != nil {
		return err
	}
	s.public = public
	s.private, s.commands = newPrivate(s.doorOf(cfg), s.books.Commands(), s.floods.ofSocket(), stop)
	if err := s.private.open(); err != nil {
		return err
	}
	defer func() { _ = s.private.srv.Close() }()
	if err := s.books.Launch(ctx); err != nil {
		return err
	}
	s.start(ctx)
	if err := s.books.Schedule(ctx, st); err != nil {
		return err
	}
	log.InfoContext(ctx, "serving", "listen", s.public.addr(), "socket", cfg.Socket, "services", len(cfg.Services), "started_in", time.Since(began).Round(time.Millisecond).String())
	select {
	case <-ctx.Done():
	case <-lock.Lost():
		// Another server may act by now: not one more step.
		return &dr.Error{Code: dr.Conflict, What: dr.T("cli.lock-lost"), Next: dr.T("cli.lock-lost.next")}
	}
	if err := cause(ctx); err != nil {
		return err
	}
	return s.drain(ctx, cfg, log)
}

// cause is why the context ended, unless it was asked to.
func cause(ctx context.Context) error {
	if err := context.Cause(ctx); err != nil && !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}

// await waits for the executor's lock; there is none when the context ends first. A
// standby answers for its health meanwhile, if it has the address: on the same host it
// does when the one that serves has ended.
func await(ctx context.Context, cfg *config.Config, public *entrance, log *slog.Logger) (*store.Lock, error) {
	waiting, stop := context.WithCancel(ctx)
	defer stop()
	if err := public.open(); err != nil && !taken(err) {
		return nil, err
	}
	lock, err := store.AcquireLock(ctx, cfg.Database, func(holder int) {
		log.InfoContext(ctx, "standby: another server holds the lock; waiting", "process", holder, "listen", public.addr())
		public.front.Become(web.Standby)
		go keep(waiting, log, "listen", public.openSoon)
	})
	switch {
	case err == nil:
		public.front.Become(web.Starting)
		return lock, nil
	case ctx.Err() != nil:
		return nil, cause(ctx)
	default:
		return nil, err
	}
}

// server is the assembled bot.
type server struct {
	books     *workflows.Runbooks
	poster    *bot.Poster
	slack     *bot.Server
	handler   http.Handler // of what comes to public
	commands  http.Handler // of what comes to private
	public    *entrance
	private   *entrance
	tidy      func(context.Context)
	tellRules func(context.Context)
	floods    *floods
	log       *slog.Logger
}

// doorOf opens the socket of the command line for the people of a configuration.
func (s *server) doorOf(cfg *config.Config) func() (net.Listener, error) {
	away := s.floods.strangers()
	return func() (net.Listener, error) {
		group, err := groupNamed(cfg.SocketGroup)
		if err != nil {
			return nil, err
		}
		l, err := listenSocket(cfg.Socket, group)
		if err != nil {
			return nil, err
		}
		return newDoor(l, func(user string) bool {
			_, known := cfg.People.ByLocalUser(user)
			return known
		}, away), nil
	}
}

// start has requests obeyed and messages posted.
func (s *server) start(ctx context.Context) {
	s.public.front.Serve(s.handler)
	s.private.front.Serve(s.commands)
	// The poster goes on while the act in hand ends: people want to see it.
	go keep(context.WithoutCancel(ctx), s.log, "poster", s.poster.Run)
	go keep(ctx, s.log, "janitor", s.tidy)
	go keep(ctx, s.log, "rules", s.tellRules)
	go keep(ctx, s.log, "watch", s.books.Watchman().Watch)
}

// drain takes no new request and no new step, lets what is under way end and then lets
// the process end. The runs go on where they are when a server starts again.
func (s *server) drain(ctx context.Context, cfg *config.Config, log *slog.Logger) error {
	log.InfoContext(ctx, "ending: waiting for the act in hand")
	s.public.refuse()
	s.private.refuse()
	ctx = context.WithoutCancel(ctx)
	var asked sync.WaitGroup
	asked.Go(func() { s.settle(ctx) })
	limit, cancel := context.WithTimeout(ctx, cfg.Timing.Drain)
	defer cancel()
	if err := s.books.Drain(limit); err != nil {
		log.WarnContext(ctx, "ending although an act is in hand; it is looked at again at the next start", "waited", cfg.Timing.Drain.String())
	}
	asked.Wait()
	s.floods.flush()
	return nil
}

// settle gives the requests under way, and the answers still to be told, a moment.
func (s *server) settle(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, endWait)
	defer cancel()
	var all sync.WaitGroup
	for _, e := range []*entrance{s.public, s.private} {
		all.Go(func() { e.end(ctx) })
	}
	all.Wait() // then nothing new comes
	if !s.slack.Settle(ctx) {
		s.log.WarnContext(ctx, "ending although an answer in Slack is not told yet")
	}
}

// inWords writes the errors and texts of the log as people are told them, since they are sent there.
func inWords(words text.Words) func([]string, slog.Attr) slog.Attr {
	return func(_ []string, a slog.Attr) slog.Attr {
		if said, ok := a.Value.Any().(dr.Text); ok {
			a.Value = slog.StringValue(words.Say(said))
			return a
		}
		err, ok := a.Value.Any().(error)
		var e *dr.Error
		if ok && errors.As(err, &e) {
			a.Value = slog.StringValue(strings.Replace(err.Error(), e.What.String(), words.Say(e.What), 1))
		}
		return a
	}
}
