package aurora

import (
	"strings"
	"testing"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/internal/aws/awstest"
)

// TestCaseAWS4BlockingStatuses has the target's cluster and instances in every kind of status:
// what keeps it from being promoted fails, what passes warns, and so does what is not known.
func TestCaseAWS4BlockingStatuses(t *testing.T) {
	for name, tc := range map[string]struct {
		cluster, instances string
		want               dr.Level
	}{
		"all well":                {"available", "t available", dr.OK},
		"one of two is":           {"available", "t failed, u available", dr.OK},
		"cluster backing up":      {"backing-up", "t available", dr.Warn},
		"cluster modified":        {"modifying", "t available", dr.Warn},
		"cluster maintained":      {"maintenance", "t available", dr.Warn},
		"cluster upgraded":        {"upgrading", "t upgrading", dr.Warn},
		"cluster optimized":       {"storage-optimization", "t storage-optimization", dr.Warn},
		"instance backing up":     {"available", "t backing-up", dr.Warn},
		"instance modified":       {"available", "t modifying", dr.Warn},
		"instance configured":     {"available", "t configuring-enhanced-monitoring", dr.Warn},
		"instance rebooting":      {"available", "t rebooting", dr.Warn},
		"of two, one can do it":   {"available", "t failed, u backing-up", dr.Warn},
		"nobody has heard of it":  {"frobnicating", "t frobnicating", dr.Warn},
		"cluster deleted":         {"deleting", "t available", dr.Fail},
		"cluster made":            {"creating", "t available", dr.Fail},
		"cluster stopped":         {"stopped", "t stopped", dr.Fail},
		"cluster being stopped":   {"stopping", "t available", dr.Fail},
		"cluster being started":   {"starting", "t starting", dr.Fail},
		"cluster without its key": {"inaccessible-encryption-credentials", "t available", dr.Fail},
		"its key may come back":   {"inaccessible-encryption-credentials-recoverable", "t available", dr.Fail},
		"cluster failed":          {"failed", "t available", dr.Fail},
		"cluster promoted":        {"promoting", "t available", dr.Fail},
		"cluster fails over":      {"failing-over", "t available", dr.Fail},
		"instance made":           {"available", "t creating", dr.Fail},
		"instance deleted":        {"available", "t deleting", dr.Fail},
		"all failed":              {"available", "t failed, u incompatible-network", dr.Fail},
		"instance full":           {"available", "t storage-full", dr.Fail},
		"no capacity":             {"available", "t insufficient-capacity", dr.Fail},
		"letters":                 {"Deleting", "t available", dr.Fail},
	} {
		t.Run(name, func(t *testing.T) {
			f := awstest.NewFake(t)
			f.AllWell()
			instances := strings.Split(tc.instances, ", ")
			f.On("ap-northeast-1 DescribeDBClusters", awstest.DBCluster("portal-tokyo", tc.cluster, "t"))
			f.On("ap-northeast-1 DescribeDBInstances", awstest.DBInstances(instances...))
			for _, c := range New(f.Client(t)).Read(t.Context(), dr.Target{Service: awstest.Portal(), Resource: awstest.Database(), Mode: dr.Disaster, Source: awstest.Seoul, Target: awstest.Tokyo}) {
				if c.Name != targetInstanceCheck {
					continue
				}
				if said := awstest.Say(t, c.Detail); c.Level != tc.want || !strings.Contains(said, tc.cluster) || !strings.Contains(said, instances[0]) {
					t.Errorf("%s: %s", c.Level, said)
				}
			}
		})
	}
}
