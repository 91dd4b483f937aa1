package main

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"github.com/drbot/drbot/bot"
	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/workflows"
)

// maxRequest bounds a request on the socket.
const maxRequest = 64 << 10

type peerKey struct{}

// listenSocket makes the socket of the command line, for the users of this host.
// Who may do what is decided by who connects, which the kernel tells.
func listenSocket(path string) (net.Listener, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, noSocket(path, err)
	}
	// The executor's lock is held, so a socket that is there belongs to nobody.
	if err := os.Remove(path); err != nil && !os.IsNotExist(err) {
		return nil, noSocket(path, err)
	}
	l, err := net.Listen("unix", path)
	if err != nil {
		return nil, noSocket(path, err)
	}
	if err := os.Chmod(path, 0o666); err != nil {
		return nil, noSocket(path, errors.Join(err, l.Close()))
	}
	return l, nil
}

func noSocket(path string, err error) error {
	return &dr.Error{Code: dr.Conflict, What: dr.T("cli.no-socket", "socket", path), Next: dr.T("cli.no-socket.next"), Err: err}
}

// newPrivate makes the entrance of the command line, and what answers there once the
// bot serves.
func newPrivate(path string, e bot.Runbooks, log *slog.Logger, fail func(error)) (*entrance, http.Handler) {
	srv := socketServer(e, log)
	handler := srv.Handler
	return newEntrance(func() (net.Listener, error) { return listenSocket(path) }, srv, fail), handler
}

// peer asks the kernel who is at the other end of a connection.
func peer(c net.Conn) string {
	uc, ok := c.(*net.UnixConn)
	if !ok {
		return ""
	}
	raw, err := uc.SyscallConn()
	if err != nil {
		return ""
	}
	name := ""
	_ = raw.Control(func(fd uintptr) {
		cred, err := unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED)
		if err != nil {
			return
		}
		uid := strconv.FormatUint(uint64(cred.Uid), 10)
		if u, err := user.LookupId(uid); err == nil {
			name = u.Username
		} else {
			name = "uid " + uid
		}
	})
	return name
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
		Handler: mux, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second, IdleTimeout: time.Minute,
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelWarn),
		ConnContext: func(ctx context.Context, c net.Conn) context.Context {
			return context.WithValue(ctx, peerKey{}, peer(c))
		},
	}
}

func caller(r *http.Request) workflows.Caller {
	name, _ := r.Context().Value(peerKey{}).(string)
	return workflows.Caller{Via: "cli", LocalUser: name}
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
