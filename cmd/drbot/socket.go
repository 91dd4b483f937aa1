package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

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
		return nil, fmt.Errorf("make the socket's folder: %w", err)
	}
	// The executor's lock is held, so a socket that is there belongs to nobody.
	if err := os.Remove(path); err != nil && !os.IsNotExist(err) {
		return nil, fmt.Errorf("remove the old socket: %w", err)
	}
	l, err := net.Listen("unix", path)
	if err != nil {
		return nil, fmt.Errorf("listen on the socket: %w", err)
	}
	if err := os.Chmod(path, 0o666); err != nil {
		return nil, fmt.Errorf("open the socket to the host's users: %w", err)
	}
	return l, nil
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
func socketServer(e *workflows.Engine, log *slog.Logger) *http.Server {
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
			run, said, err := e.Answer(ctx, c, req.Run, 0, req.Answer)
			return sayAnswer{run, said}, err
		})
	})
	mux.HandleFunc("GET /v1/runs", func(w http.ResponseWriter, r *http.Request) {
		limit, err := strconv.Atoi(r.URL.Query().Get("limit"))
		if err != nil || limit < 1 || limit > 1000 {
			limit = 20
		}
		runs, err := e.Status(r.Context(), caller(r), r.URL.Query().Get("service"), limit)
		if runs == nil {
			runs = []dr.Run{}
		}
		answer(w, r, log, runs, err)
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
		answer(w, r, log, nil, &dr.Error{Code: dr.Invalid, Msg: "the request cannot be read; is the command line as new as the server?", Err: err})
		return
	}
	out, err := do(r.Context(), caller(r), in)
	answer(w, r, log, out, err)
}

func answer(w http.ResponseWriter, r *http.Request, log *slog.Logger, v any, err error) {
	w.Header().Set("Content-Type", "application/json")
	if err != nil {
		log.WarnContext(r.Context(), "request refused", "path", r.URL.Path, "who", caller(r).LocalUser, "error", err)
		msg, hint := dr.Public(err, "something went wrong in the server; its log has it.")
		w.WriteHeader(http.StatusUnprocessableEntity)
		v = problem{Code: dr.CodeOf(err), Msg: msg, Hint: hint}
	}
	if err := json.NewEncoder(w).Encode(v); err != nil {
		log.WarnContext(r.Context(), "an answer was not delivered", "path", r.URL.Path, "error", err)
	}
}
