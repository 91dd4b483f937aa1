package slack

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"strings"
)

// state is the part of the page that changes, ready to be put in its place.
type state struct {
	Rev      int    `json:"rev"`
	Channels string `json:"channels"`
	Messages string `json:"messages"`
	Thread   string `json:"thread"`
}

func (s *Server) serveState(w http.ResponseWriter, r *http.Request) {
	v := s.pageView(r)
	st := state{Rev: v.Rev}
	parts := []struct {
		name string
		into *string
		data any
	}{
		{"channels", &st.Channels, v}, {"messages", &st.Messages, v.Messages}, {"thread", &st.Thread, v.Thread},
	}
	for _, p := range parts {
		var out bytes.Buffer
		if err := s.page.render(&out, p.name, p.data); err != nil {
			s.opts.Logger.ErrorContext(r.Context(), "slack page", "error", err)
			http.Error(w, "the page could not be rendered", http.StatusInternalServerError)
			return
		}
		*p.into = out.String()
	}
	writeJSON(w, http.StatusOK, st)
}

// serveEvents tells the page, as server-sent events, that something changed.
func (s *Server) serveEvents(w http.ResponseWriter, r *http.Request) {
	flush := http.NewResponseController(w)
	w.Header().Set("Content-Type", "text/event-stream")
	rev := -1 // the first wait returns at once, so the page can catch up
	for {
		var err error
		if rev, err = s.waitChange(r.Context(), rev); err != nil {
			return
		}
		if _, err := fmt.Fprintf(w, "data: %d\n\n", rev); err != nil {
			return
		}
		if flush.Flush() != nil {
			return
		}
	}
}

// pageRequest is what the page posts.
type pageRequest struct {
	Persona   string `json:"persona"`
	Channel   string `json:"channel"`
	Thread    string `json:"thread"`
	Line      string `json:"line"`
	TS        string `json:"ts"`
	Block     string `json:"block"`
	Action    string `json:"action"`
	Confirmed bool   `json:"confirmed"`
}

// outcome is what the page shows after a command or click.
type outcome struct {
	OK    bool   `json:"ok"`
	Error string `json:"error,omitempty"`
	AckMS int64  `json:"ack_ms"`
}

func readPageRequest(w http.ResponseWriter, r *http.Request) (pageRequest, error) {
	var req pageRequest
	if ctype, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); ctype != "application/json" {
		return req, errors.New("want application/json")
	}
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody)).Decode(&req); err != nil {
		return req, fmt.Errorf("read request: %w", err)
	}
	return req, nil
}

// serveCommand takes what a persona typed: a slash command, or words.
func (s *Server) serveCommand(w http.ResponseWriter, r *http.Request) {
	req, err := readPageRequest(w, r)
	if err != nil {
		writeJSON(w, http.StatusBadRequest, outcome{Error: err.Error()})
		return
	}
	line := strings.TrimSpace(req.Line)
	if line == "" {
		writeJSON(w, http.StatusBadRequest, outcome{Error: "type something first"})
		return
	}
	if !strings.HasPrefix(line, "/") || req.Thread != "" {
		_, err = s.Say(req.Persona, req.Channel, line, req.Thread)
		writeOutcome(w, Delivery{}, err)
		return
	}
	d, err := s.Command(r.Context(), req.Persona, req.Channel, line)
	writeOutcome(w, d, err)
}

func (s *Server) serveClick(w http.ResponseWriter, r *http.Request) {
	req, err := readPageRequest(w, r)
	if err != nil {
		writeJSON(w, http.StatusBadRequest, outcome{Error: err.Error()})
		return
	}
	opts := []SendOption{InBlock(req.Block)}
	if req.Confirmed {
		opts = append(opts, Confirmed())
	}
	d, err := s.Click(r.Context(), req.Persona, req.Channel, req.TS, req.Action, opts...)
	writeOutcome(w, d, err)
}

func writeOutcome(w http.ResponseWriter, d Delivery, err error) {
	switch {
	case errors.Is(err, ErrNeedsConfirmation):
		writeJSON(w, http.StatusConflict, outcome{Error: err.Error()})
	case err != nil:
		writeJSON(w, http.StatusUnprocessableEntity, outcome{Error: err.Error()})
	default:
		writeJSON(w, http.StatusOK, outcome{OK: d.Error == "", Error: d.Error, AckMS: d.Ack.Milliseconds()})
	}
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	body, err := json.Marshal(v)
	if err != nil {
		http.Error(w, "encode answer", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	// A browser that went away needs no answer.
	_, _ = w.Write(body)
}
