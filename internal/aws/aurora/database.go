package aurora

import (
	"context"
	"strings"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/arn"
	"github.com/aws/aws-sdk-go-v2/service/rds"
	"github.com/aws/aws-sdk-go-v2/service/rds/types"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/internal/aws"
)

// Databases are the Aurora global databases of services. It is safe for
// concurrent use.
type Databases struct {
	cloud *aws.Client
	named *dimensions
}

// New makes Databases of a client.
func New(cloud *aws.Client) *Databases { return &Databases{cloud, newDimensions()} }

// database is one global database of a service.
type database struct {
	cloud    *aws.Client
	service  string
	resource dr.Resource
}

func (d *Databases) database(s dr.Service, db dr.Resource) database {
	return database{d.cloud, s.Name, db}
}

func (d database) globalClusterID() string { return d.resource.Spec[GlobalCluster] }

// clusterID is the identifier of a Region's member; empty when none is configured.
func (d database) clusterID(in dr.Region) string { return idOf(d.resource.At(in, ClusterARN)) }

// idOf is the identifier in the ARN of a cluster.
func idOf(clusterARN string) string { return clusterARN[strings.LastIndexByte(clusterARN, ':')+1:] }

// regionOf finds the Region of a member cluster: by the configuration, and for
// a cluster it does not name by the ARN itself.
func (d database) regionOf(clusterARN string) dr.Region {
	for region, fields := range d.resource.In {
		if fields[ClusterARN] == clusterARN {
			return region
		}
	}
	a, err := arn.Parse(clusterARN)
	if err != nil {
		return ""
	}
	return dr.Region(a.Region)
}

// rds is the RDS of a Region.
func (d database) rds(in dr.Region, purpose aws.Purpose) (*aws.Session, *rds.Client, error) {
	session, err := d.cloud.Session(d.service, in, purpose)
	if err != nil {
		return nil, nil, err
	}
	return session, aws.Connect(session, rds.NewFromConfig), nil
}

func (d database) globalCluster(ctx context.Context, through dr.Region) (types.GlobalCluster, error) {
	id := d.globalClusterID()
	if id == "" {
		return types.GlobalCluster{}, &dr.Error{Code: dr.Invalid, What: dr.T("aurora.no-global", "service", d.service)}
	}
	session, client, err := d.rds(through, aws.PurposeRead)
	if err != nil {
		return types.GlobalCluster{}, err
	}
	out, err := aws.Read(ctx, session, client.DescribeGlobalClusters,
		&rds.DescribeGlobalClustersInput{GlobalClusterIdentifier: awssdk.String(id)})
	if err != nil && dr.CodeOf(err) != dr.NotFound {
		return types.GlobalCluster{}, err
	}
	if err == nil {
		for _, g := range out.GlobalClusters {
			if strings.EqualFold(awssdk.ToString(g.GlobalClusterIdentifier), id) {
				return g, nil
			}
		}
	}
	return types.GlobalCluster{}, &dr.Error{Code: dr.NotFound, Err: err,
		What: dr.T("aurora.global.missing", "cluster", id, "region", through), Next: dr.T("aurora.global.missing.next")}
}

func (d database) cluster(ctx context.Context, in dr.Region, id string) (types.DBCluster, error) {
	if id == "" {
		return types.DBCluster{}, &dr.Error{Code: dr.Invalid,
			What: dr.T("aurora.no-cluster", "service", d.service, "region", in), Next: dr.T("aurora.no-cluster.next")}
	}
	session, client, err := d.rds(in, aws.PurposeRead)
	if err != nil {
		return types.DBCluster{}, err
	}
	out, err := aws.Read(ctx, session, client.DescribeDBClusters, &rds.DescribeDBClustersInput{DBClusterIdentifier: awssdk.String(id)})
	if err != nil && dr.CodeOf(err) != dr.NotFound {
		return types.DBCluster{}, err
	}
	if err == nil {
		for _, cluster := range out.DBClusters {
			if strings.EqualFold(awssdk.ToString(cluster.DBClusterIdentifier), id) {
				return cluster, nil
			}
		}
	}
	return types.DBCluster{}, &dr.Error{Code: dr.NotFound, Err: err,
		What: dr.T("aurora.cluster.missing", "cluster", id, "region", in), Next: dr.T("aurora.cluster.missing.next")}
}
