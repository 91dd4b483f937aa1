package aurora

import (
	"testing"
)

// TestBusy tells a writer that is about something that passes from one that is none any more:
// of the latter a planned run may ask to go on as a disaster.
func TestBusy(t *testing.T) {
	for name, tc := range map[string]struct {
		cluster, instance string
		ready, busy       bool
	}{
		"available":          {"available", "available", true, false},
		"backing up":         {"backing-up", "available", false, true},
		"instance modified":  {"available", "modifying", false, true},
		"upgraded":           {"upgrading", "upgrading", false, true},
		"deleted":            {"deleting", "available", false, false},
		"stopped":            {"stopped", "stopped", false, false},
		"without its key":    {"inaccessible-encryption-credentials", "available", false, false},
		"its instance fails": {"available", "failed", false, false},
	} {
		t.Run(name, func(t *testing.T) {
			m := member{id: "portal-seoul", status: tc.cluster, instances: []instance{{id: "s", status: tc.instance, writer: true}, {id: "r", status: "available"}}}
			if m.canWrite() != tc.ready || m.busy() != tc.busy {
				t.Errorf("ready %t, busy %t", m.canWrite(), m.busy())
			}
		})
	}
	if headless := (member{id: "portal-seoul", status: "available", instances: []instance{{id: "r", status: "available"}}}); headless.busy() {
		t.Error("a cluster without a writer instance is busy")
	}
}
