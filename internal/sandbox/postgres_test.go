//go:build proof

package sandbox

import (
	"testing"

	"github.com/drbot/drbot/internal/store/storetest"
)

// postgresURL starts a PostgreSQL of the test's own.
func postgresURL(t *testing.T) string { return storetest.Postgres(t) }
