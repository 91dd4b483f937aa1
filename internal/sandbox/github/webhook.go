package github

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash"
	"io"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// deliveryTimeout is how long GitHub waits for an answer. It does not try again.
const deliveryTimeout = 10 * time.Second

// Signing is how deliveries are signed.
type Signing int

// The ways a delivery can be signed. Only the first is what GitHub does.
const (
	Signed         Signing = iota // X-Hub-Signature-256 and X-Hub-Signature
	Unsigned                      // neither header
	SHA1Only                      // only the old header
	WrongSignature                // both headers, made with another secret
)

// WebhookFaults bends what is sent from now on.
type WebhookFaults struct {
	Signing Signing
	Copies  int  // how many more times each delivery is sent, with the same id
	Lost    bool // deliveries are recorded and never sent
}

// Delivery is one event sent, or meant to be sent, to the webhook.
type Delivery struct {
	ID          int64
	GUID        string // X-GitHub-Delivery; a redelivery keeps it
	Event       string
	Action      string
	At          time.Time
	Duration    time.Duration
	Redelivery  bool
	Done        bool
	Status      int    // 0 when there was no answer
	Err         string // why not
	Request     http.Header
	Payload     []byte
	Response    http.Header
	ResponseRaw []byte
}

// hook is the one webhook of the repository.
type hook struct {
	id     int64
	client *http.Client

	mu         sync.Mutex
	url        string
	secret     string
	faults     WebhookFaults
	deliveries []*Delivery
}

func newHook(id int64, url, secret string) *hook {
	return &hook{id: id, url: url, secret: secret, client: &http.Client{
		Timeout:       deliveryTimeout,
		Transport:     &http.Transport{Proxy: nil, MaxIdleConnsPerHost: 4, IdleConnTimeout: 30 * time.Second},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// SetWebhook says where deliveries go and with which secret they are signed, and sends a ping.
func (s *Server) SetWebhook(url, secret string) {
	s.hook.mu.Lock()
	s.hook.url, s.hook.secret = url, secret
	s.hook.mu.Unlock()
	s.Ping()
}

// SetWebhookFaults bends later deliveries; the zero value makes them right again.
func (s *Server) SetWebhookFaults(f WebhookFaults) {
	s.hook.mu.Lock()
	defer s.hook.mu.Unlock()
	s.hook.faults = f
}

// Ping sends the event GitHub sends when a webhook is made.
func (s *Server) Ping() {
	defer s.lock()()
	s.send("ping", "", struct {
		Zen    string         `json:"zen"`
		HookID int64          `json:"hook_id"`
		Hook   map[string]any `json:"hook"`
		envelope
	}{"Design for failure.", s.hook.id, s.hookPayload(), s.envelope(s.order[0])})
}

// Emit sends any event with any payload, for what the server never sends by itself.
func (s *Server) Emit(event string, payload any) {
	defer s.lock()()
	s.send(event, "", payload)
}

// send records an event and delivers it in the background. It is called under the lock, so that the payload is of
// one piece; the delivery itself holds no lock, so deliveries may overtake one another, as on GitHub.
func (s *Server) send(event, action string, payload any) {
	body, err := json.Marshal(payload)
	if err != nil {
		s.log.Error("webhook payload", "event", event, "err", err)
		return
	}
	d := &Delivery{ID: s.newID(), GUID: newGUID(), Event: event, Action: action, At: s.now(), Payload: body}
	s.dispatch(d)
}

func (s *Server) dispatch(d *Delivery) {
	h := s.hook
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.url == "" || s.stopped.Err() != nil {
		return
	}
	d.Request = h.headers(d)
	h.deliveries = append(h.deliveries, d)
	if h.faults.Lost {
		d.Done, d.Err = true, "lost on purpose"
		s.watch.notify()
		return
	}
	url := h.url
	for i := 0; i <= h.faults.Copies; i++ {
		s.sending.Add(1)
		go func() {
			defer s.sending.Done()
			s.deliver(url, d)
		}()
	}
}

func (h *hook) headers(d *Delivery) http.Header {
	hd := http.Header{}
	hd.Set("Content-Type", "application/json")
	hd.Set("User-Agent", "GitHub-Hookshot/sandbox")
	hd.Set("Accept", "*/*")
	hd.Set("X-GitHub-Event", d.Event)
	hd.Set("X-GitHub-Delivery", d.GUID)
	hd.Set("X-GitHub-Hook-ID", itoa(h.id))
	hd.Set("X-GitHub-Hook-Installation-Target-Type", "repository")
	secret := h.secret
	if h.faults.Signing == WrongSignature {
		secret += "-of-somebody-else"
	}
	if secret == "" || h.faults.Signing == Unsigned {
		return hd
	}
	hd.Set("X-Hub-Signature", "sha1="+mac(sha1.New, secret, d.Payload))
	if h.faults.Signing != SHA1Only {
		hd.Set("X-Hub-Signature-256", "sha256="+mac(sha256.New, secret, d.Payload))
	}
	return hd
}

func mac(h func() hash.Hash, secret string, body []byte) string {
	m := hmac.New(h, []byte(secret))
	m.Write(body)
	return hex.EncodeToString(m.Sum(nil))
}

func (s *Server) deliver(url string, d *Delivery) {
	start := time.Now()
	status, header, body, err := s.post(url, d)
	s.hook.mu.Lock()
	d.Done, d.Duration = true, time.Since(start)
	d.Status, d.Response, d.ResponseRaw = status, header, body
	d.Err = ""
	if err != nil {
		d.Err = err.Error()
	}
	s.hook.mu.Unlock()
	s.watch.notify()
}

func (s *Server) post(url string, d *Delivery) (int, http.Header, []byte, error) {
	ctx, cancel := context.WithTimeout(s.stopped, deliveryTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(d.Payload))
	if err != nil {
		return 0, nil, nil, err
	}
	req.Header = d.Request.Clone()
	resp, err := s.hook.client.Do(req)
	if err != nil {
		return 0, nil, nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 64<<10))
	return resp.StatusCode, resp.Header, body, err
}

// Deliveries lists what was sent, oldest first.
func (s *Server) Deliveries() []Delivery {
	s.hook.mu.Lock()
	defer s.hook.mu.Unlock()
	out := make([]Delivery, 0, len(s.hook.deliveries))
	for _, d := range s.hook.deliveries {
		out = append(out, *d)
	}
	return out
}

// Redeliver sends a delivery again, with the same delivery id and payload, signed with the secret of now.
func (s *Server) Redeliver(guid string) error {
	defer s.lock()()
	for _, d := range s.Deliveries() {
		if d.GUID == guid {
			s.redeliver(d)
			return nil
		}
	}
	return fmt.Errorf("no delivery has the id %s", guid)
}

func (s *Server) redeliver(d Delivery) {
	again := &Delivery{
		ID: s.newID(), GUID: d.GUID, Event: d.Event, Action: d.Action, At: s.now(), Payload: d.Payload, Redelivery: true,
	}
	s.dispatch(again)
}

// newGUID is a random UUID.
func newGUID() string {
	var b [16]byte
	rand.Read(b[:]) // never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

func itoa(n int64) string { return strconv.FormatInt(n, 10) }
