package aurora

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/internal/aws/awstest"
)

func TestState(t *testing.T) {
	f := awstest.NewFake(t)
	f.On("DescribeGlobalClusters", awstest.SteadyGlobalCluster())
	f.On("DescribeDBClusters", awstest.DBCluster("portal-seoul", "available", "a", "b"))
	f.On("DescribeDBInstances", awstest.DBInstances("a available", "b rebooting"))
	st, err := New(f.Client(t)).State(t.Context(), awstest.Portal(), awstest.Database(), awstest.Seoul)
	if err != nil {
		t.Fatal(err)
	}
	if st.Status != "available" || st.Failover != "" || st.Writer != awstest.Seoul || !st.WriterReady || st.ReadFrom != awstest.Seoul || st.Engine == "" {
		t.Errorf("%+v", st)
	}
	want := []dr.DatabaseMember{{ARN: awstest.SeoulARN, Region: awstest.Seoul, Writer: true, Sync: "connected"}, {ARN: awstest.TokyoARN, Region: awstest.Tokyo, Sync: "connected"}}
	if !slices.Equal(st.Members, want) {
		t.Errorf("members %+v", st.Members)
	}
	if want := "cluster portal-seoul available, writer a available, instance b rebooting"; awstest.Say(t, st.WriterDetail) != want {
		t.Errorf("detail %s, want %q", st.WriterDetail, want)
	}
}

func TestStateDoesNotNeedTheWritersRegion(t *testing.T) {
	f := awstest.NewFake(t)
	f.On("ap-northeast-2 *", f.Hang)
	f.On("ap-northeast-1 DescribeGlobalClusters", awstest.SteadyGlobalCluster())
	st, err := New(f.Client(t)).State(t.Context(), awstest.Portal(), awstest.Database(), awstest.Tokyo)
	if err != nil || st.WriterReady || !strings.HasPrefix(awstest.Say(t, st.WriterDetail), "not read") {
		t.Errorf("%+v, %v", st, err)
	}
	if got := f.Asked(); len(got) != 1 {
		t.Errorf("asked %q", got)
	}
}

func TestStateRawStrings(t *testing.T) {
	f := awstest.NewFake(t)
	f.On("DescribeGlobalClusters", awstest.GlobalCluster("frobnicating",
		"<FailoverState><Status>switching-over</Status><FromDbClusterArn>"+awstest.SeoulARN+"</FromDbClusterArn><ToDbClusterArn>"+awstest.TokyoARN+"</ToDbClusterArn><IsDataLossAllowed>true</IsDataLossAllowed></FailoverState>",
		"arn:aws:rds:eu-west-1:123456789012:cluster:other true never-heard-of"))
	st, err := New(f.Client(t)).State(t.Context(), awstest.Portal(), awstest.Database(), awstest.Tokyo)
	if err != nil {
		t.Fatal(err)
	}
	if st.Status != "frobnicating" || st.Failover != "switching-over" || st.FailoverFrom != awstest.Seoul || st.FailoverTo != awstest.Tokyo || !st.DataLoss {
		t.Errorf("%+v", st)
	}
	if st.Writer != "eu-west-1" || st.Members[0].Sync != "never-heard-of" {
		t.Errorf("a member the configuration does not name: %+v", st)
	}
}

func TestStateWriters(t *testing.T) {
	f := awstest.NewFake(t)
	c := New(f.Client(t))
	f.On("DescribeGlobalClusters", awstest.GlobalCluster("available", "", awstest.SeoulARN+" true connected", awstest.TokyoARN+" true connected"))
	st, err := c.State(t.Context(), awstest.Portal(), awstest.Database(), awstest.Tokyo)
	awstest.Refused(t, err, dr.Conflict)
	if st.Writer != "" || len(st.Members) != 2 {
		t.Errorf("two writers: %+v", st)
	}
	f.On("DescribeGlobalClusters", awstest.GlobalCluster("available", "", awstest.SeoulARN+" false connected"))
	if st, err = c.State(t.Context(), awstest.Portal(), awstest.Database(), awstest.Tokyo); err != nil || st.Writer != "" || st.WriterReady {
		t.Errorf("no writer: %+v, %v", st, err)
	}
}

func TestWriterReady(t *testing.T) {
	for name, tc := range map[string]struct {
		cluster, instances awstest.Answer
		ready              bool
	}{
		"ready":             {awstest.DBCluster("portal-tokyo", "available", "a"), awstest.DBInstances("a available"), true},
		"cluster promoting": {awstest.DBCluster("portal-tokyo", "promoting", "a"), awstest.DBInstances("a available"), false},
		"instance starting": {awstest.DBCluster("portal-tokyo", "available", "a", "b"), awstest.DBInstances("a starting", "b available"), false},
		"no member shown":   {awstest.DBCluster("portal-tokyo", "available"), awstest.DBInstances("a available"), false},
		"no instance":       {awstest.DBCluster("portal-tokyo", "available"), awstest.DBInstances(), false},
		"another cluster's": {awstest.DBCluster("portal-tokyo", "available", "a"),
			awstest.XML("<DBInstances><DBInstance><DBInstanceIdentifier>a</DBInstanceIdentifier><DBInstanceStatus>available</DBInstanceStatus><DBClusterIdentifier>other</DBClusterIdentifier></DBInstance></DBInstances>"), false},
		"cluster missing": {awstest.XMLError(404, "DBClusterNotFoundFault"), awstest.DBInstances(), false},
	} {
		t.Run(name, func(t *testing.T) {
			f := awstest.NewFake(t)
			f.On("DescribeGlobalClusters", awstest.GlobalCluster("available", "", awstest.SeoulARN+" false connected", awstest.TokyoARN+" true connected"))
			f.On("DescribeDBClusters", tc.cluster)
			f.On("DescribeDBInstances", tc.instances)
			st, err := New(f.Client(t)).State(t.Context(), awstest.Portal(), awstest.Database(), awstest.Tokyo)
			if err != nil || st.WriterReady != tc.ready || st.WriterDetail.Empty() {
				t.Errorf("%+v, %v", st, err)
			}
		})
	}
}

func TestStateOfWhatIsNotThere(t *testing.T) {
	for name, answer := range map[string]awstest.Answer{
		"missing": awstest.XMLError(404, "GlobalClusterNotFoundFault"),
		"empty":   awstest.XML("<GlobalClusters></GlobalClusters>"),
	} {
		t.Run(name, func(t *testing.T) {
			f := awstest.NewFake(t)
			f.On("DescribeGlobalClusters", answer)
			_, err := New(f.Client(t)).State(t.Context(), awstest.Portal(), awstest.Database(), awstest.Tokyo)
			awstest.Refused(t, err, dr.NotFound)
			if msg, _ := awstest.Told(t, err); !strings.Contains(msg, "no global cluster portal") {
				t.Errorf("people are shown %q", msg)
			}
		})
	}
	f := awstest.NewFake(t)
	_, err := New(f.Client(t)).State(t.Context(), awstest.Portal(), dr.Resource{Name: "bare"}, awstest.Tokyo)
	awstest.Refused(t, err, dr.Invalid)
	_, err = New(f.Client(t)).State(t.Context(), awstest.Portal(), awstest.Database(), "")
	awstest.Refused(t, err, dr.Invalid)
	if got := f.Asked(); len(got) != 0 {
		t.Errorf("asked %q", got)
	}
}

// Two databases of a service are told apart by what identifies them.
func TestStateOfTheDatabaseAskedFor(t *testing.T) {
	f := awstest.NewFake(t)
	f.On("DescribeGlobalClusters", func(w http.ResponseWriter, c awstest.Call) {
		id := c.Form.Get("GlobalClusterIdentifier")
		awstest.XML("<GlobalClusters><GlobalClusterMember><GlobalClusterIdentifier>%s</GlobalClusterIdentifier><Status>of %s</Status></GlobalClusterMember></GlobalClusters>", id, id)(w, c)
	})
	users := awstest.Database()
	users.Name, users.Spec = "users", map[string]string{GlobalCluster: "portal-users"}
	databases := New(f.Client(t))
	for _, db := range []dr.Resource{awstest.Database(), users} {
		st, err := databases.State(t.Context(), awstest.Portal(), db, awstest.Tokyo)
		if want := "of " + db.Spec[GlobalCluster]; err != nil || st.Status != want {
			t.Errorf("%+v, %v, want %s", st, err, want)
		}
	}
}
