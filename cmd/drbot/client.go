package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/internal/config"
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
	}
	sayAnswer struct {
		Run  dr.Run `json:"run"`
		Said string `json:"said"`
	}
	problem struct {
		Code dr.Code `json:"code"`
		Msg  string  `json:"msg"`
		Hint string  `json:"hint,omitempty"`
	}
)

func (w *world) clientCommands() []*cobra.Command {
	return []*cobra.Command{
		w.startCommand(dr.Failover), w.startCommand(dr.Failback),
		w.statusCommand(), w.runsCommand(), w.cancelCommand(), w.answerCommand(),
	}
}

func (w *world) startCommand(kind dr.Kind) *cobra.Command {
	var req startRequest
	var to, since string
	c := &cobra.Command{
		Use:   string(kind) + " SERVICE --to REGION --mode planned|disaster --reason TEXT",
		Short: "Ask for a " + string(kind),
		RunE: func(c *cobra.Command, args []string) error {
			self := "drbot " + string(kind)
			if len(args) != 1 {
				return misuse("which service?", self+" SERVICE --to REGION --mode planned|disaster --reason TEXT")
			}
			req.Kind, req.Service, req.Target = kind, args[0], dr.Region(to)
			switch {
			case to == "":
				return misuse("to which Region?", self+" "+args[0]+" --to REGION --mode planned|disaster --reason TEXT")
			case req.Mode == "":
				return misuse("which mode? planned loses nothing and needs both Regions, disaster accepts data loss.", self+" "+args[0]+" --to "+to+" --mode planned|disaster --reason TEXT")
			case strings.TrimSpace(req.Reason) == "":
				return misuse("a reason is required; the approvers will read it.", self+" "+args[0]+" --to "+to+" --mode "+req.Mode+" --reason TEXT")
			}
			if since != "" {
				t, err := time.Parse(time.RFC3339, since)
				if err != nil {
					return misuse(fmt.Sprintf("%q is not a time.", since), self+" ... --since 2026-01-31T03:12:00Z")
				}
				req.Since = t
			}
			var ans startAnswer
			if err := w.call(c.Context(), http.MethodPost, "/v1/start", req, &ans); err != nil {
				return err
			}
			if ans.Existing {
				return w.print(ans, "%s is being moved already, by run %s\n", ans.Run.Service, ans.Run.Run)
			}
			return w.print(ans, "run %s has started\nfollow it with: drbot status %s\n", ans.Run.Run, ans.Run.Service)
		},
	}
	c.Flags().StringVar(&to, "to", "", "the Region to go to")
	c.Flags().StringVar(&req.Mode, "mode", "", "planned or disaster")
	c.Flags().StringVar(&req.Reason, "reason", "", "why; the approvers read it")
	c.Flags().StringVar(&since, "since", "", "when the trouble began (RFC 3339); the RTO counts from it")
	c.Flags().BoolVar(&req.Override, "override-cooldown", false, "although the last failover is not long ago; shown to the approvers")
	return c
}

func (w *world) statusCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "status [SERVICE]",
		Short: "Show the newest run with its steps",
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) > 1 {
				return misuse("one service at most.", "drbot status [SERVICE]")
			}
			runs, err := w.list(c.Context(), args, 1)
			if err != nil {
				return err
			}
			if w.json {
				return w.print(runs, "")
			}
			if len(runs) == 0 {
				return w.print(nil, "no runs yet\n")
			}
			return w.print(nil, "%s", runText(runs[0]))
		},
	}
}

func (w *world) runsCommand() *cobra.Command {
	var limit int
	c := &cobra.Command{
		Use:   "runs [SERVICE]",
		Short: "List runs, newest first",
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) > 1 {
				return misuse("one service at most.", "drbot runs [SERVICE]")
			}
			runs, err := w.list(c.Context(), args, limit)
			if err != nil {
				return err
			}
			if w.json {
				return w.print(runs, "")
			}
			var b strings.Builder
			for _, r := range runs {
				_, _ = fmt.Fprintf(&b, "%s  %-24s %-9s %s to %s, %s\n", r.At.UTC().Format("2006-01-02 15:04:05"), r.Run, r.State, r.Kind, r.Target, r.Mode)
			}
			return w.print(nil, "%s", b.String())
		},
	}
	c.Flags().IntVar(&limit, "limit", 20, "how many")
	return c
}

func (w *world) list(ctx context.Context, args []string, limit int) ([]dr.Run, error) {
	q := url.Values{"limit": {fmt.Sprint(limit)}}
	if len(args) == 1 {
		q.Set("service", args[0])
	}
	runs := []dr.Run{}
	return runs, w.call(ctx, http.MethodGet, "/v1/runs?"+q.Encode(), nil, &runs)
}

// runText is a run as the terminal shows it.
func runText(r dr.Run) string {
	var b strings.Builder
	_, _ = fmt.Fprintf(&b, "%s: %s %s from %s to %s, %s\n", r.Run, r.Kind, r.Service, r.Source, r.Target, r.Mode)
	_, _ = fmt.Fprintf(&b, "%s, requested by %s %s: %s\n", r.State, r.Requester, r.At.UTC().Format(time.RFC3339), r.Reason)
	if r.Change.URL != "" {
		_, _ = fmt.Fprintf(&b, "change %s\n", r.Change.URL)
	}
	for _, s := range r.Steps {
		took := ""
		if !s.Started.IsZero() && !s.Ended.IsZero() {
			took = dr.Human(s.Took(s.Ended))
		}
		_, _ = fmt.Fprintf(&b, "  %-8s %-28s %8s  %s\n", s.State, s.Name, took, s.Detail)
	}
	if r.State == dr.RunWaiting {
		for _, reason := range r.Approval.Reasons {
			_, _ = fmt.Fprintf(&b, "%s\n", reason)
		}
	}
	if r.Outcome != "" {
		_, _ = fmt.Fprintf(&b, "%s\n", r.Outcome)
	}
	if r.Hint != "" {
		_, _ = fmt.Fprintf(&b, "try: %s\n", forShell(r.Hint))
	}
	if r.Question != nil {
		_, _ = fmt.Fprintf(&b, "%s\nanswer with: drbot answer %s %s\n", r.Question.Means, r.Run, strings.Join(r.Question.Answers, "|"))
	}
	if r.Result != nil {
		_, _ = fmt.Fprintf(&b, "RTA %s of RTO %s\n", r.Result.Took(), dr.Human(r.Result.RTO))
	}
	return b.String()
}

func (w *world) cancelCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "cancel RUN",
		Short: "End a run before its merge",
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) != 1 {
				return misuse("which run?", "drbot runs lists them; then drbot cancel RUN")
			}
			return w.say(c.Context(), "/v1/cancel", sayRequest{Run: args[0]})
		},
	}
}

func (w *world) answerCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "answer RUN retry|skip|stop",
		Short: "Answer a paused run",
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) != 2 {
				return misuse("which run, and which answer?", "drbot answer RUN retry|skip|stop")
			}
			return w.say(c.Context(), "/v1/answer", sayRequest{Run: args[0], Answer: args[1]})
		},
	}
}

func (w *world) say(ctx context.Context, path string, req sayRequest) error {
	var ans sayAnswer
	if err := w.call(ctx, http.MethodPost, path, req, &ans); err != nil {
		return err
	}
	return w.print(ans, "%s: %s\n", ans.Run.Run, ans.Said)
}

// print writes the one thing a command prints: v as JSON, or the text.
func (w *world) print(v any, format string, args ...any) error {
	if w.json {
		enc := json.NewEncoder(w.stdout)
		enc.SetIndent("", "  ")
		return enc.Encode(v)
	}
	_, err := fmt.Fprintf(w.stdout, format, args...)
	return err
}

// call speaks to the server over its socket.
func (w *world) call(ctx context.Context, method, path string, in, out any) error {
	socket := w.socket
	if socket == "" {
		cfg, err := config.Load(w.config, w.getenv, false)
		if err != nil {
			return err
		}
		socket = cfg.Socket
	}
	client := &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "unix", socket)
		},
	}}
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
	res, err := client.Do(req)
	if err != nil {
		return &dr.Error{Code: dr.Temporary, Msg: "no drbot server answers at " + socket + ".", Hint: "start it with: drbot serve --config " + w.config, Err: errors.Unwrap(err)}
	}
	defer func() { _ = res.Body.Close() }()
	dec := json.NewDecoder(io.LimitReader(res.Body, 16<<20))
	if res.StatusCode != http.StatusOK {
		var p problem
		if err := dec.Decode(&p); err != nil {
			return fmt.Errorf("the server answered %s", res.Status)
		}
		return &dr.Error{Code: p.Code, Msg: p.Msg, Hint: p.Hint}
	}
	return dec.Decode(out)
}
