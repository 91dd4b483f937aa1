package aws

import (
	"context"
	"fmt"
	"strings"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/rds"
	"github.com/aws/aws-sdk-go-v2/service/rds/types"

	"github.com/drbot/drbot/dr"
)

// member is one Region's cluster of a global database, statuses raw.
type member struct {
	id        string
	status    string
	instances []instance
}

type instance struct {
	id     string
	status string
	writer bool // IsClusterWriter
}

// String is the member as a line for people.
func (m member) String() string {
	parts := []string{fmt.Sprintf("cluster %s %s", m.id, orNone(m.status))}
	for _, i := range m.instances {
		role := "instance"
		if i.writer {
			role = "writer"
		}
		parts = append(parts, fmt.Sprintf("%s %s %s", role, i.id, orNone(i.status)))
	}
	if len(m.instances) == 0 {
		parts = append(parts, "no instance")
	}
	return strings.Join(parts, ", ")
}

func (m member) availableInstances() int {
	n := 0
	for _, i := range m.instances {
		if i.status == available {
			n++
		}
	}
	return n
}

func orNone(status string) string {
	if status == "" {
		return "without a status"
	}
	return status
}

// member reads a cluster and its instances in their own Region. A cluster has
// at most 16 instances, fewer than the smallest page, so there is one page.
func (c *Client) member(ctx context.Context, s dr.Service, region dr.Region, id string) (member, error) {
	cluster, err := c.cluster(ctx, s, region, id)
	if err != nil {
		return member{}, err
	}
	sv, err := c.in(s, region, PurposeRead)
	if err != nil {
		return member{}, err
	}
	out, err := read(ctx, sv, sv.rds.DescribeDBInstances, &rds.DescribeDBInstancesInput{
		Filters: []types.Filter{{Name: awssdk.String("db-cluster-id"), Values: []string{id}}},
	})
	if err != nil {
		return member{}, err
	}
	writers := make(map[string]bool)
	for _, m := range cluster.DBClusterMembers {
		writers[awssdk.ToString(m.DBInstanceIdentifier)] = awssdk.ToBool(m.IsClusterWriter)
	}
	m := member{id: id, status: awssdk.ToString(cluster.Status)}
	for _, i := range out.DBInstances {
		// The filter is the service's; a stranger's instance must not make a
		// headless cluster look ready if it is not honoured.
		if of := awssdk.ToString(i.DBClusterIdentifier); of != "" && of != id {
			continue
		}
		name := awssdk.ToString(i.DBInstanceIdentifier)
		m.instances = append(m.instances, instance{name, awssdk.ToString(i.DBInstanceStatus), writers[name]})
	}
	return m, nil
}

func (c *Client) cluster(ctx context.Context, s dr.Service, region dr.Region, id string) (types.DBCluster, error) {
	if id == "" {
		return types.DBCluster{}, &dr.Error{Code: dr.Invalid,
			Msg:  fmt.Sprintf("%s has no database cluster configured in %s.", s.Name, region),
			Hint: "Add it to database.cluster_arn in the configuration."}
	}
	sv, err := c.in(s, region, PurposeRead)
	if err != nil {
		return types.DBCluster{}, err
	}
	out, err := read(ctx, sv, sv.rds.DescribeDBClusters, &rds.DescribeDBClustersInput{DBClusterIdentifier: awssdk.String(id)})
	if err != nil && dr.CodeOf(err) != dr.NotFound {
		return types.DBCluster{}, err
	}
	if err == nil {
		for _, cl := range out.DBClusters {
			if strings.EqualFold(awssdk.ToString(cl.DBClusterIdentifier), id) {
				return cl, nil
			}
		}
	}
	return types.DBCluster{}, &dr.Error{Code: dr.NotFound, Err: err,
		Msg:  fmt.Sprintf("There is no database cluster %s in %s.", id, region),
		Hint: "Look at database.cluster_arn in the configuration."}
}

// TargetInstance tells whether a Region's member cluster can be promoted: it is
// available and has an instance that is. A headless secondary must be given an
// instance before a switchover or failover to it:
// https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/aurora-global-database-disaster-recovery.html
func (c *Client) TargetInstance(ctx context.Context, s dr.Service, region dr.Region) []dr.Check {
	check := dr.Check{Name: "aurora.target-instance", Region: region, Unit: "instances", At: c.now()}
	m, err := c.member(ctx, s, region, s.Database.ClusterID(region))
	if dr.CodeOf(err) == dr.NotFound && err != nil {
		check.Level, check.Detail = dr.Fail, words(err)
		return []dr.Check{check}
	}
	if err != nil {
		return []dr.Check{c.unread(ctx, check, err)}
	}
	n := m.availableInstances()
	check.Value, check.Threshold = number(float64(n)), number(1)
	check.Level, check.Detail = dr.OK, m.String()
	switch {
	case len(m.instances) == 0:
		check.Level, check.Detail = dr.Fail, "cluster "+m.id+" has no instance, a headless secondary cannot be promoted as it is"
	case n == 0 || m.status != available:
		check.Level = dr.Fail
	}
	return []dr.Check{check}
}
