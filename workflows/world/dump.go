package world

import (
	"database/sql"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
)

// Dump is everything that the database holds, the engine's tables too, as text: what is
// encoded there is decoded.
func (w *World) Dump() string {
	w.t.Helper()
	db, err := sql.Open("sqlite", "file:"+w.path(w.killed())+"?_pragma=busy_timeout(10000)")
	if err != nil {
		w.t.Fatal(err)
	}
	var b strings.Builder
	tables, err := texts(db, `SELECT name FROM sqlite_master WHERE type = 'table'`)
	for _, t := range tables {
		rows, e := texts(db, `SELECT * FROM "`+t+`"`)
		err = errors.Join(err, e)
		for _, r := range rows {
			b.WriteString(t + ": " + r + "\n")
		}
	}
	if err := errors.Join(err, db.Close()); err != nil {
		w.t.Fatal(err)
	}
	return b.String()
}

// texts reads every row of a query as one line.
func texts(db *sql.DB, query string) ([]string, error) {
	rows, err := db.Query(query)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	columns, err := rows.Columns()
	if err != nil {
		return nil, err
	}
	var out []string
	for rows.Next() {
		values := make([]any, len(columns))
		for i := range values {
			values[i] = new(any)
		}
		if err := rows.Scan(values...); err != nil {
			return nil, err
		}
		line := make([]string, len(values))
		for i, v := range values {
			s := fmt.Sprint(*v.(*any))
			if raw, ok := (*v.(*any)).([]byte); ok {
				s = string(raw)
			}
			if doc, err := base64.StdEncoding.DecodeString(s); err == nil && len(s) > 8 {
				s = string(doc)
			}
			line[i] = s
		}
		out = append(out, strings.Join(line, " | "))
	}
	return out, rows.Err()
}
