package world

import (
	"database/sql"
	"encoding/base64"
	"encoding/json"
	"fmt"

	"github.com/drbot/drbot/workflows/engine"
)

// Forge writes a message into a run's inbox by hand, as somebody does who can write in the
// database and has no key.
func (w *World) Forge(run string, m engine.Message) {
	w.t.Helper()
	if err := w.exec(w.Forged(run, m)); err != nil {
		w.t.Fatal(err)
	}
}

// Forged is the statement for that.
func (w *World) Forged(run string, m engine.Message) string {
	w.t.Helper()
	doc, err := json.Marshal(m)
	if err != nil {
		w.t.Fatal(err)
	}
	w.forged++
	return fmt.Sprintf(`INSERT INTO notifications (destination_uuid, topic, message, serialization, message_uuid, created_at_epoch_ms) VALUES ('%s', 'inbox', '%s', 'DBOS_JSON', 'forged-%d', %d)`,
		run, base64.StdEncoding.EncodeToString(doc), w.forged, w.forged)
}

// Exec changes the database by hand.
func (w *World) Exec(statement string) {
	w.t.Helper()
	if err := w.exec(statement); err != nil {
		w.t.Fatal(err)
	}
}

// Rewritten is the statement that changes what a run was begun with.
func (w *World) Rewritten(run string, change func(input string) string) string {
	w.t.Helper()
	db, err := sql.Open("sqlite", "file:"+w.path(w.killed())+"?_pragma=busy_timeout(10000)")
	if err != nil {
		w.t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	var stored string
	if err := db.QueryRow(`SELECT inputs FROM workflow_input WHERE workflow_uuid = ?`, run).Scan(&stored); err != nil {
		w.t.Fatal(err)
	}
	doc, err := base64.StdEncoding.DecodeString(stored)
	if err != nil {
		w.t.Fatal(err)
	}
	now := change(string(doc))
	if now == string(doc) {
		w.t.Fatalf("nothing was changed in %s", doc)
	}
	return fmt.Sprintf(`UPDATE workflow_input SET inputs = '%s' WHERE workflow_uuid = '%s'`, base64.StdEncoding.EncodeToString([]byte(now)), run)
}
