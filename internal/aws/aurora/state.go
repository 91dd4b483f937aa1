package aurora

import (
	"context"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/rds/types"

	"github.com/drbot/drbot/dr"
)

// State reads the global cluster through a Region's endpoint. The writer's
// cluster and instances are read only when the writer is in that same
// Region; otherwise WriterDetail says that they were not, because a disaster
// run must not depend on the Region it leaves.
//
// With more than one writer the error is dr.Conflict and the state is given
// beside it. API: DescribeGlobalClusters, DescribeDBClusters, DescribeDBInstances.
func (d *Databases) State(ctx context.Context, s dr.Service, db dr.Resource, through dr.Region) (dr.DatabaseState, error) {
	one := d.database(s, db)
	g, err := one.globalCluster(ctx, through)
	if err != nil {
		return dr.DatabaseState{ReadFrom: through}, err
	}
	state, writer, err := one.stateOf(g)
	state.ReadFrom = through
	if err != nil {
		return state, err
	}
	switch {
	case writer == "":
		state.WriterDetail = dr.T("aurora.writer.none")
	case state.Writer != through:
		state.WriterDetail = dr.T("aurora.writer.unread", "writer", state.Writer, "through", through)
	default:
		err = one.readWriter(ctx, idOf(writer), &state)
	}
	return state, err
}

// stateOf translates a global cluster and gives the ARN of its writer.
func (d database) stateOf(g types.GlobalCluster) (state dr.DatabaseState, writer string, err error) {
	state.Status = awssdk.ToString(g.Status)
	state.Engine = awssdk.ToString(g.EngineVersion)
	if f := g.FailoverState; f != nil {
		state.Failover = string(f.Status)
		state.FailoverFrom = d.regionOf(awssdk.ToString(f.FromDbClusterArn))
		state.FailoverTo = d.regionOf(awssdk.ToString(f.ToDbClusterArn))
		state.DataLoss = awssdk.ToBool(f.IsDataLossAllowed)
	}
	var writers []string
	for _, m := range g.GlobalClusterMembers {
		member := dr.DatabaseMember{
			ARN:    awssdk.ToString(m.DBClusterArn),
			Region: d.regionOf(awssdk.ToString(m.DBClusterArn)),
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
		What: dr.T("aurora.writers", "cluster", d.globalClusterID(), "n", len(writers), "writers", writers),
		Next: dr.T("aurora.writers.next")}
}

// readWriter fills in whether the writer can take writes. What the global
// cluster calls the writer is not enough: its instance may still be starting.
func (d database) readWriter(ctx context.Context, id string, state *dr.DatabaseState) error {
	m, err := d.member(ctx, state.Writer, id)
	if err != nil && dr.CodeOf(err) == dr.NotFound {
		state.WriterDetail = dr.T("aurora.writer.gone", "cluster", id)
		return nil
	}
	if err != nil {
		return err
	}
	state.WriterDetail = m.told()
	state.WriterReady, state.WriterBusy = m.canWrite(), m.busy()
	return nil
}
