package workflows

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"sort"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/dbos-inc/dbos-transact-golang/dbos"

	"github.com/drbot/drbot/dr"
)

// Caller is whoever asks, with what identifies them on the way they came.
type Caller struct {
	Via       string // slack, cli
	SlackID   string
	LocalUser string
}

// id is the caller for the audit log when they are nobody the configuration knows.
func (c Caller) id() string {
	if c.Via == "slack" {
		return "slack user " + c.SlackID
	}
	return "local user " + c.LocalUser
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

// maxReason bounds a reason; it is shown in Slack and on the pull request.
const maxReason = 500

// person finds out who the caller is and writes the audit line of a refusal.
func (e *Engine) person(ctx context.Context, c Caller, action, service string) (dr.Person, error) {
	var p dr.Person
	var ok bool
	switch c.Via {
	case "slack":
		p, ok = e.deps.People.BySlack(c.SlackID)
	case "cli":
		p, ok = e.deps.People.ByLocalUser(c.LocalUser)
	}
	if ok {
		return p, nil
	}
	e.denied(ctx, c.id(), c.Via, action, service, "unknown person")
	hint := "ask for your Slack id " + c.SlackID + " to be added to `people` in drbot.yaml, with your GitHub login"
	if c.Via == "cli" {
		hint = "ask for the local user " + c.LocalUser + " to be added to `people` in drbot.yaml, with their GitHub login"
	}
	return p, &dr.Error{Code: dr.Denied, Msg: "I do not know who you are, so I cannot do that for you.", Hint: hint}
}

func (e *Engine) denied(ctx context.Context, who, via, action, service, why string) {
	err := e.deps.Ledger.Audit(ctx, dr.AuditEntry{At: e.deps.Now(), Who: who, Via: via, Action: action, Service: service, Detail: why})
	if err != nil {
		e.deps.Log.ErrorContext(ctx, "a refusal was not audited", "who", who, "error", err)
	}
}

// service finds a service a caller named, or says which there are.
func (e *Engine) service(name string) (dr.Service, error) {
	if s, ok := e.deps.Services[name]; ok {
		return s, nil
	}
	names := e.ServiceNames()
	hint := "try one of: " + list(names)
	if name == "" {
		return dr.Service{}, &dr.Error{Code: dr.Invalid, Msg: "which service?", Hint: hint}
	}
	return dr.Service{}, &dr.Error{Code: dr.NotFound, Msg: fmt.Sprintf("there is no service %q.", clip(name, 40)), Hint: hint}
}

// ServiceNames lists the services, sorted.
func (e *Engine) ServiceNames() []string {
	names := make([]string, 0, len(e.deps.Services))
	for n := range e.deps.Services {
		names = append(names, n)
	}
	sort.Strings(names)
	return names
}

// check reads a command against the configuration.
func (e *Engine) check(cmd StartCommand) (dr.Service, dr.Mode, error) {
	s, err := e.service(cmd.Service)
	if err != nil {
		return s, "", err
	}
	usage := fmt.Sprintf("/dr %s %s %s planned|disaster REASON", cmd.Kind, s.Name, regionChoice(s))
	if !s.Has(cmd.Target) {
		msg := fmt.Sprintf("%q is not a Region of %s, which lives in %s and %s.", clip(string(cmd.Target), 40), s.Name, s.Regions[0], s.Regions[1])
		if cmd.Target == "" {
			msg = "to which Region?"
		}
		return s, "", &dr.Error{Code: dr.Invalid, Msg: msg, Hint: usage}
	}
	mode, ok := dr.ParseMode(cmd.Mode)
	if !ok {
		return s, "", &dr.Error{Code: dr.Invalid, Msg: fmt.Sprintf("%q is not a mode: planned loses nothing and needs both Regions, disaster accepts data loss.", clip(cmd.Mode, 40)), Hint: usage}
	}
	reason := oneLine(cmd.Reason)
	switch {
	case reason == "":
		return s, "", &dr.Error{Code: dr.Invalid, Msg: "a reason is required; the approvers will read it.", Hint: strings.Replace(usage, "planned|disaster", string(mode), 1)}
	case utf8.RuneCountInString(reason) > maxReason:
		return s, "", &dr.Error{Code: dr.Invalid, Msg: fmt.Sprintf("the reason has %d characters; %d are enough.", utf8.RuneCountInString(reason), maxReason), Hint: "write the rest into the thread"}
	}
	now := e.deps.Now()
	if cmd.Since.After(now) {
		return s, "", &dr.Error{Code: dr.Invalid, Msg: "--since lies in the future.", Hint: "give the time the trouble began, such as " + now.UTC().Format(time.RFC3339)}
	}
	return s, mode, nil
}

func regionChoice(s dr.Service) string { return string(s.Regions[0]) + "|" + string(s.Regions[1]) }

// Start asks for a run. When the service has one under way already, that one is
// given back and existing is true: two people who type the same at once want the
// same.
func (e *Engine) Start(ctx context.Context, c Caller, cmd StartCommand) (run dr.Run, existing bool, err error) {
	who, err := e.person(ctx, c, string(cmd.Kind), clip(cmd.Service, 80))
	if err != nil {
		return run, false, err
	}
	s, mode, err := e.check(cmd)
	if err != nil {
		return run, false, err
	}
	if !slices.Contains(s.Requesters, who.Name) {
		e.denied(ctx, who.Name, c.Via, string(cmd.Kind), s.Name, "not a requester of the service")
		return run, false, &dr.Error{Code: dr.Denied, Msg: fmt.Sprintf("you may not request a failover of %s.", s.Name), Hint: "ask one of: " + list(s.Requesters)}
	}
	now := e.deps.Now()
	req := dr.Request{
		Run: runID(s.Name, cmd.Once), Kind: cmd.Kind, Service: s.Name, Target: cmd.Target, Mode: mode,
		Reason: oneLine(cmd.Reason), Requester: who.Name, Via: c.Via, Channel: cmd.Channel,
		At: now, Since: cmd.Since, Override: cmd.Override,
	}
	if req.Since.IsZero() {
		req.Since = now
	}
	return e.enqueue(ctx, c, s, req)
}

func (e *Engine) enqueue(ctx context.Context, c Caller, s dr.Service, req dr.Request) (dr.Run, bool, error) {
	detail := fmt.Sprintf("to %s, %s: %s", req.Target, req.Mode, req.Reason)
	if err := e.deps.Ledger.Audit(ctx, dr.AuditEntry{At: req.At, Who: req.Requester, Via: c.Via, Action: string(req.Kind), Service: s.Name, Run: req.Run, Granted: true, Detail: detail}); err != nil {
		return dr.Run{}, false, err
	}
	h, err := dbos.RunWorkflow(e.ctx, e.failover, req, dbos.WithWorkflowID(req.Run), dbos.WithQueue(e.queue),
		dbos.WithDeduplicationID(s.Name), dbos.WithDeduplicationPolicy(dbos.DeduplicationPolicyReturnExisting))
	if err != nil {
		return dr.Run{}, false, fmt.Errorf("start the run: %w", err)
	}
	id := h.GetWorkflowID()
	if id == req.Run {
		if err := e.deps.Runs.CreateRun(ctx, newRun(s, req)); err != nil {
			return dr.Run{}, false, err
		}
	}
	run, err := e.deps.Runs.Run(ctx, id)
	if err != nil {
		// The other request's record is being written this very moment.
		run = dr.Run{Request: dr.Request{Run: id, Service: s.Name}, State: dr.RunRunning}
	}
	e.deps.Notify.Changed(id)
	return run, id != req.Run || !run.At.Equal(req.At), nil
}

// runID makes the id of a run: short enough to type, and the same for a command
// that arrives twice.
func runID(service, once string) string {
	var b [4]byte
	if once == "" {
		_, _ = rand.Read(b[:]) // never fails, by its documentation
	} else {
		sum := sha256.Sum256([]byte(once))
		copy(b[:], sum[:])
	}
	return service + "-" + hex.EncodeToString(b[:])
}

// Cancel asks a run to end. Before the merge its requester and those who may
// approve it can; past the merge two of these must say so, and nothing is rolled back.
func (e *Engine) Cancel(ctx context.Context, c Caller, id string) (dr.Run, string, error) {
	run, who, err := e.voice(ctx, c, "cancel", id)
	if err != nil {
		return run, "", err
	}
	if !run.PastMerge() {
		return run, "cancelling; if the merge comes first the run goes on and says so.", e.send(run, message{Kind: "cancel", By: who.Name})
	}
	run, err = e.deps.Runs.UpdateRun(ctx, id, func(r *dr.Run) {
		if !slices.Contains(r.Abandon, who.Name) {
			r.Abandon = append(r.Abandon, who.Name)
		}
	})
	if err != nil {
		return run, "", err
	}
	if len(run.Abandon) < 2 {
		return run, "this run is past its merge, so abandoning it takes two people; one more is needed. Nothing is rolled back by it.", nil
	}
	return run, "abandoned at its next pause; nothing is rolled back.", e.send(run, message{Kind: "abandon", By: strings.Join(run.Abandon, " and ")})
}

// Answer answers a question of a paused run; the one it asks now when number is 0.
func (e *Engine) Answer(ctx context.Context, c Caller, id string, number int, verb string) (dr.Run, string, error) {
	run, who, err := e.voice(ctx, c, "answer "+clip(verb, 10), id)
	if err != nil {
		return run, "", err
	}
	if run.Question == nil {
		return run, "", &dr.Error{Code: dr.Conflict, Msg: run.Run + " asks nothing at the moment.", Hint: "/dr status " + run.Service}
	}
	s := e.deps.Services[run.Service]
	if !slices.Contains(s.Approvers, who.Name) {
		e.denied(ctx, who.Name, c.Via, "answer", run.Service, "not an approver")
		return run, "", &dr.Error{Code: dr.Denied, Msg: "only those who may approve can answer.", Hint: "ask one of: " + list(s.Approvers)}
	}
	if !slices.Contains(run.Question.Answers, verb) {
		return run, "", &dr.Error{Code: dr.Invalid, Msg: fmt.Sprintf("%q is no answer to this question.", clip(verb, 20)), Hint: "answer with one of: " + list(run.Question.Answers)}
	}
	step := run.Question.Step
	if number == 0 {
		number = run.Question.Number
	}
	if number != run.Question.Number {
		return run, "", &dr.Error{Code: dr.Conflict, Msg: "that question is answered; the run asks about " + step + " now.", Hint: "/dr status " + run.Service}
	}
	if verb == "skip" && run.Question.Needed > 1 && who.Name == run.Requester {
		return run, "", &dr.Error{Code: dr.Denied, Msg: "the requester's word does not count for skipping " + step + ".", Hint: fmt.Sprintf("%d others have to say skip", run.Question.Needed)}
	}
	said := verb
	if verb == "skip" && run.Question.Needed > 1 {
		said = fmt.Sprintf("skip noted; %s takes %d people", step, run.Question.Needed)
	}
	return run, said, e.send(run, message{Kind: "answer", By: who.Name, Answer: verb, Question: number})
}

// voice finds an open run and checks that the caller has a say in it.
func (e *Engine) voice(ctx context.Context, c Caller, action, id string) (dr.Run, dr.Person, error) {
	who, err := e.person(ctx, c, action, "")
	if err != nil {
		return dr.Run{}, who, err
	}
	run, err := e.deps.Runs.Run(ctx, clip(id, 120))
	if err != nil {
		return run, who, err
	}
	s := e.deps.Services[run.Service]
	if who.Name != run.Requester && !slices.Contains(s.Approvers, who.Name) {
		e.denied(ctx, who.Name, c.Via, action, run.Service, "neither requester nor approver")
		return run, who, &dr.Error{Code: dr.Denied, Msg: "only the requester and those who may approve can do that.", Hint: "ask one of: " + list(s.Approvers)}
	}
	if run.State.Final() {
		return run, who, &dr.Error{Code: dr.Conflict, Msg: fmt.Sprintf("%s is over: %s.", run.Run, run.State), Hint: "/dr status " + run.Service}
	}
	err = e.deps.Ledger.Audit(ctx, dr.AuditEntry{At: e.deps.Now(), Who: who.Name, Via: c.Via, Action: action, Service: run.Service, Run: run.Run, Granted: true})
	return run, who, err
}

func (e *Engine) send(run dr.Run, m message) error {
	if err := dbos.Send(e.ctx, run.Run, m, inbox); err != nil {
		return fmt.Errorf("send %s to %s: %w", m.Kind, run.Run, err)
	}
	return nil
}

// Status gives the newest runs, of one service or of all.
func (e *Engine) Status(ctx context.Context, c Caller, service string, limit int) ([]dr.Run, error) {
	if _, err := e.person(ctx, c, "status", clip(service, 80)); err != nil {
		return nil, err
	}
	if service != "" {
		if _, err := e.service(service); err != nil {
			return nil, err
		}
	}
	return e.deps.Runs.Runs(ctx, service, limit)
}

// Nudge tells the runs whose change this is to look at it now.
func (e *Engine) Nudge(ctx context.Context, owner, repo string, number int) error {
	runs, err := e.deps.Runs.OpenRuns(ctx)
	if err != nil {
		return err
	}
	for _, run := range runs {
		s := e.deps.Services[run.Service]
		if run.State != dr.RunWaiting || number != 0 && run.Change.Number != number ||
			!strings.EqualFold(s.Repository.Owner, owner) || !strings.EqualFold(s.Repository.Name, repo) {
			continue
		}
		// One nudge is enough until the run has looked: a busy repository must not fill
		// its inbox.
		if _, pending := e.nudged.LoadOrStore(run.Run, true); pending {
			continue
		}
		if err := e.send(run, message{Kind: "nudge"}); err != nil {
			return err
		}
	}
	return nil
}

// clip shortens what somebody typed before it is shown back.
func clip(s string, n int) string {
	s = oneLine(s)
	if utf8.RuneCountInString(s) <= n {
		return s
	}
	return string([]rune(s)[:n]) + "…"
}
