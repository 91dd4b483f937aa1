package aurora

import (
	"context"
	"slices"
	"strings"
	"sync"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/internal/aws"
)

// mostDimensions is how many sets of dimensions of one metric are asked for: after failovers a
// cluster has had more than one source.
const mostDimensions = 5

// dimensions remembers by which dimensions the metrics of a cluster are published, where it is
// not by the cluster alone: with SourceRegion beside it, as the labs of AWS show.
type dimensions struct {
	mu   sync.Mutex
	sets map[string][][]types.Dimension // by Region, cluster and metric
}

func newDimensions() *dimensions { return &dimensions{sets: map[string][][]types.Dimension{}} }

func (m *dimensions) of(region dr.Region, cluster, metric string) [][]types.Dimension {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.sets[dimensionsKey(region, cluster, metric)]
}

func (m *dimensions) keep(region dr.Region, cluster, metric string, sets [][]types.Dimension) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.sets[dimensionsKey(region, cluster, metric)] = sets
}

func dimensionsKey(region dr.Region, cluster, metric string) string {
	return strings.Join([]string{string(region), cluster, metric}, " ")
}

// ofCluster are the dimensions of what is published for a cluster alone.
func ofCluster(id string) []types.Dimension {
	return []types.Dimension{{Name: awssdk.String("DBClusterIdentifier"), Value: awssdk.String(id)}}
}

// look asks which lag metrics a cluster has, and remembers those with further dimensions. It
// tells whether there are any. API: ListMetrics, of what was published in the last two weeks.
func (m *dimensions) look(ctx context.Context, session *aws.Session, region dr.Region, id string) (bool, error) {
	list := aws.Connect(session, cloudwatch.NewFromConfig).ListMetrics
	found := false
	for _, metric := range lagMetrics() {
		in := &cloudwatch.ListMetricsInput{Namespace: awssdk.String("AWS/RDS"), MetricName: awssdk.String(metric)}
		for _, d := range ofCluster(id) {
			in.Dimensions = append(in.Dimensions, types.DimensionFilter{Name: d.Name, Value: d.Value})
		}
		out, err := aws.Read(ctx, session, list, in)
		if err != nil {
			return found, err
		}
		var sets [][]types.Dimension
		for _, at := range out.Metrics {
			if len(at.Dimensions) > 1 {
				sets = append(sets, at.Dimensions)
			}
		}
		slices.SortFunc(sets, func(a, b []types.Dimension) int { return strings.Compare(written(a), written(b)) })
		sets = sets[:min(len(sets), mostDimensions)]
		m.keep(region, id, metric, sets)
		found = found || len(sets) > 0
	}
	return found, nil
}

// written is a set of dimensions as text, to put sets in order.
func written(set []types.Dimension) string {
	var out []string
	for _, d := range set {
		out = append(out, awssdk.ToString(d.Name)+"="+awssdk.ToString(d.Value))
	}
	return strings.Join(out, ",")
}
