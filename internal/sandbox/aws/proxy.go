package aws

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// Proxy is the endpoint that the bot and Terraform use in place of AWS. It
// journals every call with the Region it was signed for and brings about outages
// and faults. Its methods may be used from any goroutine at any time.
type Proxy struct {
	target  *url.URL
	journal *journal
	server  *http.Server
	addr    string
	forward *httputil.ReverseProxy
	again   *http.Client // sends duplicates
	stopped chan struct{}

	mu      sync.Mutex
	outages map[string]*outage
	faults  []*armedFault
	hooks   []*armedHook
}

// forwarded travels with a request through the reverse proxy.
type forwarded struct {
	call  Call
	fault *Fault
	body  []byte // for a duplicate
}

type forwardedKey struct{}

// startProxy listens and forwards to Moto.
func startProxy(opt Options, target string) (*Proxy, error) {
	to, err := url.Parse(target)
	if err != nil {
		return nil, fmt.Errorf("start the AWS proxy: %w", err)
	}
	listener, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", opt.Ports.Proxy))
	if err != nil {
		return nil, fmt.Errorf("start the AWS proxy: %w", err)
	}
	calls, err := newJournal(filepath.Join(opt.Dir, "aws-calls.jsonl"))
	if err != nil {
		listener.Close()
		return nil, err
	}
	// No connection to Moto is used twice, so that nothing is ever sent again by the transport on its own.
	transport := &http.Transport{DisableKeepAlives: true}
	p := &Proxy{
		target: to, journal: calls, addr: listener.Addr().String(),
		again: &http.Client{Transport: transport}, stopped: make(chan struct{}),
		outages: map[string]*outage{},
	}
	quiet := log.New(io.Discard, "", 0) // dropped connections are this server's trade
	p.forward = &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(to)
			r.Out.Host = r.In.Host // S3 reads a bucket off it
		},
		Transport:      transport,
		ModifyResponse: p.answered,
		ErrorHandler:   func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) },
		ErrorLog:       quiet,
	}
	p.server = &http.Server{Handler: p, ErrorLog: quiet, ReadHeaderTimeout: time.Minute}
	go func() { _ = p.server.Serve(listener) }() // ends when the server is closed
	return p, nil
}

// URL is the endpoint to give to the SDK and to Terraform.
func (p *Proxy) URL() string { return "http://" + p.addr }

// Calls returns every call since the start, in the order in which they began; those still open have no End.
func (p *Proxy) Calls() []Call { return p.journal.all() }

// TerraformCalls returns the calls that Terraform signed for a Region, in the order in which they began.
func (p *Proxy) TerraformCalls(region string) []Call {
	var found []Call
	for _, call := range p.Calls() {
		if call.Terraform() && call.Region == region {
			found = append(found, call)
		}
	}
	return found
}

func (p *Proxy) close() {
	close(p.stopped)
	p.server.Close()
	p.journal.close()
}

// ServeHTTP journals a call and answers it, unless an outage, a fault or a hook has it otherwise.
func (p *Proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if strings.HasPrefix(r.URL.Path, "/drbot/") {
		http.NotFound(w, r) // the extension's own door is not part of AWS
		return
	}
	call, err := classify(r)
	call = p.journal.begin(call)
	recorder := &statusRecorder{ResponseWriter: w}
	defer func() { p.journal.end(call.ID, recorder.status) }()
	if err != nil {
		panic(http.ErrAbortHandler) // the client left while it was sending
	}
	if p.stoppedByOutage(recorder, r, call) {
		return
	}
	if p.runHooks(Before, call) {
		drop(recorder)
		return
	}
	fault := p.takeFault(call)
	if fault != nil && p.answerFault(recorder, r, call, fault) {
		return
	}
	p.send(recorder, r, call, fault)
}

// send forwards a call to Moto.
func (p *Proxy) send(w http.ResponseWriter, r *http.Request, call Call, fault *Fault) {
	passing := &forwarded{call: call, fault: fault}
	if fault != nil && fault.Kind == Duplicate {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			panic(http.ErrAbortHandler)
		}
		passing.body = body
		r.Body = io.NopCloser(bytes.NewReader(body))
	}
	p.journal.note(call.ID, func(c *Call) { c.Forwarded++ })
	p.forward.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), forwardedKey{}, passing)))
}

// answered runs when Moto has answered and the client has not heard of it yet.
func (p *Proxy) answered(resp *http.Response) error {
	passing := resp.Request.Context().Value(forwardedKey{}).(*forwarded)
	if passing.fault != nil && passing.fault.Kind == Duplicate {
		if err := p.repeat(resp.Request, passing); err != nil {
			return err
		}
	}
	if passing.fault != nil && passing.fault.Kind == HalfBody {
		if err := halve(resp); err != nil {
			return err
		}
	}
	if p.runHooks(After, passing.call) {
		return errDropped
	}
	return nil
}

// repeat sends a request to Moto a second time; the client hears the first answer.
func (p *Proxy) repeat(first *http.Request, passing *forwarded) error {
	p.journal.note(passing.call.ID, func(c *Call) { c.Forwarded++ })
	second := first.Clone(first.Context())
	second.RequestURI = ""
	second.Body = io.NopCloser(bytes.NewReader(passing.body))
	resp, err := p.again.Do(second)
	if err != nil {
		return fmt.Errorf("send a duplicate: %w", err)
	}
	defer resp.Body.Close()
	_, err = io.Copy(io.Discard, resp.Body)
	return err
}

// statusRecorder remembers the status for the journal.
type statusRecorder struct {
	http.ResponseWriter
	status int
}

func (s *statusRecorder) WriteHeader(status int) {
	s.status = status
	s.ResponseWriter.WriteHeader(status)
}

func (s *statusRecorder) Write(content []byte) (int, error) {
	if s.status == 0 {
		s.status = http.StatusOK
	}
	return s.ResponseWriter.Write(content)
}

// Unwrap lets http.ResponseController flush and hijack.
func (s *statusRecorder) Unwrap() http.ResponseWriter { return s.ResponseWriter }
