package sandbox

import (
	"os/exec"
	"strings"
	"testing"
)

// checked is what config check says of the world's configuration.
func checked(t *testing.T, w *World) string {
	t.Helper()
	cfg, err := w.writeConfig()
	must(t, err)
	out, err := exec.Command(w.opts.Bot, "config", "check", "--config", cfg).CombinedOutput()
	if err != nil {
		t.Fatalf("config check: %v\n%s", err, out)
	}
	return string(out)
}

// inOrder sees that a text has words one after the other.
func inOrder(t *testing.T, text string, words ...string) {
	t.Helper()
	rest := text
	for _, word := range words {
		_, after, found := strings.Cut(rest, word)
		if !found {
			t.Errorf("%q is missing, or stands before another:\n%s", word, text)
			return
		}
		rest = after
	}
}

// TestOldKeysInTheSandbox moves a service that is written as before there were resources:
// its check and the log say what to write instead, and the run is the same.
func TestOldKeysInTheSandbox(t *testing.T) {
	t.Parallel()
	w, ctx := newWorld(t, func(o *Options) { o.Quick, o.Shape = true, OldKeys })
	inOrder(t, checked(t, w), "database and workloads will not be known", "resources:", "system: aurora-global", "system: ecs-service")
	must(t, w.StartBot(ctx))
	must(t, w.awaitLog(ctx, "database and workloads will not be known"))
	m := moved{from: home, to: standby, approvers: []string{"bob", "carol"}, promotions: 1}
	must(t, w.through(ctx, &m, "alice", "/dr failover portal "+standby+" disaster Seoul does not answer"))
	must(t, w.readBack(ctx, m))
	inOrder(t, shown(w.Slack.Messages(channel), m.run), "promote/portal", "redeploy/"+standby, "gate/1", "verify")
}

// TestSeveralInTheSandbox moves a service of two databases and three ECS services, planned:
// each is read back from AWS, the promotions in the configured order, and all of it is in
// the message.
func TestSeveralInTheSandbox(t *testing.T) {
	t.Parallel()
	w, ctx := newWorld(t, func(o *Options) { o.Quick, o.Shape = true, Several })
	if said := checked(t, w); strings.Contains(said, "will not be known") {
		t.Errorf("config check says:\n%s", said)
	}
	must(t, w.StartBot(ctx))
	m := moved{from: home, to: standby, planned: true, approvers: []string{"bob", "carol"}, promotions: 2}
	must(t, w.through(ctx, &m, "alice", "/dr failover portal "+standby+" planned a rehearsal"))
	must(t, w.readBack(ctx, m))
	inOrder(t, shown(w.Slack.Messages(channel), m.run), "quiesce/"+home, "from 6 tasks to none", "promote/portal", "writer in "+standby, "promote/orders", "writer in "+standby,
		"apply/"+standby, "redeploy/"+standby, "3 new deployments started", "gate/1", "verify", "*portal is active in "+standby)
}
