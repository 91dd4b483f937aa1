//go:build attack

package sandbox

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/drbot/drbot/internal/sandbox/github"
)

// page is what people read on a pull request: title, description, comments, and the status of
// the plan.
func (w *World) page(t *testing.T, pull int) string {
	t.Helper()
	p, err := w.Hub.Pull(pull)
	must(t, err)
	out := []string{p.Title, p.Body}
	for _, c := range w.Hub.Comments(pull) {
		out = append(out, c.User+": "+c.Body)
	}
	status := ""
	for _, s := range w.Hub.Statuses(p.HeadSHA) {
		if s.Context == "drbot/plan" {
			status = s.State + " " + s.Description
		}
	}
	return strings.Join(append(out, status), "\n")
}

// eventually waits for something on the local GitHub, which happens with the bot's next look.
func eventually(t *testing.T, ctx context.Context, what string, holds func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for tick := time.NewTicker(20 * time.Millisecond); !holds(); {
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("never: %s", what)
		}
	}
}

// TestAttackOnWhatPeopleRead rewrites all that two people are about to approve, as somebody who
// may write and with the bot's own token, and has both approve what then stands there.
func TestAttackOnWhatPeopleRead(t *testing.T) {
	w, ctx := serving(t, quickly)
	m := asked(t, ctx, w)
	p, err := w.Hub.Pull(m.pull)
	must(t, err)
	comment := func() int64 { return w.Hub.Comments(m.pull)[0].ID }
	posted := w.page(t, m.pull)
	for _, by := range []string{loginOf("dave"), botLogin} {
		plan := func() error { return w.Hub.EditComment(ctx, by, comment(), "### Plan\n\nNo changes.") }
		if by == botLogin {
			plan = func() error { return w.Hub.DeleteComment(ctx, by, comment()) }
		}
		must(t, errors.Join(plan(),
			w.Hub.Retitle(ctx, by, m.pull, "Docs: fix a typo"), w.Hub.Redescribe(ctx, by, m.pull, "A typo in the docs."),
			w.Hub.SetStatus(ctx, by, p.HeadSHA, "drbot/plan", "success", "0 to add, 0 to change, 0 to destroy"),
			w.Hub.SetStatus(ctx, by, p.HeadSHA, "drbot/approval", "success", "approvals: approved by everybody")))
		approveBoth(t, ctx, w, m)
		eventually(t, ctx, "all of it is put back", func() bool { return w.page(t, m.pull) == posted })
		seen := len(w.Hub.CallsTo("GET", "/reviews")) // what is said until it has looked again does not count
		eventually(t, ctx, "it has looked again", func() bool { return len(w.Hub.CallsTo("GET", "/reviews")) > seen+3 })
		if now, err := w.Hub.Pull(m.pull); err != nil || now.Merged {
			t.Fatalf("rewritten by %s, it WENT THROUGH (%v)", by, err)
		}
		t.Logf("title, body, plan and statuses by %-12s stopped: they are put back, and nobody's approval counts", by)
	}
	must(t, w.waitText(ctx, m.run, "said something else than drbot had posted"))
	standing(t, ctx, w, m.pull)
	told := 0
	for _, msg := range w.Slack.Messages(channel) {
		told += strings.Count(msg.AllText(), "was rewritten, and is put back")
	}
	if told != 1 {
		t.Errorf("told %d times in Slack", told)
	}
	// What stands there now may be approved.
	approveBoth(t, ctx, w, m)
	must(t, w.waitText(ctx, m.run, "*succeeded*"))
}

// TestAttackByTheBotsToken merges while the run waits, with the bot's own account: by GitHub's
// merge, and by a commit on the base that says that it is the bot's.
func TestAttackByTheBotsToken(t *testing.T) {
	for name, c := range map[string]struct {
		act   func(ctx context.Context, w *World, m moved) error
		shows string
	}{
		"merged, one has approved": {func(ctx context.Context, w *World, m moved) error {
			if err := w.approve(ctx, "bob", m.run, m.pull, "needs one more approval"); err != nil {
				return err
			}
			_, err := w.Hub.Merge(ctx, botLogin, m.pull)
			return err
		}, "*Paused at merge"},
		"its merge forged": {func(ctx context.Context, w *World, m moved) error {
			p, err := w.Hub.Pull(m.pull)
			if err != nil {
				return err
			}
			flip := stackFolder + "/active_region.auto.tfvars"
			flipped, err := w.Hub.FileAt(ctx, p.HeadRef, flip)
			if err != nil {
				return err
			}
			_, err = w.Hub.MoveBase(ctx, botLogin, flip, string(flipped), fmt.Sprintf("Merge the change of drbot (#%d)", m.pull))
			return err
		}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, ctx := serving(t, quickly)
			m := asked(t, ctx, w)
			must(t, c.act(ctx, w, m))
			if c.shows != "" {
				must(t, w.waitText(ctx, m.run, c.shows))
			}
			looks := len(w.Hub.CallsTo("GET", "/reviews"))
			if c.shows == "" {
				eventually(t, ctx, "it is looked at", func() bool { return len(w.Hub.CallsTo("GET", "/reviews")) > looks+2 })
			}
			if ps, err := w.Cloud.Promotions(ctx); err != nil || len(ps) != 0 {
				t.Fatalf("WENT THROUGH: %d promotions (%v)", len(ps), err)
			}
			t.Log("stopped: without the intent and the count it is anybody's merge, and people are asked")
		})
	}
}

// TestAttackByAProvisioner adds a program to what is planned already, after the first
// approval: no change of the plan shows it, and it is approved anew all the same.
func TestAttackByAProvisioner(t *testing.T) {
	w, ctx := serving(t, quickly)
	m := asked(t, ctx, w)
	must(t, w.approve(ctx, "bob", m.run, m.pull, "needs one more approval"))
	stack, found := stackFolder+"/"+standby+"/main.tf", filepath.Join(w.host(), "found")
	src, err := w.Hub.FileAt(ctx, "main", stack)
	must(t, err)
	const was = "  provisioner \"local-exec\" {"
	changed := strings.Replace(string(src), was, "  provisioner \"local-exec\" {\n    command = \"echo taken > "+found+"\"\n  }\n\n"+was, 1)
	if changed == string(src) {
		t.Fatal("the stack has no provisioner")
	}
	_, err = w.Hub.MoveBase(ctx, loginOf("dave"), stack, changed, "tidy up")
	must(t, err)
	_, err = w.Hub.Review(ctx, loginOf("carol"), m.pull, github.Approved, "", "")
	must(t, err)
	must(t, w.waitText(ctx, m.run, "would change more than was approved"))
	standing(t, ctx, w, m.pull)
	if _, err := os.Stat(found); err == nil {
		t.Fatal("WENT THROUGH: the program was run")
	}
	t.Log("stopped: other code that runs needs both approvals anew")
}

// TestAttackByMuch hides deletes behind 250 rows of other changes, all with long names, and
// names something by letters that read like others.
func TestAttackByMuch(t *testing.T) {
	const many = 250
	w, ctx := newWorld(t, quickly)
	long := strings.Repeat("x", 600)
	much := fmt.Sprintf(`
resource "terraform_data" "many" {
  for_each = toset([for n in range(%[1]d) : "%[2]s-${n}"])
  input    = var.active_region
}

resource "terraform_data" "kept" {
  for_each = toset([for n in range(var.active_region == "ap-northeast-2" ? %[1]d : 0) : "kept-%[2]s-${n}"])
}

resource "terraform_data" "a_mask" {
  for_each = toset(["p%[3]sy", "a%[4]sb", "c%[5]sdelete d"])
  input    = var.active_region
}
`, many, long, "\u0430", "\u202e", "\u2028")
	stack := stackFolder + "/" + standby
	dir := filepath.Join(w.opts.Dir, "seed", filepath.FromSlash(stack))
	must(t, os.WriteFile(filepath.Join(dir, "much.tf"), []byte(much), 0o600))
	must(t, w.terraform(ctx, dir, "apply", "-input=false", "-no-color", "-auto-approve"))
	_, err := w.Hub.MoveBase(ctx, loginOf("dave"), stack+"/much.tf", much, "much")
	must(t, err)
	must(t, w.StartBot(ctx))
	run, err := w.ask(ctx, "alice", "/dr failover portal "+standby+" disaster Seoul does not answer")
	must(t, err)
	p, err := w.pullOf(ctx, run)
	must(t, err)
	eventually(t, ctx, "the plan is on the pull request", func() bool {
		return slices.ContainsFunc(w.Hub.Statuses(p.HeadSHA), func(s github.Status) bool { return s.Context == "drbot/plan" })
	})
	var all strings.Builder
	comments := w.Hub.Comments(p.Number)
	for _, c := range comments {
		if !strings.Contains(c.Body, "Digest `") {
			t.Errorf("a comment without its digest:\n%.300s", c.Body)
		}
		all.WriteString(strings.ReplaceAll(c.Body, `\\`, `\`)) // as a page shows it
	}
	if n := strings.Count(all.String(), "\ndelete terraform_data.kept["); n != many || len(comments) < 2 {
		t.Errorf("WENT THROUGH: %d of %d deletes are shown, in %d comments", n, many, len(comments))
	}
	// Terraform itself escapes what cannot be printed.
	for _, want := range []string{"p\\u{430}y", "a\\u202eb", "c\\u2028delete d", "Characters that cannot be seen or look like others", "<summary>" + standby + ": "} {
		if !strings.Contains(all.String(), want) {
			t.Errorf("WENT THROUGH: it does not show %q", want)
		}
	}
	t.Logf("stopped: %d deletes are shown, in %d comments, and what hides is written by its number", many, len(comments))
}
