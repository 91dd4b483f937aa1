package aurora

import (
	"context"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/internal/aws"
)

// Specs lists the checks that Read makes.
func (d *Databases) Specs() []dr.Spec { return specs() }

// Read makes every check of one global database, in the order of Specs, at the
// same time, each in the time of one call. It always gives all of them; what cannot
// be read is Unknown with words for people, and the cause goes to the log. Whether
// the source answers is told by the first of a service's databases alone.
//
// The state of the global cluster is read through the target in both modes, so
// that a lost source cannot hide it.
func (d *Databases) Read(ctx context.Context, t dr.Target) []dr.Check {
	one := d.database(t.Service, t.Resource)
	looks := []func(context.Context) []dr.Check{
		func(ctx context.Context) []dr.Check { return one.globalChecks(ctx, t.Source, t.Target) },
		func(ctx context.Context) []dr.Check { return []dr.Check{one.instanceCheck(ctx, t.Target)} },
		func(ctx context.Context) []dr.Check { return []dr.Check{d.readLag(ctx, t)} },
	}
	if aws.TellsReachable(t.Service, t.Resource) {
		looks = append(looks, func(ctx context.Context) []dr.Check { return []dr.Check{one.reachable(ctx, t)} })
	}
	return d.cloud.Look(ctx, looks...)
}

func (d database) globalChecks(ctx context.Context, source, target dr.Region) []dr.Check {
	writer := dr.Check{Name: writerCheck, Region: source, At: d.cloud.Now()}
	state := dr.Check{Name: stateCheck, Region: target, At: d.cloud.Now()}
	sync := dr.Check{Name: targetSyncCheck, Region: target, At: d.cloud.Now()}
	g, err := d.globalCluster(ctx, target)
	if err != nil {
		return []dr.Check{d.cloud.Unread(ctx, writer, err), d.cloud.Unread(ctx, state, err), d.cloud.Unread(ctx, sync, err)}
	}
	st, _, err := d.stateOf(g)
	judgeWriter(&writer, st, source, err)
	judgeState(&state, st)
	judgeSync(&sync, st, target)
	return []dr.Check{writer, state, sync}
}

func judgeWriter(check *dr.Check, st dr.DatabaseState, source dr.Region, err error) {
	switch {
	case err != nil:
		check.Level, check.Detail = dr.Fail, aws.Told(err)
	case st.Writer == source && source != "":
		check.Level, check.Detail = dr.OK, dr.T("aurora.writer.in", "region", source)
	case st.Writer == "":
		check.Level, check.Detail = dr.Fail, dr.T("aurora.writer.none")
	default:
		check.Level, check.Detail = dr.Fail, dr.T("aurora.writer.elsewhere", "writer", st.Writer, "source", source)
	}
}

func judgeState(check *dr.Check, st dr.DatabaseState) {
	check.Level, check.Detail = dr.Fail, dr.T("aurora.global.status", "status", aws.Status(st.Status))
	switch {
	case st.Failover != "":
		check.Detail = dr.T("aurora.global.pending", "operation", dr.Foreign(st.Failover), "region", st.FailoverTo)
	case st.Status == "":
		check.Level = dr.Unknown
	case st.Status == available:
		check.Level = dr.OK
	}
}

// judgeSync holds the target to "connected", the one status that means that it
// follows the writer; "pending-resync" and any not yet heard of do not.
// https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_GlobalClusterMember.html
func judgeSync(check *dr.Check, st dr.DatabaseState, target dr.Region) {
	for _, m := range st.Members {
		if m.Region != target {
			continue
		}
		check.Level, check.Detail = dr.Fail, aws.Words(m.Sync)
		switch m.Sync {
		case "connected":
			check.Level = dr.OK
		case "":
			check.Level, check.Detail = dr.Unknown, dr.T("aurora.sync.none")
		}
		return
	}
	check.Level, check.Detail = dr.Fail, dr.T("aurora.no-member", "region", target)
}

// instanceCheck tells whether a Region's member cluster can be promoted: it is
// available and has an instance that is. One that is about something else is a warning, which a
// planned run waits for and people may accept in a disaster. A headless secondary must be given an
// instance before a switchover or failover to it:
// https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/aurora-global-database-disaster-recovery.html
func (d database) instanceCheck(ctx context.Context, in dr.Region) dr.Check {
	check := dr.Check{Name: targetInstanceCheck, Region: in, Unit: instancesUnit, At: d.cloud.Now()}
	m, err := d.member(ctx, in, d.clusterID(in))
	if err != nil && dr.CodeOf(err) == dr.NotFound {
		check.Level, check.Detail = dr.Fail, aws.Told(err)
		return check
	}
	if err != nil {
		return d.cloud.Unread(ctx, check, err)
	}
	n := m.availableInstances()
	check.Value, check.Threshold = aws.Measured(float64(n)), aws.Measured(instancesRequired)
	check.Level, check.Detail = dr.OK, m.told()
	switch {
	case len(m.instances) == 0:
		check.Level, check.Detail = dr.Fail, dr.T("aurora.headless", "cluster", m.id)
	case !m.promotable():
		check.Level = dr.Fail
	case n < instancesRequired || m.status != available:
		check.Level = dr.Warn
	}
	return check
}

func (d *Databases) readLag(ctx context.Context, t dr.Target) dr.Check {
	check, err := d.Lag(ctx, t.Service, t.Resource, t.Target)
	if err != nil {
		check = d.cloud.Unread(ctx, check, err)
	}
	return check
}

func (d database) reachable(ctx context.Context, t dr.Target) dr.Check {
	return d.cloud.Reachable(ctx, t, "RDS", func(ctx context.Context) error {
		_, err := d.cluster(ctx, t.Source, d.clusterID(t.Source))
		return err
	})
}
