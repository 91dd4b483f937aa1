package aws

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// FaultKind is what happens to a call.
type FaultKind string

const (
	Throttle    FaultKind = "throttle"     // 429 with the service's throttling error; Moto never sees the call
	ServerError FaultKind = "server-error" // 500 with InternalFailure; Moto never sees the call
	HalfBody    FaultKind = "half-body"    // Moto acts, the answer breaks off in the middle
	Stall       FaultKind = "stall"        // nothing for a while, then the call goes on
	Duplicate   FaultKind = "duplicate"    // Moto gets the call twice, the client hears the first answer
)

// Fault happens to the calls that match, the next Times of them or, when that is
// 0, all of them.
type Fault struct {
	Match      Matcher
	Kind       FaultKind
	Times      int
	For        time.Duration // how long a Stall lasts
	RetryAfter int           // seconds, in the answer of a Throttle; 0 sends no such header
}

type armedFault struct {
	Fault
	left int
}

// Inject arms a fault and returns a function that disarms it. Of several that match a call the one armed first happens.
func (p *Proxy) Inject(f Fault) (remove func()) {
	armed := &armedFault{Fault: f, left: f.Times}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.faults = append(p.faults, armed)
	return func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.faults = without(p.faults, armed)
	}
}

// Duplicate sends the next matching call to Moto twice.
func (p *Proxy) Duplicate(m Matcher) (remove func()) {
	return p.Inject(Fault{Match: m, Kind: Duplicate, Times: 1})
}

func without[T comparable](list []T, gone T) []T {
	var kept []T
	for _, item := range list {
		if item != gone {
			kept = append(kept, item)
		}
	}
	return kept
}

// takeFault returns the fault that happens to a call, nil when none does.
func (p *Proxy) takeFault(call Call) *Fault {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, armed := range p.faults {
		if !armed.Match.matches(call) {
			continue
		}
		if armed.Times > 0 {
			if armed.left--; armed.left == 0 {
				p.faults = without(p.faults, armed)
			}
		}
		p.journal.note(call.ID, func(c *Call) { c.Fault = string(armed.Kind) })
		return &armed.Fault
	}
	return nil
}

// answerFault reports whether the fault was the whole answer.
func (p *Proxy) answerFault(w http.ResponseWriter, r *http.Request, call Call, f *Fault) bool {
	switch f.Kind {
	case Throttle:
		if f.RetryAfter > 0 {
			w.Header().Set("Retry-After", strconv.Itoa(f.RetryAfter))
		}
		writeError(w, r, call, http.StatusTooManyRequests, "Throttling", "Rate exceeded")
		return true
	case ServerError:
		writeError(w, r, call, http.StatusInternalServerError, "InternalFailure", "An internal error has occurred.")
		return true
	case Stall:
		timer := time.NewTimer(f.For)
		defer timer.Stop()
		select {
		case <-timer.C:
			return false
		case <-r.Context().Done():
		case <-p.stopped:
		}
		drop(w)
		return true
	}
	return false
}

// writeError answers with an error in the protocol of the call's service.
func writeError(w http.ResponseWriter, r *http.Request, call Call, status int, code, message string) {
	kind, body := "text/xml", ""
	switch {
	case r.Header.Get("Smithy-Protocol") == "rpc-v2-cbor":
		w.Header().Set("Smithy-Protocol", "rpc-v2-cbor")
		kind, body = "application/cbor", cborMap("__type", code+"Exception", "message", message)
	case r.Header.Get("X-Amz-Target") != "":
		w.Header().Set("X-Amzn-ErrorType", code+"Exception")
		kind, body = "application/x-amz-json-1.1", fmt.Sprintf(`{"__type":%q,"message":%q}`, code+"Exception", message)
	case call.Service == "s3":
		body = fmt.Sprintf("<Error><Code>%s</Code><Message>%s</Message></Error>", code, message)
	case call.Service == "ec2":
		body = fmt.Sprintf("<Response><Errors><Error><Code>%s</Code><Message>%s</Message></Error></Errors></Response>", code, message)
	default: // query, and Route 53
		body = fmt.Sprintf("<ErrorResponse><Error><Type>Sender</Type><Code>%s</Code><Message>%s</Message></Error></ErrorResponse>", code, message)
	}
	w.Header().Set("Content-Type", kind)
	w.WriteHeader(status)
	_, _ = io.WriteString(w, body) // a client that left needs no answer
}

// cborMap encodes a map of short strings: major type 5 around pairs of major type 3.
func cborMap(pairs ...string) string {
	var b strings.Builder
	b.WriteByte(0xa0 | byte(len(pairs)/2))
	for _, s := range pairs {
		b.WriteByte(0x78) // text, its length in one byte
		b.WriteByte(byte(len(s)))
		b.WriteString(s)
	}
	return b.String()
}

var errDropped = errors.New("connection dropped on purpose")

// halve cuts an answer in the middle of its body.
func halve(resp *http.Response) error {
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return fmt.Errorf("read the answer to cut: %w", err)
	}
	resp.Body.Close()
	resp.ContentLength = int64(len(body))
	resp.Header.Set("Content-Length", strconv.Itoa(len(body)))
	resp.Body = io.NopCloser(io.MultiReader(bytes.NewReader(body[:len(body)/2]), failing{}))
	return nil
}

// failing is the end of a body that never comes.
type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }
