package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/view"
	"github.com/drbot/drbot/workflows"
)

// The requests and answers of the server's socket.
type (
	startRequest struct {
		Kind     dr.Kind   `json:"kind"`
		Service  string    `json:"service"`
		Target   dr.Region `json:"target"`
		Mode     string    `json:"mode"`
		Reason   string    `json:"reason"`
		Since    time.Time `json:"since"`
		Override bool      `json:"override"`
	}
	startAnswer struct {
		Run      dr.Run `json:"run"`
		Existing bool   `json:"existing"`
	}
	sayRequest struct {
		Run    string `json:"run"`
		Answer string `json:"answer,omitempty"`
		Digest string `json:"digest,omitempty"`
	}
	sayAnswer struct {
		Run  dr.Run  `json:"run"`
		Said dr.Text `json:"said"`
	}
	problem struct {
		Code dr.Code `json:"code"`
		What dr.Text `json:"what"`
		Next dr.Text `json:"next,omitzero"`
	}
)

// clientCommands are the verbs that people type in Slack too, and the list of runs.
func (w *world) clientCommands() []*cobra.Command {
	obey := map[string]func(*cobra.Command, map[string]string) error{
		"status": w.status, "cancel": w.cancel, "answer": w.answer,
	}
	var out []*cobra.Command
	for _, v := range w.words.Catalogue().Verbs() {
		switch do, known := obey[v.Name]; {
		case known:
			out = append(out, w.verb(v, do))
		case slices.Contains(dr.Kinds(), dr.Kind(v.Name)):
			out = append(out, w.verb(v, w.start(dr.Kind(v.Name))))
		case v.Name != "help": // cobra's own
			out = append(out, w.verb(v, func(*cobra.Command, map[string]string) error {
				return &dr.Error{Code: dr.Invalid, What: dr.T("cli.slack-only", "verb", v.Name), Next: dr.T("cli.slack-only.next")}
			}))
		}
	}
	return append(out, w.runsCommand())
}

func (w *world) start(kind dr.Kind) func(*cobra.Command, map[string]string) error {
	return func(c *cobra.Command, args map[string]string) error {
		req := startRequest{Kind: kind, Service: args["service"], Target: dr.Region(args["region"]), Mode: args["mode"],
			Reason: args["reason"], Override: args["override-cooldown"] != ""}
		if args["since"] != "" {
			// It was read as a time before: verb checks what a parameter must be.
			req.Since, _ = time.Parse(time.RFC3339, args["since"])
		}
		var ans startAnswer
		if err := w.call(c.Context(), http.MethodPost, "/v1/start", req, &ans); err != nil {
			return err
		}
		run := ans.Run
		if ans.Existing {
			return notStarted(w, ans)
		}
		return w.tell(ans, dr.T("cli.started", "run", run.Run), dr.T("cli.follow", "command", dr.Cmd("status", "service", run.Run)))
	}
}

// notStarted refuses a request whose service is held by another run: a script that asked
// for a run must not take that one for its own.
func notStarted(w *world, held startAnswer) error {
	run := held.Run
	if w.json {
		if err := w.tell(held); err != nil {
			return err
		}
	}
	return &dr.Error{Code: dr.Conflict, What: dr.T("cli.existing", "service", run.Service, "run", run.Run), Next: dr.T("command.try", "command", dr.Cmd("status", "service", run.Run))}
}

func (w *world) status(c *cobra.Command, args map[string]string) error {
	var seen workflows.Status
	q := url.Values{}
	if args["service"] != "" {
		q.Set("service", args["service"])
	}
	if err := w.call(c.Context(), http.MethodGet, "/v1/status?"+q.Encode(), nil, &seen); err != nil {
		return err
	}
	var b strings.Builder
	for _, t := range seen.Standing {
		b.WriteString(w.words.Say(t) + "\n")
	}
	switch {
	case w.json:
		return w.print(append([]dr.Run{}, seen.Runs...), "")
	case len(seen.Runs)+len(seen.Standing) == 0:
		return w.tell(nil, dr.T("cli.no-runs"))
	case len(seen.Runs) > 0:
		b.WriteString(runText(w.words, view.Run(seen.Runs[0], time.Now())))
	}
	return w.print(nil, "%s", b.String())
}

func (w *world) cancel(c *cobra.Command, args map[string]string) error {
	return w.say(c.Context(), "/v1/cancel", sayRequest{Run: args["run"]})
}

func (w *world) answer(c *cobra.Command, args map[string]string) error {
	return w.say(c.Context(), "/v1/answer", sayRequest{Run: args["run"], Answer: args["answer"], Digest: args["digest"]})
}

func (w *world) runsCommand() *cobra.Command {
	limit := count{20, mostRuns}
	c := &cobra.Command{
		Use:   "runs [SERVICE]",
		Short: w.words.Sentence(dr.T("cli.runs")),
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) > 1 {
				return misuse(dr.T("command.extra", "typed", strings.Join(args[1:], " ")), dr.T("command.try", "command", dr.Cmd("runs [SERVICE]")))
			}
			runs, err := w.list(c.Context(), strings.Join(args, ""), limit.n)
			if err != nil {
				return err
			}
			if w.json {
				return w.print(runs, "")
			}
			if len(runs) == 0 {
				return w.tell(nil, dr.T("cli.no-runs"))
			}
			var b strings.Builder
			for _, r := range runs {
				_, _ = fmt.Fprintf(&b, "%s  %-24s %-9s %s\n", r.At.UTC().Format("2006-01-02 15:04:05"), r.Run, w.words.Say(r.State.Text()), w.words.Say(r.Title()))
			}
			return w.print(nil, "%s", b.String())
		},
	}
	c.Flags().Var(&limit, "limit", w.words.Say(dr.T("cli.limit")))
	return c
}

func (w *world) list(ctx context.Context, service string, limit int) ([]dr.Run, error) {
	q := url.Values{"limit": {fmt.Sprint(limit)}}
	if service != "" {
		q.Set("service", service)
	}
	runs := []dr.Run{}
	return runs, w.call(ctx, http.MethodGet, "/v1/runs?"+q.Encode(), nil, &runs)
}

func (w *world) say(ctx context.Context, path string, req sayRequest) error {
	var ans sayAnswer
	if err := w.call(ctx, http.MethodPost, path, req, &ans); err != nil {
		return err
	}
	return w.tell(ans, dr.T("cli.said", "run", ans.Run.Run, "said", ans.Said))
}

// tell writes the one thing a command prints: v as JSON, or the texts, a line each.
func (w *world) tell(v any, lines ...dr.Text) error {
	var b strings.Builder
	for _, l := range lines {
		b.WriteString(w.words.Say(l) + "\n")
	}
	return w.print(v, "%s", b.String())
}

// print writes the one thing a command prints: v as JSON, with its texts in words beside, or the text.
func (w *world) print(v any, format string, args ...any) error {
	if w.json {
		doc, err := json.Marshal(v)
		if err != nil {
			return err
		}
		if doc, err = worded(doc, w.words.Say); err != nil {
			return err
		}
		var out bytes.Buffer
		if err := json.Indent(&out, doc, "", "  "); err != nil {
			return err
		}
		_, err = fmt.Fprintln(w.stdout, out.String())
		return err
	}
	_, err := fmt.Fprintf(w.stdout, format, args...)
	return err
}

// call speaks to the server over its socket.
func (w *world) call(ctx context.Context, method, path string, in, out any) error {
	socket := w.socket
	if socket == "" {
		cfg, err := w.load(false)
		if err != nil {
			return err
		}
		socket = cfg.Socket
	}
	var body io.Reader
	if in != nil {
		data, err := json.Marshal(in)
		if err != nil {
			return err
		}
		body = bytes.NewReader(data)
	}
	req, err := http.NewRequestWithContext(ctx, method, "http://drbot"+path, body)
	if err != nil {
		return err
	}
	c, err := (&net.Dialer{Timeout: callTimeout}).DialContext(ctx, "unix", socket)
	if err != nil {
		return w.unanswered(method, socket, err)
	}
	defer func() { _ = c.Close() }()
	defer context.AfterFunc(ctx, func() { _ = c.Close() })()
	res, err := exchange(c, req)
	if err != nil {
		return w.unanswered(method, socket, err)
	}
	defer func() { _ = res.Body.Close() }()
	dec := json.NewDecoder(io.LimitReader(res.Body, 16<<20))
	if res.StatusCode != http.StatusOK {
		var p problem
		if err := dec.Decode(&p); err != nil {
			return &dr.Error{Code: dr.Temporary, What: dr.T("cli.answered", "status", dr.Foreign(res.Status)), Next: dr.T("cli.answered.next"), Err: err}
		}
		return &dr.Error{Code: p.Code, What: p.What, Next: p.Next}
	}
	if err := dec.Decode(out); err != nil {
		return w.unanswered(method, socket, err)
	}
	return nil
}

// callTimeout is how long the server may take to answer.
const callTimeout = 30 * time.Second

// exchange sends a request and reads the answer. It is no http.Client's, which takes what
// comes before the request for nobody's: who is turned away is told so without being read.
func exchange(c net.Conn, req *http.Request) (*http.Response, error) {
	if err := c.SetDeadline(time.Now().Add(callTimeout)); err != nil {
		return nil, err
	}
	req.Close = true
	sent := req.Write(c)
	res, err := http.ReadResponse(bufio.NewReader(c), req)
	if err != nil {
		return nil, errors.Join(sent, err)
	}
	return res, nil
}

// unanswered is the error of a request without an answer. Only one that reached nobody
// has done nothing.
func (w *world) unanswered(method, socket string, err error) error {
	var op *net.OpError
	switch {
	case errors.Is(err, fs.ErrPermission) && errors.As(err, &op) && op.Op == "dial":
		return &dr.Error{Code: dr.Denied, What: dr.T("cli.no-entry", "socket", socket), Next: dr.T("cli.no-entry.next"), Err: err}
	case errors.As(err, &op) && op.Op == "dial":
		return &dr.Error{Code: dr.Temporary, What: dr.T("cli.no-server", "socket", socket), Next: dr.T("cli.no-server.next", "config", w.config), Err: err}
	case method == http.MethodGet:
		return &dr.Error{Code: dr.Temporary, What: dr.T("cli.lost-read"), Next: dr.T("cli.lost-read.next"), Err: err}
	default:
		return &dr.Error{Code: dr.Uncertain, What: dr.T("cli.lost-act"), Next: dr.T("cli.lost-act.next", "command", dr.Cmd("status")), Err: err}
	}
}
