package aurora

import (
	"context"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/rds"
	"github.com/aws/aws-sdk-go-v2/service/rds/types"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/internal/aws"
)

// available is the status of a global cluster, cluster or instance that can
// take part in a promotion. Statuses are compared as strings: the documented
// list is longer than the API's enumeration.
const available = "available"

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

// told is the member as people read it.
func (m member) told() dr.Text {
	var instances []dr.Text
	for _, i := range m.instances {
		if i.writer {
			instances = append(instances, dr.T("aurora.member.writer", "instance", i.id, "status", aws.Status(i.status)))
		} else {
			instances = append(instances, dr.T("aurora.member.instance", "instance", i.id, "status", aws.Status(i.status)))
		}
	}
	if len(instances) == 0 {
		return dr.T("aurora.member.empty", "cluster", m.id, "status", aws.Status(m.status))
	}
	return dr.T("aurora.member", "cluster", m.id, "status", aws.Status(m.status), "instances", instances)
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

// canWrite tells that the writer instance and its cluster are available.
func (m member) canWrite() bool {
	for _, i := range m.instances {
		if i.writer && i.status == available && m.status == available {
			return true
		}
	}
	return false
}

// member reads a cluster and its instances in their own Region. A cluster has
// at most 16 instances, fewer than the smallest page, so there is one page.
func (d database) member(ctx context.Context, in dr.Region, id string) (member, error) {
	cluster, err := d.cluster(ctx, in, id)
	if err != nil {
		return member{}, err
	}
	session, client, err := d.rds(in, aws.PurposeRead)
	if err != nil {
		return member{}, err
	}
	out, err := aws.Read(ctx, session, client.DescribeDBInstances, &rds.DescribeDBInstancesInput{
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
