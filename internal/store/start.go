package store

import (
	"context"
	"database/sql"

	"github.com/drbot/drbot/dr"
)

// StartRun stores the record of a run and its audit line together with what begin does
// in the same transaction: all or nothing. When a run of this id is there, created is
// false and nothing is done.
func (s Records) StartRun(ctx context.Context, r dr.Run, line dr.AuditEntry, begin func(*sql.Tx) error) (created bool, err error) {
	err = s.Tx(ctx, "run/"+r.Run, func(tx *sql.Tx) (err error) {
		if created, err = s.CreateRunTx(ctx, tx, r); err != nil || !created {
			return err
		}
		if err := s.audit.AuditTx(ctx, tx, line); err != nil {
			return err
		}
		return begin(tx)
	})
	if err != nil {
		return false, err
	}
	return created, nil
}
