package slack

import (
	"crypto/rand"
	"encoding/json"
	"io"
	"net/http"
	"time"
	"unicode/utf8"
)

// A response URL works five times within half an hour.
const (
	responseUses = 5
	responseLife = 30 * time.Minute
)

// responseURL lets the bot answer one command or click.
type responseURL struct {
	channel string
	user    string
	source  string // the message a click came from; empty for a command
	thread  string
	made    time.Time
	uses    int
}

// newResponseURL makes an address to answer at. The caller holds mu.
func (s *Server) newResponseURL(r responseURL) string {
	r.made = s.opts.Clock()
	// Whoever knows the address may answer, so it must not be guessed.
	token := rand.Text()
	s.responses[token] = &r
	return s.baseURL + "/response/" + token
}

// answerBody is what a bot says in an acknowledgement or to a response URL.
type answerBody struct {
	ResponseType    string          `json:"response_type"`
	ReplaceOriginal bool            `json:"replace_original"`
	DeleteOriginal  bool            `json:"delete_original"`
	Text            string          `json:"text"`
	ThreadTS        string          `json:"thread_ts"`
	Blocks          json.RawMessage `json:"blocks"`
}

// check returns the error Slack would give, with the faults, or nothing. The
// hidden total does not count on this path.
func (b *answerBody) check() (code string, problems []string) {
	if string(b.Blocks) == "null" || string(b.Blocks) == "[]" {
		b.Blocks = nil
	}
	if utf8.RuneCountInString(b.Text) > maxPostText {
		return "msg_too_long", nil
	}
	if len(b.Blocks) > 0 {
		problems, isList := checkMessageBlocks(b.Blocks)
		if !isList {
			return "invalid_blocks_format", nil
		}
		if len(problems) > 0 {
			return "invalid_blocks", problems
		}
	}
	if b.Text == "" && len(b.Blocks) == 0 && !b.DeleteOriginal {
		return "no_text", nil
	}
	return "", nil
}

// serveResponse takes what the bot says to a response URL. Only knowing the
// address is asked for, as on Slack.
func (s *Server) serveResponse(w http.ResponseWriter, r *http.Request) {
	start, began := s.opts.Clock(), time.Now()
	call := Call{Time: start, Method: "response", Args: args{}}
	fault := s.takeFault("response", "")
	call.Fault = FaultKind(fault.name())
	if fault.is(FaultHang) && !fault.hold(r.Context()) {
		call.Duration = time.Since(began)
		s.record(call)
		panic(http.ErrAbortHandler)
	}
	var body answerBody
	raw, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err == nil {
		err = json.Unmarshal(raw, &body)
	}
	call.Args = args{"body": string(raw)}
	var rep reply
	switch {
	case fault.is(FaultServerError):
		rep = reply{status: http.StatusInternalServerError, body: object{"ok": false, "error": "internal_error"}}
	case fault.is(FaultRateLimited):
		rep = limited(max(1, fault.fault.RetryAfter))
	case err != nil:
		rep = fail("invalid_payload")
	default:
		rep = s.respond(r.PathValue("token"), body, &call)
	}
	if fault.is(FaultLostReply) {
		rep.status, rep.body = http.StatusInternalServerError, object{"ok": false, "error": "internal_error"}
	}
	call.Status = rep.status
	call.Error, _ = rep.body["error"].(string)
	call.Duration = time.Since(began)
	s.record(call)
	rep.write(w, fault.is(FaultHalfBody))
}

// respond does what a response URL was asked to.
func (s *Server) respond(token string, b answerBody, call *Call) reply {
	s.mu.Lock()
	defer s.mu.Unlock()
	u := s.responses[token]
	switch {
	case u == nil, s.opts.Clock().Sub(u.made) > responseLife:
		return reply{status: http.StatusNotFound, body: object{"ok": false, "error": "expired_url"}}
	case u.uses >= responseUses:
		return reply{status: http.StatusNotFound, body: object{"ok": false, "error": "used_url"}}
	}
	call.Channel = u.channel
	if code, problems := b.check(); code != "" {
		return failWith(code, problems)
	}
	u.uses++
	source := s.find(u.channel, u.source)
	switch {
	case source != nil && b.DeleteOriginal:
		call.TS = source.TS
		s.remove(source)
	case source != nil && b.ReplaceOriginal:
		call.TS = source.TS
		s.edit(source, content{text: b.Text, blocks: b.Blocks, metadata: source.Metadata})
	default:
		if b.ThreadTS == "" {
			b.ThreadTS = u.thread
		}
		call.TS = s.show(u.channel, u.user, b).TS
	}
	return okReply(object{})
}

// show puts an answer before the person who asked, or the whole channel. The
// caller holds mu.
func (s *Server) show(channel, user string, b answerBody) *Message {
	m := Message{
		Channel: channel, ThreadTS: b.ThreadTS, User: s.opts.BotUserID, BotID: s.opts.BotID,
		Text: b.Text, Blocks: b.Blocks, To: user,
	}
	if b.ResponseType == "in_channel" {
		m.To = ""
	}
	return s.add(m)
}
