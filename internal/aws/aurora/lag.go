package aurora

import (
	"context"
	"fmt"
	"math"
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
	results, err := one.lagData(ctx, passive, id)
	if err != nil {
		return d.cloud.Unread(ctx, check, err), nil
	}
	for n, metric := range lagMetrics() {
		r, found := results[queryID(n)]
		p, ok := newest(r)
		if found && r.StatusCode == types.StatusCodeForbidden {
			check.Detail = dr.T("aurora.lag.forbidden", "metric", metric)
			continue
		}
		if ok {
			return d.judgeLag(check, metric, p, rpo), nil
		}
	}
	if check.Detail.Empty() {
		check.Detail = dr.T("aurora.lag.none", "cluster", id, "window", lagWindow(d.cloud.StaleAfter()))
	}
	return check, nil
}

// lagWindow is how far back a reading is looked for: as far as one would count.
func lagWindow(staleAfter time.Duration) time.Duration { return max(leastLagWindow, staleAfter) }

func queryID(n int) string { return fmt.Sprintf("lag%d", n) }

// lagData asks for every metric in one call.
func (d database) lagData(ctx context.Context, passive dr.Region, id string) (map[string]types.MetricDataResult, error) {
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
	out, err := aws.Read(ctx, session, aws.Connect(session, cloudwatch.NewFromConfig).GetMetricData, in)
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

func (d *Databases) judgeLag(check dr.Check, metric string, p point, rpo float64) dr.Check {
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
	case age > d.cloud.StaleAfter():
		check.Detail = dr.T("aurora.lag.stale", "seconds", tenths(seconds), "age", age)
		return check
	}
	check.Value = aws.Measured(seconds)
	if metric != lagMetrics()[0] {
		check.Detail = dr.T("aurora.lag.by", "metric", metric)
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
