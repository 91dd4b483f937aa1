package aws

import (
	"context"
	"fmt"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/rds"

	"github.com/drbot/drbot/dr"
)

// Promote makes the one call that moves the writer and does not wait for it.
//
// A planned promotion is SwitchoverGlobalCluster, called in the Region of the
// current primary; a disaster is FailoverGlobalCluster with AllowDataLoss,
// called in the Region to be promoted. FailoverGlobalCluster without that flag
// would quietly be a switchover, so it is never called without.
// https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/aurora-global-database-disaster-recovery.html
//
// The call has no client token and is made once. An error with dr.Uncertain
// means that it may have been accepted; with any other code it was not.
func (c *Client) Promote(ctx context.Context, s dr.Service, p dr.Promotion) error {
	target := s.Database.ClusterARN[p.To]
	if err := validPromotion(s, p, target); err != nil {
		return err
	}
	through := p.To
	if p.Mode == dr.Planned {
		through = p.From
	}
	sv, err := c.in(s, through, PurposePromote)
	if err != nil {
		return err
	}
	c.opts.Logger.InfoContext(ctx, "promote", "service", s.Name, "mode", p.Mode,
		"from", p.From, "to", p.To, "through", through)
	if p.Mode == dr.Planned {
		_, err = act(ctx, sv, sv.rds.SwitchoverGlobalCluster, &rds.SwitchoverGlobalClusterInput{
			GlobalClusterIdentifier:   awssdk.String(s.Database.GlobalCluster),
			TargetDbClusterIdentifier: awssdk.String(target),
		})
		return err
	}
	_, err = act(ctx, sv, sv.rds.FailoverGlobalCluster, &rds.FailoverGlobalClusterInput{
		GlobalClusterIdentifier:   awssdk.String(s.Database.GlobalCluster),
		TargetDbClusterIdentifier: awssdk.String(target),
		AllowDataLoss:             awssdk.Bool(true),
	})
	return err
}

func validPromotion(s dr.Service, p dr.Promotion, target string) error {
	msg := ""
	switch {
	case p.Mode != dr.Planned && p.Mode != dr.Disaster:
		msg = fmt.Sprintf("A promotion is planned or disaster, not %q.", p.Mode)
	case s.Database.GlobalCluster == "":
		msg = s.Name + " has no global cluster configured."
	case p.To == "" || p.To == p.From || p.From == "" && p.Mode == dr.Planned:
		msg = fmt.Sprintf("A promotion goes from one Region to another, not from %q to %q.", p.From, p.To)
	case target == "":
		msg = fmt.Sprintf("%s has no database cluster configured in %s.", s.Name, p.To)
	default:
		return nil
	}
	return &dr.Error{Code: dr.Invalid, Msg: msg}
}
