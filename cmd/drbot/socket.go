package main

import (
	"context"
	"encoding/json"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"time"

	"github.com/drbot/drbot/bot"
	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/workflows"
)

// maxRequest bounds a request on the socket.
const maxRequest = 64 << 10

type peerKey struct{}

// newPrivate makes the entrance of the command line, and what answers there once the
// bot serves.
func newPrivate(open func() (net.Listener, error), e bot.Runbooks, log *slog.Logger, fail func(error)) (*entrance, http.Handler) {
	srv := socketServer(e, log)
	handler := srv.Handler
	return newEntrance(open, srv, fail), handler
}

// socketServer serves the command line.
func socketServer(e bot.Runbooks, log *slog.Logger) *http.Server {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/start", func(w http.ResponseWriter, r *http.Request) {
		handle(w, r, log, func(ctx context.Context, c workflows.Caller, req startRequest) (startAnswer, error) {
			run, existing, err := e.Start(ctx, c, workflows.StartCommand{
				Kind: req.Kind, Service: req.Service, Target: req.Target, Mode: req.Mode,
				Reason: req.Reason, Since: req.Since, Override: req.Override,
			})
			return startAnswer{run, existing}, err
		})
	})
	mux.HandleFunc("POST /v1/cancel", func(w http.ResponseWriter, r *http.Request) {
		handle(w, r, log, func(ctx context.Context, c workflows.Caller, req sayRequest) (sayAnswer, error) {
			run, said, err := e.Cancel(ctx, c, req.Run)
			return sayAnswer{run, said}, err
		})
	})
	mux.HandleFunc("POST /v1/answer", func(w http.ResponseWriter, r *http.Request) {
		handle(w, r, log, func(ctx context.Context, c workflows.Caller, req sayRequest) (sayAnswer, error) {
			run, said, err := e.Answer(ctx, c, req.Run, workflows.Reply{Verb: req.Answer, Digest: req.Digest})
			return sayAnswer{run, said}, err
		})
	})
	mux.HandleFunc("GET /v1/runs", func(w http.ResponseWriter, r *http.Request) {
		limit, err := strconv.Atoi(r.URL.Query().Get("limit"))
		if err != nil || limit < 1 || limit > mostRuns {
			limit = 20
		}
		seen, err := e.Status(r.Context(), caller(r), workflows.Look{Service: r.URL.Query().Get("service"), Limit: limit})
		if seen.Runs == nil {
			seen.Runs = []dr.Run{}
		}
		answer(w, r, log, seen.Runs, err)
	})
	mux.HandleFunc("GET /v1/status", func(w http.ResponseWriter, r *http.Request) {
		seen, err := e.Status(r.Context(), caller(r), workflows.Look{Service: r.URL.Query().Get("service"), Limit: 1, Standing: true})
		answer(w, r, log, seen, err)
	})
	return &http.Server{
		Handler: paced(mux, log), ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second, IdleTimeout: time.Minute,
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelWarn),
		ConnContext: func(ctx context.Context, c net.Conn) context.Context {
			g, _ := c.(*guest) // of a listener that is no door, nobody
			return context.WithValue(ctx, peerKey{}, g)
		},
	}
}

// paced answers those who call too often without asking anything of the bot.
func paced(next http.Handler, log *slog.Logger) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if g, _ := r.Context().Value(peerKey{}).(*guest); g != nil && !g.door.calls.Allow(g.who) {
			answer(w, r, log, nil, &dr.Error{Code: dr.Conflict, What: dr.T("cli.too-often"), Next: dr.T("cli.too-often.next")})
			return
		}
		next.ServeHTTP(w, r)
	})
}

func caller(r *http.Request) workflows.Caller {
	c := workflows.Caller{Via: "cli"}
	if g, _ := r.Context().Value(peerKey{}).(*guest); g != nil {
		c.LocalUser = g.who
	}
	return c
}

func handle[In, Out any](w http.ResponseWriter, r *http.Request, log *slog.Logger, do func(context.Context, workflows.Caller, In) (Out, error)) {
	var in In
	dec := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxRequest))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&in); err != nil {
		answer(w, r, log, nil, &dr.Error{Code: dr.Invalid, What: dr.T("cli.old"), Next: dr.T("cli.old.next"), Err: err})
		return
	}
	out, err := do(r.Context(), caller(r), in)
	answer(w, r, log, out, err)
}

// unsure tells whether an error leaves open if something was taken: only one that was
// decided before anything began does not.
func unsure(c dr.Code) bool {
	return c != dr.Invalid && c != dr.Denied && c != dr.Conflict && c != dr.NotFound
}

func answer(w http.ResponseWriter, r *http.Request, log *slog.Logger, v any, err error) {
	w.Header().Set("Content-Type", "application/json")
	if err != nil {
		log.WarnContext(r.Context(), "request refused", "path", r.URL.Path, "who", caller(r).LocalUser, "error", err)
		what, next := dr.Told(err)
		if next.Empty() && r.Method == http.MethodPost && unsure(dr.CodeOf(err)) {
			next = dr.T("cli.lost-act.next", "command", dr.Cmd("status"))
		}
		w.WriteHeader(http.StatusUnprocessableEntity)
		v = problem{Code: dr.CodeOf(err), What: what, Next: next}
	}
	if err := json.NewEncoder(w).Encode(v); err != nil {
		log.WarnContext(r.Context(), "an answer was not delivered", "path", r.URL.Path, "error", err)
	}
}
