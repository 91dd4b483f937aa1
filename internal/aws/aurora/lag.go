package aurora

import (
	"context"
	"fmt"
	"math"
	"strings"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/internal/aws"
)

const (
	leastLagWindow = 15 * time.Minute
	lagPeriod      = 60 // seconds
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
func (d *Databases) Lag(ctx context.Context, s dr.Service, db dr.Resource, passive dr.Region) (dr.Check, error) {
	rpo := s.Objectives.RPO.Seconds()
	check := dr.Check{Name: lagCheck, Region: passive, Unit: lagUnit, Level: dr.Unknown, At: d.cloud.Now()}
	if rpo > 0 {
		check.Threshold = aws.Measured(rpo)
	}
	one := d.database(s, db)
	id := one.clusterID(passive)
	if id == "" {
		check.Detail = dr.T("aurora.lag.no-cluster", "region", passive)
		return check, &dr.Error{Code: dr.Invalid,
			What: dr.T("aurora.no-cluster", "service", s.Name, "region", passive), Next: dr.T("aurora.no-cluster.next")}
	}
	best, found, err := d.lastReading(ctx, one, passive, id, &check)
	switch {
	case err != nil:
		return d.cloud.Unread(ctx, check, err), nil
	case found:
		return d.judgeLag(check, best, rpo), nil
	}
	if check.Detail.Empty() {
		check.Detail = dr.T("aurora.lag.none", "cluster", id, "window", lagWindow(d.cloud.StaleAfter()))
	}
	return check, nil
}

// lastReading is the newest that says how far the copy is behind. Where there is none of now by
// the cluster alone, it is looked up by which dimensions there are some; that is remembered.
func (d *Databases) lastReading(ctx context.Context, one database, passive dr.Region, id string, check *dr.Check) (reading, bool, error) {
	best, found, err := d.readings(ctx, one, passive, id, check)
	if err != nil || found && !d.stale(best.point) {
		return best, found, err
	}
	session, err := d.cloud.Session(one.service, passive, aws.PurposeRead)
	if err != nil {
		return best, found, err
	}
	// Where that cannot be looked up it is as if there were none: an older role may not.
	if more, err := d.named.look(ctx, session, passive, id); err != nil || !more {
		return best, found, nil
	}
	again, foundAgain, err := d.readings(ctx, one, passive, id, check)
	if found && (err != nil || !foundAgain) {
		return best, true, nil
	}
	return again, foundAgain, err
}

// readings asks for the metrics by all dimensions that are known, and gives the best.
func (d *Databases) readings(ctx context.Context, one database, passive dr.Region, id string, check *dr.Check) (best reading, found bool, err error) {
	results, err := one.lagData(ctx, passive, id, d.named)
	if err != nil {
		return reading{}, false, err
	}
	for n, metric := range lagMetrics() {
		for _, r := range results[queryID(n)] {
			if r.StatusCode == types.StatusCodeForbidden {
				check.Detail = dr.T("aurora.lag.forbidden", "metric", metric)
				continue
			}
			// The first that is of now: one that has fallen silent hides none that still speaks.
			p, ok := newest(r)
			switch {
			case !ok:
			case !found || best.metric == metric && p.at.After(best.at):
				best.metric, best.point, found = metric, p, true
			case d.stale(best.point) && !d.stale(p):
				best = reading{metric, p, best.point.at}
			}
		}
	}
	return best, found, nil
}

// lagWindow is how far back a reading is looked for: as far as one would count.
func lagWindow(staleAfter time.Duration) time.Duration { return max(leastLagWindow, staleAfter) }

func queryID(n int) string { return fmt.Sprintf("lag%d", n) }

// lagData asks for every metric in one call, by the cluster alone and by what else was found.
// What is given is in the order of the questions, by their ids up to the first "_".
func (d database) lagData(ctx context.Context, passive dr.Region, id string, known *dimensions) (map[string][]types.MetricDataResult, error) {
	session, err := d.cloud.Session(d.service, passive, aws.PurposeRead)
	if err != nil {
		return nil, err
	}
	now := d.cloud.Now()
	in := &cloudwatch.GetMetricDataInput{
		StartTime: awssdk.Time(now.Add(-lagWindow(d.cloud.StaleAfter()))),
		EndTime:   awssdk.Time(now),
		ScanBy:    types.ScanByTimestampDescending,
	}
	for n, metric := range lagMetrics() {
		for k, by := range append([][]types.Dimension{ofCluster(id)}, known.of(passive, id, metric)...) {
			query := queryID(n)
			if k > 0 {
				query = fmt.Sprintf("%s_%d", query, k)
			}
			in.MetricDataQueries = append(in.MetricDataQueries, types.MetricDataQuery{
				Id: awssdk.String(query),
				MetricStat: &types.MetricStat{
					Metric: &types.Metric{Namespace: awssdk.String("AWS/RDS"), MetricName: awssdk.String(metric), Dimensions: by},
					Period: awssdk.Int32(lagPeriod),
					Stat:   awssdk.String("Maximum"),
				},
			})
		}
	}
	out, err := aws.Read(ctx, session, aws.Connect(session, cloudwatch.NewFromConfig).GetMetricData, in)
	if err != nil {
		return nil, err
	}
	results := make(map[string][]types.MetricDataResult, len(out.MetricDataResults))
	for _, r := range out.MetricDataResults {
		query, _, _ := strings.Cut(awssdk.ToString(r.Id), "_")
		results[query] = append(results[query], r)
	}
	return results, nil
}

// reading is what a metric said last.
type reading struct {
	metric string
	point
	silent time.Time // since when the preferred metric says nothing; zero when it is not known to have spoken
}

// stale tells that a point is too old to say how far the copy is behind now.
func (d *Databases) stale(p point) bool { return d.cloud.Now().Sub(p.at) > d.cloud.StaleAfter() }

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

func (d *Databases) judgeLag(check dr.Check, last reading, rpo float64) dr.Check {
	p, metric := last.point, last.metric
	check.At = p.at
	seconds := p.value / 1000
	age := d.cloud.Now().Sub(p.at)
	switch {
	case math.IsNaN(p.value) || math.IsInf(p.value, 0) || p.value < 0:
		check.Detail = dr.T("aurora.lag.senseless")
		return check
	case age < -clocksApart:
		check.Detail = dr.T("aurora.lag.future", "seconds", tenths(seconds), "ahead", -age)
		return check
	case d.stale(p):
		check.Detail = dr.T("aurora.lag.stale", "seconds", tenths(seconds), "age", age)
		return check
	}
	check.Value = aws.Measured(seconds)
	switch preferred := lagMetrics()[0]; {
	case metric == preferred:
	case last.silent.IsZero():
		check.Detail = dr.T("aurora.lag.by", "metric", metric)
	default:
		check.Detail = dr.T("aurora.lag.by-instead", "metric", metric, "silent", preferred, "age", d.cloud.Now().Sub(last.silent))
	}
	switch {
	case rpo <= 0:
		check.Detail = dr.T("aurora.lag.no-rpo")
	case seconds > rpo:
		check.Level = dr.Fail
	case seconds > rpo*lagWarn:
		check.Level = dr.Warn
	default:
		check.Level = dr.OK
	}
	return check
}

func tenths(seconds float64) float64 { return math.Round(seconds*10) / 10 }
