package aws

import (
	"context"
	"sync/atomic"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	watchtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/rds"
)

// DefaultLag is the replication lag of a world in which nothing is the matter.
const DefaultLag = 350 * time.Millisecond

// lagMetrics are those of an Aurora global database that the bot reads. AWS
// publishes them in the Region of the secondary cluster only.
var lagMetrics = []string{"AuroraGlobalDBRPOLag", "AuroraGlobalDBReplicationLag"}

// lag feeds the replication lag of every secondary cluster to CloudWatch.
type lag struct {
	cloud    *Cloud
	bySource bool         // SourceRegion is a second dimension of each metric, as it is on some accounts
	value    atomic.Int64 // nanoseconds
}

// SetLag changes the replication lag that is reported from the next data point on.
func (c *Cloud) SetLag(d time.Duration) { c.lag.value.Store(int64(d)) }

// ReportLag is SetLag, reported before it comes back.
func (c *Cloud) ReportLag(ctx context.Context, d time.Duration) error {
	c.SetLag(d)
	return c.lag.feed(ctx)
}

// run feeds until the context ends. One round that fails is made good by the next; Moto's log says why it failed.
func (l *lag) run(ctx context.Context, every time.Duration) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		_ = l.feed(ctx)
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// feed puts one data point per secondary cluster. None while the writer's Region is
// out: nothing replicates then, and the last data point grows old.
func (l *lag) feed(ctx context.Context) error {
	faults, err := l.cloud.Faults(ctx)
	if err != nil || faults.LagMissing {
		return err
	}
	found, err := l.cloud.home().rds.DescribeGlobalClusters(ctx, &rds.DescribeGlobalClustersInput{})
	if err != nil {
		return err
	}
	for _, cluster := range found.GlobalClusters {
		if l.cloud.Proxy.Out(writerRegion(cluster)) {
			continue
		}
		for _, member := range cluster.GlobalClusterMembers {
			if *member.IsWriter {
				continue
			}
			if err := l.put(ctx, *member.DBClusterArn, writerRegion(cluster)); err != nil {
				return err
			}
		}
	}
	return nil
}

func (l *lag) put(ctx context.Context, arn, source string) error {
	at, known := l.cloud.clients[arnRegion(arn)]
	if !known || l.cloud.Proxy.Out(arnRegion(arn)) {
		return nil
	}
	// CloudWatch here answers until the last full second alone: a reading stamped with the
	// second that runs would be reported and not be seen.
	stamp := time.Now().Add(-time.Second).Truncate(time.Second)
	by := []watchtypes.Dimension{{Name: awssdk.String("DBClusterIdentifier"), Value: awssdk.String(resourceID(arn))}}
	if l.bySource {
		by = append(by, watchtypes.Dimension{Name: awssdk.String("SourceRegion"), Value: &source})
	}
	var data []watchtypes.MetricDatum
	for _, name := range lagMetrics {
		data = append(data, watchtypes.MetricDatum{
			MetricName: awssdk.String(name),
			Timestamp:  &stamp,
			Unit:       watchtypes.StandardUnitMilliseconds,
			Value:      awssdk.Float64(float64(l.value.Load()) / float64(time.Millisecond)),
			Dimensions: by,
		})
	}
	_, err := at.watch.PutMetricData(ctx, &cloudwatch.PutMetricDataInput{
		Namespace: awssdk.String("AWS/RDS"), MetricData: data,
	})
	return err
}
