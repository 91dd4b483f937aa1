package world

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// TestIdleSecondsReachNoDatabase keeps that the looks of an idle engine are known for what
// they are, whatever their statements become: only its queues of runs, each looked at every
// 20 s, are asked for.
func TestIdleSecondsReachNoDatabase(t *testing.T) {
	Run(t, Options{}, func(t *testing.T, w *World) {
		time.Sleep(time.Minute)
		synctest.Wait()
		before := w.life.engine.reached.Load()
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		if n := w.life.engine.reached.Load() - before; n == 0 || n >= 600 {
			t.Errorf("600 idle seconds reached the database %d times", n)
		}
	})
}

// TestIdleIsBelied keeps that a run which the world's own answers would be wrong for is told.
func TestIdleIsBelied(t *testing.T) {
	for _, column := range []string{"workflow_deadline_epoch_ms", "workflow_timeout_ms", "delay_until_epoch_ms"} {
		t.Run(column, func(t *testing.T) {
			Run(t, Options{}, func(t *testing.T, w *World) {
				run := w.Start(Planned)
				w.Drive(run)
				if err := w.life.engine.unused(); err != nil {
					t.Fatal(err)
				}
				if err := w.exec("UPDATE workflow_status SET " + column + " = 9e15"); err != nil {
					t.Fatal(err)
				}
				if err := w.life.engine.unused(); err == nil || !strings.Contains(err.Error(), "runs have a deadline") {
					t.Errorf("it is told %v", err)
				}
				if err := w.exec("UPDATE workflow_status SET " + column + " = NULL"); err != nil {
					t.Fatal(err)
				}
			})
		})
	}
}
