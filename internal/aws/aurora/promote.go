package aurora

import (
	"context"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/rds"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/internal/aws"
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
func (d *Databases) Promote(ctx context.Context, s dr.Service, db dr.Resource, p dr.Promotion) error {
	one := d.database(s, db)
	if err := one.validPromotion(p); err != nil {
		return err
	}
	through := p.To
	if p.Mode == dr.Planned {
		through = p.From
	}
	session, client, err := one.rds(through, aws.PurposePromote)
	if err != nil {
		return err
	}
	d.cloud.Logger().InfoContext(ctx, "promote a database", "service", s.Name, "database", db.Name, "mode", p.Mode,
		"from", p.From, "to", p.To, "through", through)
	global, target := one.globalClusterID(), db.At(p.To, ClusterARN)
	if p.Mode == dr.Planned {
		_, err = aws.ActOnce(ctx, session, client.SwitchoverGlobalCluster, &rds.SwitchoverGlobalClusterInput{
			GlobalClusterIdentifier:   awssdk.String(global),
			TargetDbClusterIdentifier: awssdk.String(target),
		})
		return err
	}
	_, err = aws.ActOnce(ctx, session, client.FailoverGlobalCluster, &rds.FailoverGlobalClusterInput{
		GlobalClusterIdentifier:   awssdk.String(global),
		TargetDbClusterIdentifier: awssdk.String(target),
		AllowDataLoss:             awssdk.Bool(true),
	})
	return err
}

func (d database) validPromotion(p dr.Promotion) error {
	var what dr.Text
	switch {
	case p.Mode != dr.Planned && p.Mode != dr.Disaster:
		what = dr.T("aurora.promotion.mode", "mode", p.Mode)
	case d.globalClusterID() == "":
		what = dr.T("aurora.no-global", "service", d.service)
	case p.To == "" || p.To == p.From || p.From == "" && p.Mode == dr.Planned:
		what = dr.T("aurora.promotion.regions", "source", p.From, "target", p.To)
	case d.resource.At(p.To, ClusterARN) == "":
		what = dr.T("aurora.no-cluster", "service", d.service, "region", p.To)
	default:
		return nil
	}
	return &dr.Error{Code: dr.Invalid, What: what}
}
