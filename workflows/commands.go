package workflows

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/workflows/engine"
)

// The ways a caller can have come.
const (
	viaSlack = "slack"
	viaShell = "cli"
)

// Caller is whoever asks, with what identifies them on the way they came.
type Caller struct {
	Via       string // slack, cli
	SlackID   string
	LocalUser string
}

// id is the caller for the audit log when they are nobody the configuration knows.
func (c Caller) id() string {
	if c.Via == viaSlack {
		return "slack:" + c.SlackID
	}
	return "local:" + c.LocalUser
}

// StartCommand is a request for a failover or failback as it was typed.
type StartCommand struct {
	Kind     dr.Kind
	Service  string
	Target   dr.Region
	Mode     string
	Reason   string
	Since    time.Time
	Override bool
	Channel  string
	// Once makes a command that arrives twice (a double click, a retried request)
	// one request. Empty for commands that cannot.
	Once string
}

// Commands are what people ask of the runbooks.
type Commands struct {
	*parts
	engine *engine.Engine
}

// maxReason bounds a reason; it is shown in Slack and on the pull request.
const maxReason = 500

// person finds out who the caller is and writes the audit line of a refusal.
func (b Commands) person(ctx context.Context, c Caller, action, service string) (dr.Person, error) {
	var p dr.Person
	var ok bool
	next := dr.T("caller.unknown.slack", "id", dr.Foreign(c.SlackID))
	switch c.Via {
	case viaSlack:
		p, ok = b.Team.People.BySlack(c.SlackID)
	case viaShell:
		p, ok = b.Team.People.ByLocalUser(c.LocalUser)
		next = dr.T("caller.unknown.local", "user", dr.Foreign(c.LocalUser))
	}
	if ok {
		return p, nil
	}
	b.denied(ctx, c.id(), c.Via, action, service, dr.T("audit.unknown-person"))
	return p, &dr.Error{Code: dr.Denied, What: dr.T("caller.unknown"), Next: next}
}

func (b Commands) denied(ctx context.Context, who, via, action, service string, why dr.Text) {
	err := b.Store.Book.Audit(ctx, dr.AuditEntry{At: b.host.Now(), Who: who, Via: via, Action: action, Service: service, Detail: why})
	if err != nil {
		b.host.Log.ErrorContext(ctx, "a refusal was not audited", "who", who, "error", err)
	}
}

// service finds a service a caller named, or says which there are.
func (b Commands) service(name string) (dr.Service, error) {
	if s, ok := b.Team.Services[name]; ok {
		return s, nil
	}
	next := dr.T("try-one-of", "names", serviceNames(b.Team))
	if name == "" {
		return dr.Service{}, &dr.Error{Code: dr.Invalid, What: dr.T("which-service"), Next: next}
	}
	return dr.Service{}, &dr.Error{Code: dr.NotFound, What: dr.T("no-service", "name", dr.Foreign(clip(name, 40))), Next: next}
}

// check reads a command against the configuration.
func (b Commands) check(cmd StartCommand) (dr.Service, dr.Mode, error) {
	// Every kind of run that is not known by name would move the service.
	if !slices.Contains(dr.Kinds(), cmd.Kind) {
		return dr.Service{}, "", &dr.Error{Code: dr.Invalid, What: dr.T("no-runbook", "typed", dr.Foreign(clip(string(cmd.Kind), 40)), "names", dr.Kinds()), Next: dr.T("try-one-of", "names", dr.Kinds())}
	}
	s, err := b.service(cmd.Service)
	if err != nil {
		return s, "", err
	}
	usage := func(mode string) dr.Text {
		return dr.T("command.try", "command", dr.Cmd(string(cmd.Kind), "service", s.Name, "region", regionChoice(s, cmd.Target), "mode", mode))
	}
	if !s.Has(cmd.Target) {
		what := dr.T("no-region", "region", dr.Foreign(clip(string(cmd.Target), 40)), "service", s.Name, "first", s.Regions[0], "second", s.Regions[1])
		if cmd.Target == "" {
			what = dr.T("which-region")
		}
		return s, "", &dr.Error{Code: dr.Invalid, What: what, Next: usage("")}
	}
	mode, ok := dr.ParseMode(cmd.Mode)
	if !ok {
		what := dr.T("no-mode", "mode", dr.Foreign(clip(cmd.Mode, 40)))
		if cmd.Mode == "" {
			what = dr.T("which-mode")
		}
		return s, "", &dr.Error{Code: dr.Invalid, What: what, Next: usage("")}
	}
	reason := oneLine(cmd.Reason)
	switch n := utf8.RuneCountInString(reason); {
	case reason == "":
		return s, "", &dr.Error{Code: dr.Invalid, What: dr.T("reason.missing"), Next: usage(string(mode))}
	case n > maxReason:
		return s, "", &dr.Error{Code: dr.Invalid, What: dr.T("reason.long", "n", n, "most", maxReason), Next: dr.T("reason.long.next")}
	}
	if now := b.host.Now(); cmd.Since.After(now) {
		return s, "", &dr.Error{Code: dr.Invalid, What: dr.T("since.future"), Next: dr.T("since.future.next", "example", now.UTC().Format(time.RFC3339))}
	}
	return s, mode, nil
}

func regionChoice(s dr.Service, asked dr.Region) string {
	if s.Has(asked) {
		return string(asked)
	}
	return string(s.Regions[0]) + "|" + string(s.Regions[1])
}

// Start asks for a run. When the service has one under way already, that one is
// given back and existing is true: two people who type the same at once want the
// same. With an error either nothing was started, or its code is dr.Uncertain.
func (b Commands) Start(ctx context.Context, c Caller, cmd StartCommand) (run dr.Run, existing bool, err error) {
	s, mode, err := b.check(cmd)
	if err != nil {
		return run, false, err
	}
	who, err := b.person(ctx, c, string(cmd.Kind), s.Name)
	if err != nil {
		return run, false, err
	}
	if !slices.Contains(s.Requesters, who.Name) {
		b.denied(ctx, who.Name, c.Via, string(cmd.Kind), s.Name, dr.T("audit.no-requester"))
		return run, false, &dr.Error{Code: dr.Denied, What: dr.T("start.no-requester", "service", s.Name), Next: dr.T("ask-one-of", "people", s.Requesters)}
	}
	now := b.host.Now()
	req := dr.Request{
		Run: runID(s.Name, cmd.Once), Kind: cmd.Kind, Service: s.Name, Target: cmd.Target, Mode: mode,
		Reason: oneLine(cmd.Reason), Requester: who.Name, Person: who, Via: c.Via, Channel: cmd.Channel,
		At: now, Since: cmd.Since, Override: cmd.Override,
	}
	if req.Since.IsZero() {
		req.Since = now
	}
	return b.enqueue(ctx, c, s, req)
}

// enqueue stores the record, its audit line and the run itself in one transaction.
func (b Commands) enqueue(ctx context.Context, c Caller, s dr.Service, req dr.Request) (dr.Run, bool, error) {
	list, err := Steps(b.Kinds, s, req)
	if err != nil {
		return dr.Run{}, false, err
	}
	run := newRun(s, req, list)
	if b.host.Config != "" {
		run.Configs = []string{b.host.Config}
	}
	line := dr.AuditEntry{
		At: req.At, Who: req.Requester, Via: c.Via, Action: string(req.Kind), Service: s.Name, Run: req.Run, Granted: true, Config: b.host.Config,
		Detail: dr.T("audit.request", "target", req.Target, "mode", req.Mode, "reason", dr.Foreign(req.Reason)),
	}
	start := func() (bool, error) {
		return b.Store.Records.StartRun(ctx, run, line, func(tx *sql.Tx) error {
			return b.engine.Enqueue(tx, engine.Job{Runbook: string(dr.Failover), Queue: runQueue, ID: req.Run, Input: req, Alone: s.Name})
		})
	}
	created, err := start()
	for waited := time.Duration(0); errors.Is(err, engine.ErrHeld); waited += looksAtEnd {
		held, existing, why := holder(ctx, b, s)
		if dr.CodeOf(why) != dr.Conflict || waited >= atEnd || engine.Wait(ctx, looksAtEnd) != nil {
			return held, existing, why
		}
		created, err = start()
	}
	switch {
	case err != nil:
		return b.perhapsStarted(ctx, req, err)
	}
	b.host.Changed(req.Run)
	if created {
		return run, false, nil
	}
	found, err := b.Store.Records.Run(ctx, req.Run)
	return found, true, err
}

// What is over by its record and has not let go of its service yet does so within moments:
// it is not what a new request is answered with.
const (
	looksAtEnd = 100 * time.Millisecond
	atEnd      = 5 * time.Second
)

// holder gives the run that a service is held by: dr.Conflict where that is over.
func holder(ctx context.Context, b Commands, s dr.Service) (dr.Run, bool, error) {
	id, err := b.engine.Holder(s.Name)
	if err != nil {
		return dr.Run{}, false, &dr.Error{Code: dr.Temporary, What: dr.T("start.not-started"), Next: dr.T("start.not-started.next"), Err: err}
	}
	over := &dr.Error{Code: dr.Conflict, What: dr.T("start.just-ended", "service", s.Name), Next: dr.T("start.not-started.next")}
	if id == "" {
		return dr.Run{}, false, over
	}
	run, err := b.Store.Records.Run(ctx, id)
	if err == nil && run.State.Final() {
		return dr.Run{}, false, over
	}
	return run, true, err
}

// lastLook bounds the look at whether a run was started whose transaction's end is not known.
const lastLook = time.Second

// perhapsStarted says truly whether a request was taken although storing it gave an
// error: the commit may have been made and its answer lost.
func (b Commands) perhapsStarted(ctx context.Context, req dr.Request, cause error) (dr.Run, bool, error) {
	look, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastLook)
	defer cancel()
	run, err := b.Store.Records.Run(look, req.Run)
	switch {
	case err == nil:
		b.host.Changed(req.Run)
		return run, false, nil
	case dr.CodeOf(err) == dr.NotFound && ctx.Err() == nil:
		return run, false, &dr.Error{Code: dr.Temporary, What: dr.T("start.not-started"), Next: dr.T("start.not-started.next"), Err: cause}
	default:
		return run, false, &dr.Error{Code: dr.Uncertain, What: dr.T("start.unknown"), Next: dr.T("start.unknown.next", "command", dr.Cmd("status", "service", req.Service)), Err: cause}
	}
}

// runID makes the id of a run: short enough to type, and the same for a command
// that arrives twice.
func runID(service, once string) string {
	var id [4]byte
	if once == "" {
		_, _ = rand.Read(id[:]) // never fails, by its documentation
	} else {
		sum := sha256.Sum256([]byte(once))
		copy(id[:], sum[:])
	}
	return service + "-" + hex.EncodeToString(id[:])
}

// oneLine takes line breaks and control characters out of what people typed.
func oneLine(s string) string {
	return strings.Join(strings.FieldsFunc(s, func(r rune) bool { return r == ' ' || r < ' ' || r == 0x7f }), " ")
}

// clip shortens what somebody typed before it is shown back.
func clip(s string, n int) string {
	s = oneLine(s)
	if utf8.RuneCountInString(s) <= n {
		return s
	}
	return string([]rune(s)[:n]) + "…"
}
