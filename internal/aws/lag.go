package aws

import (
	"context"
	"fmt"
	"math"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"github.com/drbot/drbot/dr"
)

const (
	lagWindow = 15 * time.Minute
	lagPeriod = 60 // seconds
	// lagWarn is the share of the RPO above which a lag is worth a look: 60 s of 5 min.
	lagWarn = 0.2
	// clocksApart is how far CloudWatch's clock and this host's may differ.
	clocksApart = time.Minute
)

// lagMetrics in the order of preference. The second is for engine versions that
// do not publish the first (Aurora MySQL before 3.04.0 and 2.12.0).
// https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/aurora-global-database-disaster-recovery.html
func lagMetrics() []string { return []string{"AuroraGlobalDBRPOLag", "AuroraGlobalDBReplicationLag"} }

// Lag reads how far the passive Region's database is behind, in seconds. The
// metrics are published in the secondary Region only, in milliseconds:
// https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/Aurora.AuroraMonitoring.Metrics.html
//
// Without a reading, with a stale one, or when CloudWatch cannot be read, the
// check is Unknown, has no value and says why; the error is for a service that
// has no cluster configured there. API: GetMetricData.
func (c *Client) Lag(ctx context.Context, s dr.Service, passive dr.Region) (dr.Check, error) {
	rpo := s.Objectives.RPO.Seconds()
	check := dr.Check{Name: "aurora.lag", Region: passive, Unit: "s", Level: dr.Unknown, At: c.now()}
	if rpo > 0 {
		check.Threshold = number(rpo)
	}
	id := s.Database.ClusterID(passive)
	if id == "" {
		check.Detail = "no database cluster is configured in " + string(passive)
		return check, &dr.Error{Code: dr.Invalid, Msg: fmt.Sprintf("%s has no database cluster configured in %s.", s.Name, passive)}
	}
	results, err := c.lagData(ctx, s, passive, id)
	if err != nil {
		return c.unread(ctx, check, err), nil
	}
	for n, metric := range lagMetrics() {
		r, found := results[queryID(n)]
		p, ok := newest(r)
		if found && r.StatusCode == types.StatusCodeForbidden {
			check.Detail = "drbot may not read the metric " + metric
			continue
		}
		if ok {
			return c.judgeLag(check, metric, p, rpo), nil
		}
	}
	if check.Detail == "" {
		check.Detail = fmt.Sprintf("no reading for %s in the last %s", id, brief(c.lagWindow()))
	}
	return check, nil
}

func (c *Client) lagWindow() time.Duration { return max(lagWindow, c.opts.StaleAfter) }

func queryID(n int) string { return fmt.Sprintf("lag%d", n) }

// lagData asks for every metric in one call.
func (c *Client) lagData(ctx context.Context, s dr.Service, passive dr.Region, id string) (map[string]types.MetricDataResult, error) {
	sv, err := c.in(s, passive, PurposeRead)
	if err != nil {
		return nil, err
	}
	now := c.now()
	in := &cloudwatch.GetMetricDataInput{
		StartTime: awssdk.Time(now.Add(-c.lagWindow())),
		EndTime:   awssdk.Time(now),
		ScanBy:    types.ScanByTimestampDescending,
	}
	for n, metric := range lagMetrics() {
		in.MetricDataQueries = append(in.MetricDataQueries, types.MetricDataQuery{
			Id: awssdk.String(queryID(n)),
			MetricStat: &types.MetricStat{
				Metric: &types.Metric{
					Namespace:  awssdk.String("AWS/RDS"),
					MetricName: awssdk.String(metric),
					Dimensions: []types.Dimension{{Name: awssdk.String("DBClusterIdentifier"), Value: awssdk.String(id)}},
				},
				Period: awssdk.Int32(lagPeriod),
				Stat:   awssdk.String("Maximum"),
			},
		})
	}
	out, err := read(ctx, sv, sv.cloudwatch.GetMetricData, in)
	if err != nil {
		return nil, err
	}
	results := make(map[string]types.MetricDataResult, len(out.MetricDataResults))
	for _, r := range out.MetricDataResults {
		results[awssdk.ToString(r.Id)] = r
	}
	return results, nil
}

type point struct {
	at    time.Time
	value float64
}

// newest finds the latest point; the order of the answer is not relied on.
func newest(r types.MetricDataResult) (point, bool) {
	var p point
	found := false
	for i, at := range r.Timestamps {
		if i < len(r.Values) && (!found || at.After(p.at)) {
			p, found = point{at, r.Values[i]}, true
		}
	}
	return p, found
}

func (c *Client) judgeLag(check dr.Check, metric string, p point, rpo float64) dr.Check {
	check.At = p.at
	seconds := p.value / 1000
	age := c.now().Sub(p.at)
	switch {
	case math.IsNaN(p.value) || math.IsInf(p.value, 0) || p.value < 0:
		check.Detail = "the reading is no lag"
		return check
	case age < -clocksApart:
		check.Detail = fmt.Sprintf("the last reading, %.1f s, lies %s in the future: this host's clock is wrong", seconds, brief(-age))
		return check
	case age > c.opts.StaleAfter:
		check.Detail = fmt.Sprintf("the last reading, %.1f s, is %s old", seconds, brief(age))
		return check
	}
	check.Value = number(seconds)
	if metric != lagMetrics()[0] {
		check.Detail = "by " + metric
	}
	switch {
	case rpo <= 0:
		check.Detail = "no RPO is configured to judge it by"
	case seconds > rpo:
		check.Level = dr.Fail
	case seconds > rpo*lagWarn:
		check.Level = dr.Warn
	default:
		check.Level = dr.OK
	}
	return check
}

func brief(d time.Duration) string { return d.Round(time.Second).String() }
