package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"time"

	"github.com/drbot/drbot/dr"
)

// Reports keeps what the scheduled runbooks found.
type Reports struct{ *database }

// AddReadings stores what a health round found; a round that is repeated adds nothing.
func (s Reports) AddReadings(ctx context.Context, service string, at time.Time, checks []dr.Check) error {
	return s.addReport(ctx, "drbot_readings", service, at, checks)
}

// AddDrift stores what a drift round found; a round that is repeated adds nothing.
func (s Reports) AddDrift(ctx context.Context, service string, at time.Time, drift []dr.Drift) error {
	return s.addReport(ctx, "drbot_drift", service, at, drift)
}

// LastReading gives what the newest health round of a service found, and its time; no time
// where there was none.
func (s Reports) LastReading(ctx context.Context, service string) (at time.Time, checks []dr.Check, err error) {
	err = s.each(ctx, "read the last reading", func(rows *sql.Rows) error {
		var ms int64
		var doc string
		if err := rows.Scan(&ms, &doc); err != nil {
			return err
		}
		at = time.UnixMilli(ms).UTC()
		if err := json.Unmarshal([]byte(doc), &checks); err != nil {
			return broken(dr.T("store.of.reading"), err)
		}
		return nil
	}, `SELECT at, doc FROM drbot_readings WHERE service = ? ORDER BY at DESC LIMIT 1`, service)
	return at, checks, err
}

func (s Reports) addReport(ctx context.Context, table, service string, at time.Time, v any) error {
	doc, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("encode a report: %w", err)
	}
	_, err = s.exec(ctx, s.db, "store a report", `INSERT INTO `+table+` (service, at, doc) VALUES (?, ?, ?) ON CONFLICT (service, at) DO NOTHING`, service, at.UnixMilli(), string(doc))
	return err
}
