package engine

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/drbot/drbot/dr"
)

// What people say to a run, and what it was begun with, is sealed with a key that is not in
// the database: whoever can write there, and has not the key, speaks for nobody.

// sealedUnder is the field of a run's input that holds its seal. What reads the input knows
// nothing of it.
const sealedUnder = "_sealed"

// sealer makes and checks seals by its key; without one it makes none.
type sealer []byte

// seal is the keyed hash of something that is said to a run; empty without a key.
func (k sealer) seal(run, what string, said any) (string, error) {
	if len(k) == 0 {
		return "", nil
	}
	doc, err := json.Marshal(said)
	if err != nil {
		return "", fmt.Errorf("seal what is said to %s: %w", run, err)
	}
	m := hmac.New(sha256.New, k)
	_, _ = fmt.Fprintf(m, "%s\n%q\n%s", what, run, doc) // a hash takes everything
	return hex.EncodeToString(m.Sum(nil)), nil
}

// sealed tells whether something has the seal that it says.
func (k sealer) sealed(run, what string, said any, seal string) bool {
	want, err := k.seal(run, what, said)
	return err == nil && hmac.Equal([]byte(want), []byte(seal))
}

// message puts a message's seal on it.
func (k sealer) message(run string, m Message) (Message, error) {
	m.Seal = ""
	seal, err := k.seal(run, "message", m)
	m.Seal = seal
	return m, err
}

// input puts a seal into the input of a run, if that is an object.
func (k sealer) input(run string, in any) (any, error) {
	doc, err := json.Marshal(in)
	if err != nil {
		return nil, fmt.Errorf("encode the input of %s: %w", run, err)
	}
	fields := map[string]json.RawMessage{}
	if len(k) == 0 || json.Unmarshal(doc, &fields) != nil {
		return in, nil
	}
	seal, err := k.seal(run, "input", fields)
	if err != nil {
		return nil, err
	}
	fields[sealedUnder] = json.RawMessage(`"` + seal + `"`)
	return fields, nil
}

// began tells of a run's input whether it has a seal at all, and whether it is one of the
// key that this process has.
func (k sealer) began(run string, doc json.RawMessage) (has, known bool) {
	fields := map[string]json.RawMessage{}
	if json.Unmarshal(doc, &fields) != nil {
		return false, false
	}
	seal, has := fields[sealedUnder]
	delete(fields, sealedUnder)
	return has, has && k.sealed(run, "input", fields, string(bytes.Trim(seal, `"`)))
}

// Sealed tells whether the run was begun by somebody who has the key of now. One of an
// earlier version, or of a former key, was not.
func Sealed(r *Run) bool { return len(r.engine.opts.Key) == 0 || r.sealed }

// genuine tells whether a message of the inbox counts. A nudge says nothing, and needs no
// seal; a run that was begun before there were seals takes what has none.
func genuine(r *Run, m Message) bool {
	if len(r.engine.opts.Key) == 0 || m.Kind == Nudge || m.Seal == "" && !r.keyed {
		return true
	}
	seal := m.Seal
	m.Seal = ""
	if sealer(r.engine.opts.Key).sealed(r.ID, "message", m, seal) {
		return true
	}
	// One that was counted with a former key is followed as it was then: what came next is
	// stored, and is not this.
	if !Patched(r, "unsealed-message") {
		return true
	}
	if r.unheard++; r.unheard == 1 {
		Note(r, "unheard", func(ctx context.Context) (bool, error) { return true, tellUnheard(ctx, r, m) })
	}
	r.Log().Error("A MESSAGE IN THE INBOX OF THE RUN IS OF NOBODY WHO HAS THE KEY, and does not count", "kind", m.Kind, "by", m.By, "n", r.unheard)
	return false
}

// tellUnheard says that somebody has written into the run's inbox by hand, or that the key
// is another than when it was said.
func tellUnheard(ctx context.Context, r *Run, m Message) error {
	what := dr.T("note.unheard-message", "kind", m.Kind, "who", foreign(m.By), "answer", dr.Foreign(m.Answer))
	if err := r.opts.Book.Audit(ctx, dr.AuditEntry{
		At: r.opts.Now(), Who: "drbot", Via: "run", Action: "unheard-" + m.Kind, Service: r.Service, Run: r.ID, Detail: what,
		Once: onceOf(ctx, r.ID, "unheard-"+m.Kind, what),
	}); err != nil {
		return err
	}
	return r.Say(ctx, "unheard", dr.Fail, dr.T("note.unsealed"), what, dr.T("note.unsealed.next", "command", dr.Cmd("status", "service", r.ID)))
}

// TellUnsealed says that what is kept of the run under a key was written by hand, where that
// is why it cannot be read, once. It gives what else is wrong.
func TellUnsealed(ctx context.Context, r *Run, key string, err error) error {
	if !errors.Is(err, dr.ErrUnsealed) {
		return err
	}
	what, _ := dr.Told(err)
	return r.Say(ctx, "unsealed/"+strings.TrimPrefix(key, r.ID+"/"), dr.Fail, dr.T("note.unsealed-row"), what, dr.T("note.unsealed-row.next"))
}

// foreign are people as somebody else named them.
func foreign(by dr.Voices) dr.Arg {
	if len(by) < 2 {
		return dr.ArgOf(dr.Foreign(by.First()))
	}
	all := dr.Arg{List: []dr.Arg{}}
	for _, who := range by {
		all.List = append(all.List, dr.ArgOf(dr.Foreign(who)))
	}
	return all
}

// keep keeps beside the inbox who has ended a run.
func keep(ctx context.Context, e *Engine, run, key string, by dr.Voices) error {
	seal, err := sealer(e.opts.Key).seal(run, key, by)
	if err != nil {
		return err
	}
	value := by.First()
	if len(by) > 1 || strings.HasPrefix(value, severalBegin) {
		doc, err := json.Marshal([]string(by))
		if err != nil {
			return err
		}
		value = string(doc)
	}
	if seal != "" {
		value += "\n" + seal
	}
	return e.opts.Memory.Put(ctx, key, value)
}

// severalBegin is how a kept list of people begins, where one alone is kept by name.
const severalBegin = "["

// kept reads it; nobody where it is of nobody who has the key.
func kept(ctx context.Context, r *Run, key string) (by dr.Voices, err error) {
	value, err := r.opts.Memory.Get(ctx, key)
	if errors.Is(err, dr.ErrUnsealed) {
		return nil, TellUnsealed(ctx, r, key, err)
	}
	if err != nil || value == "" {
		return nil, err
	}
	who, seal, has := strings.Cut(value, "\n")
	if !strings.HasPrefix(who, severalBegin) || json.Unmarshal([]byte(who), &by) != nil {
		by = dr.Voices{who}
	}
	if len(r.engine.opts.Key) == 0 || !has && !r.keyed || sealer(r.engine.opts.Key).sealed(r.ID, key, by, seal) {
		return by, nil
	}
	r.Log().ErrorContext(ctx, "THAT THE RUN IS TO END WAS WRITTEN BY NOBODY WHO HAS THE KEY, and does not count", "key", key, "by", by)
	return nil, nil
}
