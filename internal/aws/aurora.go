package aws

import (
	"context"
	"fmt"
	"strings"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/arn"
	"github.com/aws/aws-sdk-go-v2/service/rds"
	"github.com/aws/aws-sdk-go-v2/service/rds/types"

	"github.com/drbot/drbot/dr"
)

// available is the status of a global cluster, cluster or instance that can
// take part in a promotion. Statuses are compared as strings: the documented
// list is longer than the API's enumeration.
const available = "available"

// DatabaseState reads the global cluster through a Region's endpoint. The
// writer's cluster and instances are read only when the writer is in that same
// Region; otherwise WriterDetail says that they were not, because a disaster
// run must not depend on the Region it leaves.
//
// With more than one writer the error is dr.Conflict and the state is given
// beside it. API: DescribeGlobalClusters, DescribeDBClusters, DescribeDBInstances.
func (c *Client) DatabaseState(ctx context.Context, s dr.Service, through dr.Region) (dr.DatabaseState, error) {
	g, err := c.globalCluster(ctx, s, through)
	if err != nil {
		return dr.DatabaseState{ReadFrom: through}, err
	}
	state, writer, err := stateOf(s, g)
	state.ReadFrom = through
	if err != nil {
		return state, err
	}
	switch {
	case writer == "":
		state.WriterDetail = "the global cluster shows no writer"
	case state.Writer != through:
		state.WriterDetail = fmt.Sprintf("not read: the writer is in %s, asked through %s", state.Writer, through)
	default:
		err = c.readWriter(ctx, s, clusterID(writer), &state)
	}
	return state, err
}

func (c *Client) globalCluster(ctx context.Context, s dr.Service, through dr.Region) (types.GlobalCluster, error) {
	id := s.Database.GlobalCluster
	if id == "" {
		return types.GlobalCluster{}, &dr.Error{Code: dr.Invalid, Msg: s.Name + " has no global cluster configured."}
	}
	sv, err := c.in(s, through, PurposeRead)
	if err != nil {
		return types.GlobalCluster{}, err
	}
	out, err := read(ctx, sv, sv.rds.DescribeGlobalClusters,
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
		Msg:  fmt.Sprintf("There is no global cluster %s, asked in %s.", id, through),
		Hint: "Look at database.global_cluster in the configuration."}
}

// stateOf translates a global cluster and gives the ARN of its writer.
func stateOf(s dr.Service, g types.GlobalCluster) (state dr.DatabaseState, writer string, err error) {
	state.Status = awssdk.ToString(g.Status)
	state.Engine = awssdk.ToString(g.EngineVersion)
	if f := g.FailoverState; f != nil {
		state.Failover = string(f.Status)
		state.FailoverFrom = regionOf(s, awssdk.ToString(f.FromDbClusterArn))
		state.FailoverTo = regionOf(s, awssdk.ToString(f.ToDbClusterArn))
		state.DataLoss = awssdk.ToBool(f.IsDataLossAllowed)
	}
	var writers []string
	for _, m := range g.GlobalClusterMembers {
		member := dr.DatabaseMember{
			ARN:    awssdk.ToString(m.DBClusterArn),
			Region: regionOf(s, awssdk.ToString(m.DBClusterArn)),
			Writer: awssdk.ToBool(m.IsWriter),
			Sync:   string(m.SynchronizationStatus),
		}
		state.Members = append(state.Members, member)
		if member.Writer {
			writers = append(writers, member.ARN)
			state.Writer = member.Region
		}
	}
	switch len(writers) {
	case 0:
		return state, "", nil
	case 1:
		return state, writers[0], nil
	}
	state.Writer = ""
	return state, "", &dr.Error{Code: dr.Conflict,
		Msg:  fmt.Sprintf("The global cluster %s shows %d writers: %s.", s.Database.GlobalCluster, len(writers), strings.Join(writers, ", ")),
		Hint: "Do not promote anything; look at it in the RDS console."}
}

// regionOf finds the Region of a member cluster: by the configuration, and for
// a cluster it does not name by the ARN itself.
func regionOf(s dr.Service, clusterARN string) dr.Region {
	if r, ok := s.Database.RegionOf(clusterARN); ok {
		return r
	}
	a, err := arn.Parse(clusterARN)
	if err != nil {
		return ""
	}
	return dr.Region(a.Region)
}

// clusterID is the identifier in the ARN of a cluster.
func clusterID(clusterARN string) string {
	return clusterARN[strings.LastIndexByte(clusterARN, ':')+1:]
}

// readWriter fills in whether the writer can take writes. What the global
// cluster calls the writer is not enough: its instance may still be starting.
func (c *Client) readWriter(ctx context.Context, s dr.Service, id string, state *dr.DatabaseState) error {
	m, err := c.member(ctx, s, state.Writer, id)
	if dr.CodeOf(err) == dr.NotFound && err != nil {
		state.WriterDetail = fmt.Sprintf("cluster %s is not there", id)
		return nil
	}
	if err != nil {
		return err
	}
	state.WriterDetail = m.String()
	for _, i := range m.instances {
		if i.writer && i.status == available && m.status == available {
			state.WriterReady = true
		}
	}
	return nil
}
