package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"github.com/drbot/drbot/dr"
)

// headFile is where the head of the audit log is kept outside the database.
type headFile struct {
	mu   sync.Mutex
	kept Head
	// bad is why the file and the log do not fit. The file is left alone then: it is the proof.
	bad error
}

// headText is the file's text. Without the key nobody can write another head.
type headText struct {
	Head
	MAC string `json:"mac,omitempty"`
}

func (s *AuditTrail) headMAC(key []byte, h Head) string {
	return mac(key, "head", fmt.Appendf(nil, "%d\n%s", h.Seq, h.Hash))
}

// readHead reads the head kept outside; an empty one when there is none.
func (s *AuditTrail) readHead() (Head, error) {
	if s.headPath == "" {
		return Head{}, nil
	}
	data, err := os.ReadFile(s.headPath)
	if errors.Is(err, fs.ErrNotExist) {
		return Head{}, nil
	} else if err != nil {
		return Head{}, failedFile(s.headPath, "read the head of the audit log", err)
	}
	var t headText
	if err := json.Unmarshal(data, &t); err != nil {
		return Head{}, changed(dr.T("audit-log.head.broken", "file", s.headPath))
	}
	known := len(s.keys) == 0
	for _, key := range s.keys {
		known = known || t.MAC == s.headMAC(key, t.Head)
	}
	if !known {
		return Head{}, &dr.Error{Code: dr.Conflict, What: dr.T("audit-log.head.key", "file", s.headPath),
			Next: dr.T("audit-log.head.key.next", "command", dr.Cmd("audit verify --former-key FILE"))}
	}
	return t.Head, nil
}

// AuditHead gives the last entry of the audit log, for the program's log, and keeps it
// outside if it is not yet. An error says that the log does not reach to the entry
// that is kept there: the bot goes on, and that head stays where it is.
func (s *AuditTrail) AuditHead(ctx context.Context) (Head, error) {
	out, err := s.readHead()
	if err != nil {
		return Head{}, s.distrust(err)
	}
	last, err := s.lastEntry(ctx, s.db)
	if err != nil {
		return last, err
	}
	if out.Seq > last.Seq {
		return last, s.distrust(cutOff(last.Seq, out.Seq, s.headPath))
	}
	if out.Seq > 0 {
		hash, err := s.hashOf(ctx, s.db, out.Seq)
		if err != nil {
			return last, err
		}
		if hash != out.Hash {
			return last, s.distrust(anew(out.Seq, s.headPath))
		}
	}
	if last.Seq > 0 {
		s.keepHead(ctx, last)
	}
	return last, nil
}

// hangs looks, before an entry is appended, whether the log still reaches to the entry
// that was kept outside last. Where it does not, somebody has taken entries out under
// the living program: the entry is written all the same, and that head stays where it
// is for VerifyAudit to find.
func (s *AuditTrail) hangs(ctx context.Context, tx *sql.Tx) error {
	s.head.mu.Lock()
	kept, bad := s.head.kept, s.head.bad
	s.head.mu.Unlock()
	if kept.Seq == 0 || bad != nil {
		return nil
	}
	hash, err := s.hashOf(ctx, tx, kept.Seq)
	if err != nil {
		return err
	}
	if hash != kept.Hash {
		s.log.ErrorContext(ctx, "THE AUDIT LOG WAS CHANGED while this program ran: what was its last entry is not there", "seq", kept.Seq, "hash", kept.Hash,
			"error", s.distrust(anew(kept.Seq, s.headPath)))
	}
	return nil
}

// hashOf is the hash of an entry; empty when it is not there.
func (s *AuditTrail) hashOf(ctx context.Context, db queryer, seq int64) (hash string, err error) {
	err = db.QueryRowContext(ctx, s.q(`SELECT hash FROM drbot_audit WHERE seq = ?`), seq).Scan(&hash)
	if errors.Is(err, sql.ErrNoRows) {
		err = nil
	}
	return hash, failed("read an audit entry", err)
}

func (s *AuditTrail) distrust(err error) error {
	s.head.mu.Lock()
	defer s.head.mu.Unlock()
	s.head.bad = err
	return err
}

// keepHead writes the head outside after its entry is in the database. What is there
// cannot be taken back any more, so a failure is told in the log and nothing else.
func (s *AuditTrail) keepHead(ctx context.Context, h Head) {
	if s.headPath == "" {
		return
	}
	s.head.mu.Lock()
	defer s.head.mu.Unlock()
	if s.head.bad != nil || h.Seq <= s.head.kept.Seq {
		return // not trusted, or a later one was faster
	}
	t := headText{Head: h}
	if len(s.keys) > 0 {
		t.MAC = s.headMAC(s.keys[0], h)
	}
	data, err := json.Marshal(t)
	if err == nil {
		err = replaceFile(s.headPath, append(data, '\n'))
	}
	if err != nil {
		s.log.ErrorContext(ctx, "the head of the audit log is not kept outside the database", "seq", h.Seq, "error", err)
		return
	}
	s.head.kept = h
}

// replaceFile writes a file so that it is the old one or the new one, whole, after a crash too.
func replaceFile(path string, data []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*") // 0600
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}
