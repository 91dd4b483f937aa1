package aws

import (
	"context"
	"fmt"
	"sync"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"

	"github.com/drbot/drbot/dr"
)

// Checks answers whether a service can be moved from source to target: every
// check of readiness, in this order, read in parallel, each in the time of one
// call. It always gives all of them; what cannot be read is Unknown with words
// for people, and the cause goes to the log.
//
//	aurora.writer           the writer is in the source
//	aurora.state            the global cluster is available, nothing is pending
//	aurora.target-sync      the target's member is connected
//	aurora.target-instance  the target's member has an available instance
//	aurora.lag              how far the target is behind
//	source.reachable        RDS in the source answers
//	target.workload         the ECS service of the target exists and is active
//
// The state of the global cluster is read through the target in both modes, so
// that a lost source cannot hide it.
func (c *Client) Checks(ctx context.Context, s dr.Service, mode dr.Mode, source, target dr.Region) []dr.Check {
	groups := []func(context.Context) []dr.Check{
		func(ctx context.Context) []dr.Check { return c.globalChecks(ctx, s, source, target) },
		func(ctx context.Context) []dr.Check { return c.TargetInstance(ctx, s, target) },
		func(ctx context.Context) []dr.Check { return c.lagCheck(ctx, s, target) },
		func(ctx context.Context) []dr.Check { return c.sourceCheck(ctx, s, mode, source) },
		func(ctx context.Context) []dr.Check { return c.workloadCheck(ctx, s, target) },
	}
	results := make([][]dr.Check, len(groups))
	var wg sync.WaitGroup
	for i, group := range groups {
		wg.Go(func() {
			ctx, cancel := context.WithTimeout(ctx, c.opts.CallTimeout)
			defer cancel()
			results[i] = group(ctx)
		})
	}
	wg.Wait()
	var checks []dr.Check
	for _, r := range results {
		checks = append(checks, r...)
	}
	return checks
}

// unread makes a check Unknown because of an error.
func (c *Client) unread(ctx context.Context, check dr.Check, err error) dr.Check {
	c.opts.Logger.WarnContext(ctx, "check not read", "check", check.Name, "region", check.Region, "error", err)
	check.Level, check.Value, check.Detail, check.At = dr.Unknown, nil, words(err), c.now()
	return check
}

// words is what people may see of an error.
func words(err error) string {
	msg, _ := dr.Public(err, "it could not be read")
	return msg
}

func number(v float64) *float64 { return &v }

func (c *Client) globalChecks(ctx context.Context, s dr.Service, source, target dr.Region) []dr.Check {
	writer := dr.Check{Name: "aurora.writer", Region: source, At: c.now()}
	state := dr.Check{Name: "aurora.state", Region: target, At: c.now()}
	sync := dr.Check{Name: "aurora.target-sync", Region: target, At: c.now()}
	g, err := c.globalCluster(ctx, s, target)
	if err != nil {
		return []dr.Check{c.unread(ctx, writer, err), c.unread(ctx, state, err), c.unread(ctx, sync, err)}
	}
	st, _, err := stateOf(s, g)
	judgeWriter(&writer, st, source, err)
	judgeState(&state, st)
	judgeSync(&sync, st, target)
	return []dr.Check{writer, state, sync}
}

func judgeWriter(check *dr.Check, st dr.DatabaseState, source dr.Region, err error) {
	switch {
	case err != nil:
		check.Level, check.Detail = dr.Fail, words(err)
	case st.Writer == source && source != "":
		check.Level, check.Detail = dr.OK, fmt.Sprintf("the writer is in %s", source)
	case st.Writer == "":
		check.Level, check.Detail = dr.Fail, "the global cluster shows no writer"
	default:
		check.Level, check.Detail = dr.Fail, fmt.Sprintf("the writer is in %s, not in %s", st.Writer, source)
	}
}

func judgeState(check *dr.Check, st dr.DatabaseState) {
	check.Level, check.Detail = dr.Fail, "the global cluster is "+orNone(st.Status)
	switch {
	case st.Failover != "":
		check.Detail = fmt.Sprintf("an operation is pending: %s to %s", st.Failover, st.FailoverTo)
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
		check.Level, check.Detail = dr.Fail, m.Sync
		switch m.Sync {
		case "connected":
			check.Level = dr.OK
		case "":
			check.Level, check.Detail = dr.Unknown, "RDS gives no synchronization status"
		}
		return
	}
	check.Level, check.Detail = dr.Fail, fmt.Sprintf("the global cluster has no member in %s", target)
}

func (c *Client) lagCheck(ctx context.Context, s dr.Service, target dr.Region) []dr.Check {
	check, err := c.Lag(ctx, s, target)
	if err != nil {
		check = c.unread(ctx, check, err)
	}
	return []dr.Check{check}
}

// sourceCheck asks the source something cheap. That the cluster is not there is
// an answer too.
func (c *Client) sourceCheck(ctx context.Context, s dr.Service, mode dr.Mode, source dr.Region) []dr.Check {
	check := dr.Check{Name: "source.reachable", Region: source, Level: dr.OK, Detail: "RDS answers", At: c.now()}
	_, err := c.cluster(ctx, s, source, s.Database.ClusterID(source))
	switch {
	case err == nil:
	case dr.CodeOf(err) == dr.NotFound:
		check.Detail = words(err)
	default:
		check = c.unread(ctx, check, err)
		if mode == dr.Planned {
			check.Detail += " A planned run needs both Regions."
		}
	}
	return []dr.Check{check}
}

// workloadCheck looks for the target's ECS service. Where the strategy keeps one
// running its absence is a failure; where the run's own apply makes it, a warning.
func (c *Client) workloadCheck(ctx context.Context, s dr.Service, target dr.Region) []dr.Check {
	check := dr.Check{Name: "target.workload", Region: target, At: c.now()}
	service, err := c.ecsService(ctx, s, target)
	switch {
	case err != nil && dr.CodeOf(err) == dr.NotFound:
		check.Level, check.Detail = dr.Fail, words(err)
		if s.Strategy == dr.PilotLight || s.Strategy == dr.BackupRestore {
			check.Level = dr.Warn
		}
	case err != nil:
		check = c.unread(ctx, check, err)
	default:
		status := orNone(awssdk.ToString(service.Status))
		check.Level, check.Detail = dr.OK, fmt.Sprintf("%s, running %d of %d desired", status, service.RunningCount, service.DesiredCount)
		if status != serviceActive {
			check.Level = dr.Fail
		}
	}
	return []dr.Check{check}
}
