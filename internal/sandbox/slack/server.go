// Package slack is a local Slack: the Web API, slash commands, block actions
// and a page for people, speaking the real routes, payloads and limits, so
// that a bot built on a real Slack client runs unchanged against it.
//
// It is strict on purpose. What Slack refuses it refuses, with Slack's own
// error strings, because a stand-in that forgives proves nothing.
package slack

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"
)

// Server is one Slack workspace with one app installed. It is safe for
// concurrent use and implements http.Handler.
type Server struct {
	opts Options
	mux  *http.ServeMux
	page *pageRenderer
	http *http.Client

	mu         sync.Mutex
	changed    *sync.Cond // on mu; broadcast whenever rev grows
	rev        int
	closed     chan struct{}
	baseURL    string
	commandURL string
	actionURL  string

	channels   []*Channel
	personas   map[string]Persona
	messages   []*Message // every channel, replies and ephemerals included, oldest first
	lastTS     int64
	nextID     int
	buckets    map[string]*bucket
	faults     []*Injected
	rewrites   []*rewrite
	calls      []Call
	deliveries []Delivery
	views      []View
	triggers   map[string]*trigger
	responses  map[string]*responseURL
}

// New returns a workspace as opts describes it. The caller serves it over HTTP
// and calls Close when done.
func New(opts Options) *Server {
	o := opts.withDefaults()
	s := &Server{
		opts:       o,
		http:       &http.Client{CheckRedirect: refuseRedirect},
		closed:     make(chan struct{}),
		baseURL:    strings.TrimSuffix(o.BaseURL, "/"),
		commandURL: o.CommandURL,
		actionURL:  o.InteractionURL,
		personas:   map[string]Persona{},
		buckets:    map[string]*bucket{},
		triggers:   map[string]*trigger{},
		responses:  map[string]*responseURL{},
	}
	s.changed = sync.NewCond(&s.mu)
	for _, c := range o.Channels {
		s.channels = append(s.channels, &c)
	}
	for _, p := range o.Personas {
		s.personas[p.ID] = p
	}
	s.page = newPageRenderer()
	s.mux = s.routes()
	return s
}

// refuseRedirect makes a redirect from the bot a plain answer: Slack does not follow it.
func refuseRedirect(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

func (s *Server) routes() *http.ServeMux {
	mux := http.NewServeMux()
	mux.HandleFunc("/api/{method}", s.serveAPI)
	mux.HandleFunc("POST /response/{token}", s.serveResponse)
	mux.HandleFunc("GET /{$}", s.guard(s.servePage))
	mux.HandleFunc("GET /_sandbox/assets/{name}", s.guard(s.serveAsset))
	mux.HandleFunc("GET /_sandbox/state", s.guard(s.serveState))
	mux.HandleFunc("GET /_sandbox/events", s.guard(s.serveEvents))
	mux.HandleFunc("POST /_sandbox/command", s.guard(s.serveCommand))
	mux.HandleFunc("POST /_sandbox/click", s.guard(s.serveClick))
	return mux
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.mux.ServeHTTP(w, r) }

// Close lets go of everything that hangs: held calls, event streams, waiters.
func (s *Server) Close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	select {
	case <-s.closed:
	default:
		close(s.closed)
	}
	s.bump()
}

// SetBaseURL says how the bot and the browser reach this server, once the
// listener knows. Response URLs are built on it.
func (s *Server) SetBaseURL(u string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.baseURL = strings.TrimSuffix(u, "/")
}

// SetBotURLs says where slash commands and interactions are posted.
func (s *Server) SetBotURLs(command, interaction string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.commandURL, s.actionURL = command, interaction
}

// bump records that something visible changed. The caller holds mu.
func (s *Server) bump() {
	s.rev++
	s.changed.Broadcast()
}

var errClosed = errors.New("sandbox slack is closed")

// waitChange blocks until the revision differs from seen and returns the new one.
func (s *Server) waitChange(ctx context.Context, seen int) (int, error) {
	// A condition variable knows no context, so its end is one more broadcast.
	stop := context.AfterFunc(ctx, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.changed.Broadcast()
	})
	defer stop()
	s.mu.Lock()
	defer s.mu.Unlock()
	for s.rev == seen {
		if err := ctx.Err(); err != nil {
			return seen, err
		}
		if s.isClosed() {
			return seen, errClosed
		}
		s.changed.Wait()
	}
	return s.rev, nil
}

func (s *Server) isClosed() bool {
	select {
	case <-s.closed:
		return true
	default:
		return false
	}
}

// newID returns an id no other object of this server has. The caller holds mu.
func (s *Server) newID(prefix string) string {
	s.nextID++
	return fmt.Sprintf("%s%08X", prefix, s.nextID)
}

// newTS returns a message timestamp: unique, increasing, never before the clock.
// The caller holds mu.
func (s *Server) newTS() string {
	now := s.opts.Clock().UnixMicro()
	// Two messages of one instant differ by 100, as Slack's own counters do.
	s.lastTS = max(now, s.lastTS+100)
	return formatTS(s.lastTS)
}

func formatTS(micros int64) string {
	return fmt.Sprintf("%d.%06d", micros/1e6, micros%1e6)
}

// channel finds a conversation by id. The caller holds mu.
func (s *Server) channel(id string) *Channel {
	for _, c := range s.channels {
		if c.ID == id {
			return c
		}
	}
	return nil
}

// persona finds who may act as id, the bot included. The caller holds mu.
func (s *Server) persona(id string) (Persona, bool) {
	if id == s.opts.BotUserID {
		return Persona{ID: id, Name: s.opts.BotName, RealName: s.opts.BotName, Bot: true}, true
	}
	p, ok := s.personas[id]
	return p, ok
}

// teamOf returns the workspace a persona belongs to.
func (s *Server) teamOf(p Persona) (id, domain string) {
	if p.TeamID == "" {
		return s.opts.TeamID, s.opts.TeamDomain
	}
	if p.TeamDomain == "" {
		return p.TeamID, strings.ToLower(p.TeamID)
	}
	return p.TeamID, p.TeamDomain
}

// after is time.After that the owner can stop early.
func after(d time.Duration) (<-chan time.Time, func()) {
	t := time.NewTimer(d)
	return t.C, func() { t.Stop() }
}
