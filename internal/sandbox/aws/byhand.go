package aws

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/rds"
)

// MoveWriter promotes the database in the other Region, as somebody does by hand in the console.
func (c *Cloud) MoveWriter(ctx context.Context) error {
	at, _, err := c.GlobalWriter(ctx)
	if err != nil {
		return err
	}
	to := c.Layout.Home
	if at == to {
		to = c.Layout.Standby
	}
	arn, lossy := c.Layout.Regions[to].ClusterARN, true
	_, err = c.clients[to].rds.FailoverGlobalCluster(ctx, &rds.FailoverGlobalClusterInput{
		GlobalClusterIdentifier: &c.Layout.GlobalCluster, TargetDbClusterIdentifier: &arn, AllowDataLoss: &lossy,
	})
	if err != nil {
		return fmt.Errorf("move the writer to %s: %w", to, err)
	}
	return nil
}
