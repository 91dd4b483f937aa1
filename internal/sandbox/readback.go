package sandbox

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/drbot/drbot/internal/sandbox/aws"
	"github.com/drbot/drbot/internal/sandbox/github"
	"github.com/drbot/drbot/internal/sandbox/slack"
)

// moved is what must be true after a run, whatever the bot says.
type moved struct {
	run, from, to string
	planned       bool
	approvers     []string // persons
	promotions    int      // that were accepted in the whole life of the world
	pull          int
	merger        string // login of who merges; the bot's when empty
}

// readBack looks at Git, AWS, Terraform's states, the users' way in and Slack, by
// itself, and lists everything that is not as it must be.
func (w *World) readBack(ctx context.Context, m moved) error {
	var bad []string
	for _, look := range []struct {
		what string
		look func(context.Context, moved) error
	}{
		{"Git", w.readGit}, {"AWS promotions", w.readPromotions}, {"AWS database", w.readWriter}, {"AWS service", w.readService},
		{"Route 53", w.readRecord}, {"Terraform state", w.readStates}, {"the users' way in", w.readUsers}, {"GitHub", w.readPull}, {"Slack", w.readSlack},
	} {
		if err := look.look(ctx, m); err != nil {
			bad = append(bad, look.what+": "+err.Error())
			w.say("WRONG    %s: %v", look.what, err)
			continue
		}
		w.say("read     %s is as it must be", look.what)
	}
	if len(bad) > 0 {
		return wrongf("%s", strings.Join(bad, "\n"))
	}
	return nil
}

func (w *World) readGit(ctx context.Context, m moved) error {
	flip, err := w.Hub.FileAt(ctx, "main", regionFile)
	if err != nil {
		return err
	}
	// The file as the team wrote it, but for the one value.
	seeded, err := os.ReadFile(filepath.Join(w.opts.Dir, "seed", filepath.FromSlash(regionFile)))
	if err != nil {
		return err
	}
	if want := strings.Replace(string(seeded), `"`+home+`"`, `"`+m.to+`"`, 1); string(flip) != want {
		return fmt.Errorf("main says:\n%s\nit must say:\n%s", flip, want)
	}
	return nil
}

func (w *World) readPromotions(ctx context.Context, m moved) error {
	ps, err := w.Cloud.Promotions(ctx)
	if err != nil {
		return err
	}
	accepted := 0
	for _, p := range ps {
		if p.Accepted {
			accepted++
		}
	}
	if accepted != m.promotions || len(ps) != m.promotions {
		return fmt.Errorf("%d promotions were accepted of %d asked for; there must have been %d and no other attempt", accepted, len(ps), m.promotions)
	}
	op, region := "FailoverGlobalCluster", m.to
	if m.planned {
		op, region = "SwitchoverGlobalCluster", m.from
	}
	dbs := w.Cloud.Layout.Databases
	if len(ps) < len(dbs) {
		return fmt.Errorf("%d promotions were asked for; there are %d databases", len(ps), len(dbs))
	}
	for i, p := range ps[len(ps)-len(dbs):] {
		if p.GlobalCluster != dbs[i] {
			return fmt.Errorf("the database promoted in place %d was %s; it must be %s", i+1, p.GlobalCluster, dbs[i])
		}
		if p.Operation != op || p.Region != region || p.AllowDataLoss == m.planned {
			return fmt.Errorf("the promotion was %s called in %s (data loss allowed: %t); it must be %s called in %s", p.Operation, p.Region, p.AllowDataLoss, op, region)
		}
	}
	return nil
}

func (w *World) readWriter(ctx context.Context, m moved) error {
	for _, db := range w.Cloud.Layout.Databases {
		region, status, err := w.Cloud.WriterOf(ctx, db)
		if err != nil {
			return err
		}
		if region != m.to {
			return fmt.Errorf("the writer of %s is in %s (%s), not in %s", db, region, status, m.to)
		}
	}
	return nil
}

func (w *World) readService(ctx context.Context, m moved) error {
	for _, service := range w.Cloud.Layout.Services {
		if err := w.readTasks(ctx, m, service); err != nil {
			return err
		}
	}
	return nil
}

func (w *World) readTasks(ctx context.Context, m moved, service string) error {
	desired, running, err := w.Cloud.RunningOf(ctx, m.to, service)
	if err != nil {
		return err
	}
	if desired < 1 || running != desired {
		return fmt.Errorf("%s of %s wants %d tasks and runs %d", service, m.to, desired, running)
	}
	healthy, err := w.healthyOf(ctx, m.to, service)
	if err != nil {
		return err
	}
	if healthy >= 0 && healthy < desired {
		return fmt.Errorf("%s of %s runs %d tasks and has %d healthy targets", service, m.to, running, healthy)
	}
	if !m.planned {
		return nil
	}
	desired, running, err = w.Cloud.RunningOf(ctx, m.from, service)
	if err != nil && !errors.Is(err, aws.ErrAbsent) { // a passive Region may have no service at all
		return err
	}
	if desired != 0 || running != 0 {
		return fmt.Errorf("%s of %s still wants %d tasks and runs %d after a planned run", service, m.from, desired, running)
	}
	return nil
}

// healthyOf counts the healthy targets of an ECS service; less than none where it stands
// behind no load balancer.
func (w *World) healthyOf(ctx context.Context, region, service string) (int, error) {
	l := w.Cloud.Layout
	if service == l.Services[0] {
		return w.Cloud.HealthyTargets(ctx, region)
	}
	group, balanced := l.TargetGroups[region][service]
	if !balanced {
		return -1, nil
	}
	return w.Cloud.HealthyIn(ctx, region, group)
}

func (w *World) readRecord(ctx context.Context, m moved) error {
	to, err := w.Cloud.Record(ctx)
	if err != nil {
		return err
	}
	if want := w.Cloud.Layout.Regions[m.to].RecordName; to != want {
		return fmt.Errorf("the public record points at %s, not at %s", to, want)
	}
	return nil
}

func (w *World) readStates(ctx context.Context, m moved) error { return w.infra.states(ctx, m) }

// readUsers goes the way a user goes: the public name, asked at the zone's own
// server, then the application.
func (w *World) readUsers(ctx context.Context, m moved) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	l := w.Cloud.Layout
	addrs, err := w.Cloud.Resolver().LookupHost(ctx, l.RecordName)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+net.JoinHostPort(addrs[0], strconv.Itoa(l.AppPort))+"/healthz", nil)
	if err != nil {
		return err
	}
	req.Host = l.RecordName
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(res.Body, 1<<10))
	if err != nil {
		return err
	}
	if res.StatusCode != http.StatusOK || !strings.Contains(string(body), m.to) {
		return fmt.Errorf("%s at %s answers %d %s, not from %s", l.RecordName, addrs[0], res.StatusCode, strings.TrimSpace(string(body)), m.to)
	}
	return nil
}

func (w *World) readPull(ctx context.Context, m moved) error {
	p, err := w.Hub.Pull(m.pull)
	if err != nil {
		return err
	}
	if !p.Merged || p.MergedBy != cmp.Or(m.merger, w.botLogin()) {
		return fmt.Errorf("#%d is merged: %t, by %q", m.pull, p.Merged, p.MergedBy)
	}
	if p.Commits != 1 || p.ChangedFiles != 1 || p.Additions != 1 || p.Deletions != 1 {
		return fmt.Errorf("#%d has %d commits, %d files, +%d -%d; it must change one line", m.pull, p.Commits, p.ChangedFiles, p.Additions, p.Deletions)
	}
	for _, who := range m.approvers {
		ok := slices.ContainsFunc(p.Reviews, func(r github.Review) bool {
			return r.User == loginOf(who) && r.State == "APPROVED" && r.CommitID == p.HeadSHA
		})
		if !ok {
			return fmt.Errorf("#%d was merged without an approval by %s of %s", m.pull, who, p.HeadSHA)
		}
	}
	head, err := w.Hub.HeadOf(ctx, "main")
	if err != nil {
		return err
	}
	if head != p.MergeCommitSHA {
		return fmt.Errorf("main is at %s, not at the merge of #%d, %s", head, m.pull, p.MergeCommitSHA)
	}
	for _, name := range []string{"drbot/plan", "drbot/approval"} {
		state := ""
		for _, s := range w.Hub.Statuses(p.HeadSHA) {
			if s.Context == name { // the last one holds
				state = s.State
			}
		}
		if state != "success" {
			return fmt.Errorf("the status %s of #%d is %q", name, m.pull, state)
		}
	}
	return nil
}

// readSlack waits for the last words, which may be behind by Slack's own pace,
// and then counts the messages.
func (w *World) readSlack(ctx context.Context, m moved) error {
	if err := w.awaitShown(ctx, m.run, "*"+Service+" is active in "+m.to+".*", w.infra.patience()); err != nil {
		return err
	}
	msgs := w.Slack.Messages(channel)
	mine := runMessages(msgs, m.run)
	if len(mine) != 1 {
		return fmt.Errorf("there are %d messages of run %s; there must be one", len(mine), m.run)
	}
	text := mine[0].AllText()
	for _, word := range append([]string{"*succeeded*", "RTA", "RPA", "✅ verify", "Approvals 2 of 2"}, m.approvers...) {
		if !strings.Contains(text, word) {
			return fmt.Errorf("the run's message lacks %q:\n%s", word, text)
		}
	}
	keys := map[string]bool{}
	for _, x := range msgs {
		if x.Metadata == nil || x.Metadata.EventType != "drbot_note" {
			continue
		}
		key := fmt.Sprint(x.Metadata.EventPayload["id"])
		if keys[key] {
			return fmt.Errorf("the note %s was said twice", key)
		}
		keys[key] = true
	}
	_, err := w.awaitThread(ctx, mine[0].TS, "RTA", "Steps: authorize")
	return err
}

// awaitThread waits for a reply in a thread.
func (w *World) awaitThread(ctx context.Context, ts string, words ...string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, w.infra.patience())
	defer cancel()
	text := ""
	_, err := w.Slack.Wait(ctx, channel, func(msgs []slack.Message) bool {
		return slices.ContainsFunc(msgs, func(m slack.Message) bool {
			if m.ThreadTS != ts || m.TS == ts {
				return false
			}
			text = m.AllText()
			return !slices.ContainsFunc(words, func(w string) bool { return !strings.Contains(text, w) })
		})
	})
	if err != nil {
		return "", fmt.Errorf("no reply in the thread with %q came", words)
	}
	return text, nil
}
