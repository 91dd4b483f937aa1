package slack

import (
	"crypto/subtle"
	"encoding/json"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// maxBody bounds what a caller may send; Slack's own limit is about this.
const maxBody = 1 << 20

// args are the arguments of a call, however they were encoded. Values that
// are not strings stand as JSON.
type args map[string]string

func (a args) on(key string) bool { return a[key] == "1" || a[key] == "true" }

// reply is the answer to a call before it is written.
type reply struct {
	status     int
	retryAfter int
	body       object
	ts         string // for the journal
}

func okReply(body object) reply {
	body["ok"] = true
	return reply{status: http.StatusOK, body: body}
}

// fail is Slack's way to refuse: 200 and an error string.
func fail(code string) reply {
	return reply{status: http.StatusOK, body: object{"ok": false, "error": code}}
}

// failWith refuses and names each place that is wrong.
func failWith(code string, problems []string) reply {
	r := fail(code)
	messages := make([]string, len(problems))
	for i, p := range problems {
		messages[i] = "[ERROR] " + p
	}
	r.body["errors"] = problems
	r.body["response_metadata"] = object{"messages": messages}
	return r
}

func limited(seconds int) reply {
	return reply{
		status: http.StatusTooManyRequests, retryAfter: seconds,
		body: object{"ok": false, "error": "ratelimited"},
	}
}

type apiMethod func(s *Server, a args, f *Injected) reply

func apiMethods() map[string]apiMethod {
	return map[string]apiMethod{
		"auth.test":             (*Server).authTest,
		"chat.postMessage":      (*Server).postMessage,
		"chat.update":           (*Server).updateMessage,
		"chat.postEphemeral":    (*Server).postEphemeral,
		"conversations.history": (*Server).history,
		"conversations.replies": (*Server).replies,
		"users.info":            (*Server).userInfo,
		"views.open":            (*Server).openView,
	}
}

// serveAPI answers /api/METHOD: fault, token, rate limit, then the method.
func (s *Server) serveAPI(w http.ResponseWriter, r *http.Request) {
	start, began := s.opts.Clock(), time.Now()
	method := r.PathValue("method")
	a, token, err := readArgs(w, r)
	call := Call{Time: start, Method: method, Channel: a["channel"], Args: a}
	fault := s.takeFault(method, a["channel"])
	call.Fault = FaultKind(fault.name())
	if fault.is(FaultHang) && !fault.hold(r.Context()) {
		call.Duration = time.Since(began)
		s.record(call)
		// No answer at all is the point: the connection just ends.
		panic(http.ErrAbortHandler)
	}
	var rep reply
	switch {
	case fault.is(FaultServerError):
		rep = reply{status: http.StatusInternalServerError, body: object{"ok": false, "error": "internal_error"}}
	case fault.is(FaultRateLimited):
		rep = limited(max(1, fault.fault.RetryAfter))
	case err != nil:
		rep = fail("invalid_form_data")
	default:
		rep = s.answer(method, token, a, fault)
	}
	if fault.is(FaultLostReply) {
		rep.status, rep.body = http.StatusInternalServerError, object{"ok": false, "error": "internal_error"}
	}
	call.Status, call.TS = rep.status, rep.ts
	call.Error, _ = rep.body["error"].(string)
	if call.TS == "" {
		call.TS = a["ts"]
	}
	// Recorded first: whoever has the answer must find it in the journal.
	call.Duration = time.Since(began)
	s.record(call)
	rep.write(w, fault.is(FaultHalfBody))
}

// answer runs a method for a caller with the right token and budget left.
func (s *Server) answer(method, token string, a args, fault *Injected) reply {
	if token == "" {
		return fail("not_authed")
	}
	if subtle.ConstantTimeCompare([]byte(token), []byte(s.opts.Token)) != 1 {
		return fail("invalid_auth")
	}
	run, known := apiMethods()[method]
	if !known {
		return fail("unknown_method")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if ok, seconds := s.allow(s.rateOf(method, a["channel"])); !ok {
		return limited(seconds)
	}
	return run(s, a, fault)
}

func (rep reply) write(w http.ResponseWriter, half bool) {
	body, err := json.Marshal(rep.body)
	if err != nil {
		http.Error(w, "encode answer", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	if rep.retryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(rep.retryAfter))
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(rep.status)
	if half {
		// Fewer bytes than promised: net/http cuts the connection.
		body = body[:len(body)/2]
	}
	// A caller that hung up is in no position to hear of it.
	_, _ = w.Write(body)
}

// readArgs reads a call's arguments and token. A JSON body must be accompanied
// by a bearer token, a form may carry it as a field.
func readArgs(w http.ResponseWriter, r *http.Request) (args, string, error) {
	a := args{}
	token, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	if ctype, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); ctype == "application/json" {
		return a, token, readJSON(r.Body, a)
	}
	if err := r.ParseForm(); err != nil {
		return a, token, err
	}
	for key, values := range r.Form {
		a[key] = values[0]
	}
	if token == "" {
		token = a["token"]
	}
	// The journal keeps the arguments, and no secret belongs there.
	delete(a, "token")
	return a, token, nil
}

func readJSON(body io.Reader, a args) error {
	var fields map[string]json.RawMessage
	if err := json.NewDecoder(body).Decode(&fields); err != nil {
		return err
	}
	for key, raw := range fields {
		var text string
		if json.Unmarshal(raw, &text) == nil {
			a[key] = text
		} else {
			a[key] = string(raw)
		}
	}
	delete(a, "token")
	return nil
}
