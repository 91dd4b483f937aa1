package slack

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// What a person is told when the bot did not take a request.
const (
	errOperationTimeout = "operation_timeout"
	errDispatchFailed   = "dispatch_failed"
	errBadResponse      = "invalid_command_response"
)

// SendOption changes how a command or click reaches the bot, for tests of
// what the bot must refuse.
type SendOption func(*sendConfig)

type sendConfig struct {
	unsigned  bool
	wrongKey  bool
	age       time.Duration
	team      string
	domain    string
	blockID   string
	confirmed bool
}

// Unsigned leaves the signature headers out.
func Unsigned() SendOption { return func(c *sendConfig) { c.unsigned = true } }

// WronglySigned signs with another secret.
func WronglySigned() SendOption { return func(c *sendConfig) { c.wrongKey = true } }

// Stale signs, rightly, with a timestamp that old.
func Stale(age time.Duration) SendOption { return func(c *sendConfig) { c.age = age } }

// FromTeam makes the request come from another workspace.
func FromTeam(id, domain string) SendOption {
	return func(c *sendConfig) { c.team, c.domain = id, domain }
}

// InBlock says which block's button is meant when several share an action id.
func InBlock(id string) SendOption { return func(c *sendConfig) { c.blockID = id } }

// Confirmed answers the button's confirmation dialog with yes.
func Confirmed() SendOption { return func(c *sendConfig) { c.confirmed = true } }

func newSendConfig(opts []SendOption) sendConfig {
	var c sendConfig
	for _, o := range opts {
		o(&c)
	}
	return c
}

// sign adds Slack's v0 signature of body.
func (s *Server) sign(h http.Header, body string, c sendConfig) {
	if c.unsigned {
		return
	}
	secret := s.opts.SigningSecret
	if c.wrongKey {
		secret += "-but-not-really"
	}
	ts := strconv.FormatInt(s.opts.Clock().Add(-c.age).Unix(), 10)
	mac := hmac.New(sha256.New, []byte(secret))
	// hash.Hash promises never to return an error.
	_, _ = io.WriteString(mac, "v0:"+ts+":"+body)
	h.Set("X-Slack-Request-Timestamp", ts)
	h.Set("X-Slack-Signature", "v0="+hex.EncodeToString(mac.Sum(nil)))
}

// ack is how the bot took a request.
type ack struct {
	status   int
	ctype    string
	body     string
	took     time.Duration
	timedOut bool
}

// post sends a signed form to the bot and waits for the acknowledgement, as
// long as Slack would and no longer.
func (s *Server) post(ctx context.Context, to string, form url.Values, c sendConfig) (ack, error) {
	began := time.Now()
	ctx, cancel := context.WithTimeout(ctx, s.opts.AckTimeout)
	defer cancel()
	body := form.Encode()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, to, strings.NewReader(body))
	if err != nil {
		return ack{}, fmt.Errorf("address the bot: %w", err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Accept", "application/json,*/*")
	req.Header.Set("User-Agent", "Slackbot 1.0 (+https://api.slack.com/robots)")
	s.sign(req.Header, body, c)
	resp, err := s.http.Do(req)
	if err != nil {
		return ack{took: time.Since(began), timedOut: errors.Is(err, context.DeadlineExceeded)}, err
	}
	// Read to the end, so nothing is left to go wrong in Close.
	defer func() { _ = resp.Body.Close() }()
	raw, err := io.ReadAll(io.LimitReader(resp.Body, maxBody))
	a := ack{status: resp.StatusCode, ctype: resp.Header.Get("Content-Type"), body: string(raw), took: time.Since(began)}
	if err != nil {
		a.timedOut = errors.Is(err, context.DeadlineExceeded)
		return a, err
	}
	return a, nil
}

// told is the error a person reads, or nothing when the bot took the request.
func (a ack) told(err error) string {
	switch {
	case a.timedOut:
		return errOperationTimeout
	case err != nil, a.status < 200 || a.status > 299:
		return errDispatchFailed
	}
	return ""
}

// settle records how the bot took a request and fills in the delivery.
func (s *Server) settle(d Delivery, a ack, err error) Delivery {
	d.Status, d.Ack, d.TimedOut, d.Reply = a.status, a.took, a.timedOut, a.body
	if d.Error == "" {
		d.Error = a.told(err)
	}
	s.mu.Lock()
	s.deliveries = append(s.deliveries, d)
	s.bump()
	s.mu.Unlock()
	attrs := []any{"kind", d.Kind, "user", d.User, "channel", d.Channel, "status", d.Status, "ack", d.Ack, "error", d.Error}
	if err != nil {
		attrs = append(attrs, "cause", err)
	}
	s.opts.Logger.Debug("slack delivery", attrs...)
	return d
}
