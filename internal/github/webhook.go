package github

import (
	"bytes"
	"cmp"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"regexp"
	"strings"
	"time"

	"golang.org/x/time/rate"

	"github.com/drbot/drbot/dr"
)

const (
	defaultMaxWebhook = 25 << 20 // GitHub sends no larger ones
	// bodiesAtOnce bounds the memory that senders can take who have proved nothing yet.
	bodiesAtOnce = 4
	// bodyWait is how long a delivery waits for room. GitHub gives up after 10 s.
	bodyWait = 5 * time.Second
	// bodyTime is how long a small body may take to be all there: who sends it slowly must not
	// keep the room from others. bodyWait is longer, so that who waits behind such gets its turn.
	bodyTime = 2 * time.Second
	// smallBody is what is hashed for anybody. Of larger ones so many may turn out to be
	// nobody's, and one more each while; then no more are read until that is over. A genuine
	// one that is refused so costs a look that comes 15 s later.
	smallBody   = 256 << 10
	wastedBurst = 10
	wastedEvery = 10 * time.Second
)

// Nudge says that something about a pull request, or a whole repository when
// Number is zero, may be new. It carries no decision: whoever gets it reads GitHub.
type Nudge struct {
	Repo   string // owner/name
	Number int    // of the pull request; 0 when the event names none
	Kind   string // the event: pull_request, pull_request_review, issue_comment, push, status
	Branch string // that was pushed to; empty for a tag and for every other event
}

// WebhookOptions says what a webhook handler checks and whom it tells.
type WebhookOptions struct {
	Secret []byte
	// Seen records a delivery and tells whether it was new. It gets a name of what was
	// signed: the delivery's id is not, so anybody who has seen one could send it again
	// under as many ids as they like.
	Seen func(ctx context.Context, signed string) (fresh bool, err error)
	// Nudge must not block: GitHub waits for the answer for 10 seconds.
	Nudge func(ctx context.Context, n Nudge)
	// Idle tells of news that lead to nothing, whoever sends how many of them: they are not
	// even recorded. Nil: none do.
	Idle    func(n Nudge) bool
	MaxBody int64 // 25 MiB when zero
	Logger  *slog.Logger
}

// Webhook takes GitHub's deliveries and turns them into nudges.
type Webhook struct {
	secret  []byte
	seen    func(ctx context.Context, signed string) (bool, error)
	nudge   func(ctx context.Context, n Nudge)
	idle    func(n Nudge) bool
	maxBody int64
	room    chan struct{}
	wasted  *rate.Limiter // large bodies that were read for nothing
	log     *slog.Logger
}

// NewWebhook makes the handler; without a secret it refuses, since anybody could
// speak in GitHub's name.
func NewWebhook(o WebhookOptions) (*Webhook, error) {
	if len(o.Secret) == 0 {
		return nil, &dr.Error{Code: dr.Invalid, What: dr.T("github.webhook.no-secret"), Next: dr.T("github.webhook.no-secret.next")}
	}
	if o.Seen == nil || o.Nudge == nil {
		return nil, &dr.Error{Code: dr.Invalid, What: dr.T("github.webhook.incomplete")}
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return &Webhook{
		secret: append([]byte(nil), o.Secret...), seen: o.Seen, nudge: o.Nudge, idle: o.Idle,
		maxBody: cmp.Or(o.MaxBody, defaultMaxWebhook), room: make(chan struct{}, bodiesAtOnce), wasted: rate.NewLimiter(rate.Every(wastedEvery), wastedBurst), log: o.Logger,
	}, nil
}

// refusal is an answer other than 2xx.
type refusal struct {
	code int
	text string
}

// ServeHTTP implements http.Handler.
func (h *Webhook) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	given, no := proof(w, r)
	if no != nil {
		h.refuse(w, r, no)
		return
	}
	if no := h.enter(r.Context()); no != nil {
		w.Header().Set("Retry-After", "10")
		h.refuse(w, r, no)
		return
	}
	defer func() { <-h.room }()
	body, no := h.authentic(w, r, given)
	if no != nil {
		h.refuse(w, r, no)
		return
	}
	delivery, event := r.Header.Get("X-GitHub-Delivery"), r.Header.Get("X-GitHub-Event")
	switch {
	case delivery == "" || len(delivery) > 200:
		h.refuse(w, r, &refusal{http.StatusBadRequest, "X-GitHub-Delivery is missing or no id"})
	case event == "":
		h.refuse(w, r, &refusal{http.StatusBadRequest, "X-GitHub-Event is missing"})
	case event == "ping":
		answer(w, http.StatusOK, "pong")
	case !known(event):
		answer(w, http.StatusAccepted, "not an event drbot listens to")
	default:
		h.take(w, r, hex.EncodeToString(given), event, body)
	}
}

// proof is the signature that a request claims. Without one its body is not even read.
func proof(w http.ResponseWriter, r *http.Request) ([]byte, *refusal) {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		return nil, &refusal{http.StatusMethodNotAllowed, "webhooks come by POST"}
	}
	given, ok := strings.CutPrefix(r.Header.Get("X-Hub-Signature-256"), "sha256=")
	if !ok {
		text := "X-Hub-Signature-256 is required: set a secret for the webhook"
		if r.Header.Get("X-Hub-Signature") != "" {
			text = "a SHA-1 signature alone is not accepted: X-Hub-Signature-256 is required"
		}
		return nil, &refusal{http.StatusUnauthorized, text}
	}
	sum, err := hex.DecodeString(given)
	if err != nil || len(sum) != sha256.Size {
		return nil, noMatch()
	}
	return sum, nil
}

func noMatch() *refusal {
	return &refusal{http.StatusUnauthorized, "the signature does not match: is the secret the same on both sides?"}
}

// enter waits for room for a body.
func (h *Webhook) enter(ctx context.Context) *refusal {
	limit := time.NewTimer(bodyWait)
	defer limit.Stop()
	select {
	case h.room <- struct{}{}:
		return nil
	case <-ctx.Done():
	case <-limit.C:
	}
	return &refusal{http.StatusServiceUnavailable, "too many deliveries at once; deliver it again"}
}

// authentic proves that a body is GitHub's: it is hashed as it comes in. Nothing of the
// request is decoded, believed or remembered before.
func (h *Webhook) authentic(w http.ResponseWriter, r *http.Request, given []byte) ([]byte, *refusal) {
	tooLong := &refusal{http.StatusRequestEntityTooLarge, "the body is too long"}
	if r.ContentLength > h.maxBody {
		return nil, tooLong
	}
	large := r.ContentLength < 0 || r.ContentLength > smallBody
	if large && h.wasted.Tokens() < 1 {
		w.Header().Set("Retry-After", "60")
		return nil, &refusal{http.StatusTooManyRequests, "too many large deliveries were not signed; deliver it again"}
	}
	if !large {
		// Of a connection that knows no time limits the server's own holds.
		conn := http.NewResponseController(w)
		_ = conn.SetReadDeadline(time.Now().Add(bodyTime))
		defer func() { _ = conn.SetReadDeadline(time.Time{}) }()
	}
	mac := hmac.New(sha256.New, h.secret)
	var body bytes.Buffer
	_, err := io.Copy(io.MultiWriter(mac, &body), http.MaxBytesReader(w, r.Body, h.maxBody))
	if limit := (*http.MaxBytesError)(nil); errors.As(err, &limit) {
		return nil, tooLong
	}
	if err != nil {
		return nil, &refusal{http.StatusBadRequest, "the body could not be read"}
	}
	if !hmac.Equal(given, mac.Sum(nil)) {
		if large {
			h.wasted.Allow()
		}
		return nil, noMatch()
	}
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		return nil, &refusal{http.StatusUnsupportedMediaType, "set the webhook's content type to application/json"}
	}
	return body.Bytes(), nil
}

func known(event string) bool {
	switch event {
	case "pull_request", "pull_request_review", "issue_comment", "push", "status":
		return true
	}
	return false
}

// take hands a genuine event on, once.
func (h *Webhook) take(w http.ResponseWriter, r *http.Request, signed, event string, body []byte) {
	n, err := parse(event, body)
	if err != nil {
		h.refuse(w, r, &refusal{http.StatusBadRequest, err.Error()})
		return
	}
	if h.idle != nil && h.idle(n) {
		answer(w, http.StatusOK, "nothing to look at")
		return
	}
	fresh, err := h.seen(r.Context(), signed)
	switch {
	case err != nil:
		// Not recorded and not handed on; the run looks at GitHub by itself anyway.
		h.log.ErrorContext(r.Context(), "webhook delivery could not be recorded", "delivery", r.Header.Get("X-GitHub-Delivery"), "error", err)
		answer(w, http.StatusServiceUnavailable, "could not be recorded; deliver it again")
	case !fresh:
		answer(w, http.StatusOK, "known")
	default:
		h.nudge(r.Context(), n)
		answer(w, http.StatusOK, "ok")
	}
}

// fullName is owner/name as GitHub allows them.
var fullName = regexp.MustCompile(`^[A-Za-z0-9_-]{1,39}/[A-Za-z0-9._-]{1,100}$`)

func parse(event string, body []byte) (Nudge, error) {
	var p struct {
		Ref        string `json:"ref"`
		Repository *struct {
			FullName string `json:"full_name"`
		} `json:"repository"`
		PullRequest *struct {
			Number int `json:"number"`
		} `json:"pull_request"`
		Issue *struct {
			Number      int             `json:"number"`
			PullRequest json.RawMessage `json:"pull_request"`
		} `json:"issue"`
	}
	if err := json.Unmarshal(body, &p); err != nil {
		return Nudge{}, errors.New("the body is not the JSON of an event")
	}
	if p.Repository == nil || !fullName.MatchString(p.Repository.FullName) {
		return Nudge{}, errors.New("the event names no repository")
	}
	n := Nudge{Repo: p.Repository.FullName, Kind: event}
	if branch, ok := strings.CutPrefix(p.Ref, "refs/heads/"); ok && event == "push" {
		n.Branch = branch
	}
	switch {
	case p.PullRequest != nil:
		n.Number = p.PullRequest.Number
	case p.Issue != nil && len(p.Issue.PullRequest) > 0:
		n.Number = p.Issue.Number
	}
	n.Number = max(n.Number, 0) // what names no pull request is about the repository
	return n, nil
}

func (h *Webhook) refuse(w http.ResponseWriter, r *http.Request, no *refusal) {
	h.log.WarnContext(r.Context(), "webhook refused", "status", no.code, "reason", no.text, "remote", r.RemoteAddr)
	http.Error(w, no.text, no.code)
}

func answer(w http.ResponseWriter, code int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(code)
	// A caller that does not wait for the words has lost nothing.
	_, _ = io.WriteString(w, text+"\n")
}
