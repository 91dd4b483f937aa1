package aws

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/drbot/drbot/dr"
)

func TestDatabaseState(t *testing.T) {
	f := newFake(t)
	f.on("DescribeGlobalClusters", steady())
	f.on("DescribeDBClusters", cluster("portal-seoul", "available", "a", "b"))
	f.on("DescribeDBInstances", instances("a available", "b rebooting"))
	st, err := f.client(t).DatabaseState(t.Context(), portal(), seoul)
	if err != nil {
		t.Fatal(err)
	}
	if st.Status != "available" || st.Failover != "" || st.Writer != seoul || !st.WriterReady || st.ReadFrom != seoul || st.Engine == "" {
		t.Errorf("%+v", st)
	}
	want := []dr.DatabaseMember{{ARN: seoulARN, Region: seoul, Writer: true, Sync: "connected"}, {ARN: tokyoARN, Region: tokyo, Sync: "connected"}}
	if !slices.Equal(st.Members, want) {
		t.Errorf("members %+v", st.Members)
	}
	if want := "cluster portal-seoul available, writer a available, instance b rebooting"; st.WriterDetail != want {
		t.Errorf("detail %q, want %q", st.WriterDetail, want)
	}
}

func TestDatabaseStateDoesNotNeedTheWritersRegion(t *testing.T) {
	f := newFake(t)
	f.on("ap-northeast-2 *", f.hang)
	f.on("ap-northeast-1 DescribeGlobalClusters", steady())
	st, err := f.client(t).DatabaseState(t.Context(), portal(), tokyo)
	if err != nil || st.WriterReady || !strings.HasPrefix(st.WriterDetail, "not read") {
		t.Errorf("%+v, %v", st, err)
	}
	if got := f.asked(); len(got) != 1 {
		t.Errorf("asked %q", got)
	}
}

func TestDatabaseStateRawStrings(t *testing.T) {
	f := newFake(t)
	f.on("DescribeGlobalClusters", global("frobnicating",
		"<FailoverState><Status>switching-over</Status><FromDbClusterArn>"+seoulARN+"</FromDbClusterArn><ToDbClusterArn>"+tokyoARN+"</ToDbClusterArn><IsDataLossAllowed>true</IsDataLossAllowed></FailoverState>",
		"arn:aws:rds:eu-west-1:123456789012:cluster:other true never-heard-of"))
	st, err := f.client(t).DatabaseState(t.Context(), portal(), tokyo)
	if err != nil {
		t.Fatal(err)
	}
	if st.Status != "frobnicating" || st.Failover != "switching-over" || st.FailoverFrom != seoul || st.FailoverTo != tokyo || !st.DataLoss {
		t.Errorf("%+v", st)
	}
	if st.Writer != "eu-west-1" || st.Members[0].Sync != "never-heard-of" {
		t.Errorf("a member the configuration does not name: %+v", st)
	}
}

func TestDatabaseStateWriters(t *testing.T) {
	f := newFake(t)
	c := f.client(t)
	f.on("DescribeGlobalClusters", global("available", "", seoulARN+" true connected", tokyoARN+" true connected"))
	st, err := c.DatabaseState(t.Context(), portal(), tokyo)
	refused(t, err, dr.Conflict)
	if st.Writer != "" || len(st.Members) != 2 {
		t.Errorf("two writers: %+v", st)
	}
	f.on("DescribeGlobalClusters", global("available", "", seoulARN+" false connected"))
	if st, err = c.DatabaseState(t.Context(), portal(), tokyo); err != nil || st.Writer != "" || st.WriterReady {
		t.Errorf("no writer: %+v, %v", st, err)
	}
}

func TestWriterReady(t *testing.T) {
	for name, tc := range map[string]struct {
		cluster, instances func(http.ResponseWriter, call)
		ready              bool
	}{
		"ready":             {cluster("portal-tokyo", "available", "a"), instances("a available"), true},
		"cluster promoting": {cluster("portal-tokyo", "promoting", "a"), instances("a available"), false},
		"instance starting": {cluster("portal-tokyo", "available", "a", "b"), instances("a starting", "b available"), false},
		"no member shown":   {cluster("portal-tokyo", "available"), instances("a available"), false},
		"no instance":       {cluster("portal-tokyo", "available"), instances(), false},
		"another cluster's": {cluster("portal-tokyo", "available", "a"),
			xml("<DBInstances><DBInstance><DBInstanceIdentifier>a</DBInstanceIdentifier><DBInstanceStatus>available</DBInstanceStatus><DBClusterIdentifier>other</DBClusterIdentifier></DBInstance></DBInstances>"), false},
		"cluster missing": {xmlError(404, "DBClusterNotFoundFault"), instances(), false},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFake(t)
			f.on("DescribeGlobalClusters", global("available", "", seoulARN+" false connected", tokyoARN+" true connected"))
			f.on("DescribeDBClusters", tc.cluster)
			f.on("DescribeDBInstances", tc.instances)
			st, err := f.client(t).DatabaseState(t.Context(), portal(), tokyo)
			if err != nil || st.WriterReady != tc.ready || st.WriterDetail == "" {
				t.Errorf("%+v, %v", st, err)
			}
		})
	}
}

func TestPromoteCallsTheRightRegionOnce(t *testing.T) {
	t.Setenv("AWS_MAX_ATTEMPTS", "5")
	planned := dr.Promotion{Mode: dr.Planned, From: seoul, To: tokyo}
	disaster := dr.Promotion{Mode: dr.Disaster, From: seoul, To: tokyo}
	for name, tc := range map[string]struct {
		p      dr.Promotion
		want   string
		answer func(*fake) func(http.ResponseWriter, call)
		code   dr.Code
	}{
		"planned":       {planned, "ap-northeast-2 SwitchoverGlobalCluster", func(*fake) func(http.ResponseWriter, call) { return xml("") }, ""},
		"disaster":      {disaster, "ap-northeast-1 FailoverGlobalCluster", func(*fake) func(http.ResponseWriter, call) { return xml("") }, ""},
		"wrong state":   {disaster, "ap-northeast-1 FailoverGlobalCluster", answers(400, "InvalidGlobalClusterStateFault"), dr.Conflict},
		"cluster state": {planned, "ap-northeast-2 SwitchoverGlobalCluster", answers(400, "InvalidDBClusterStateFault"), dr.Conflict},
		"denied":        {disaster, "ap-northeast-1 FailoverGlobalCluster", answers(403, "AccessDenied"), dr.Denied},
		"throttled":     {disaster, "ap-northeast-1 FailoverGlobalCluster", answers(400, "Throttling"), dr.Temporary},
		"fault":         {disaster, "ap-northeast-1 FailoverGlobalCluster", answers(500, "InternalFailure"), dr.Uncertain},
		"hang":          {disaster, "ap-northeast-1 FailoverGlobalCluster", func(f *fake) func(http.ResponseWriter, call) { return f.hang }, dr.Uncertain},
		"half a body":   {disaster, "ap-northeast-1 FailoverGlobalCluster", func(*fake) func(http.ResponseWriter, call) { return broken }, dr.Uncertain},
		"cut off":       {planned, "ap-northeast-2 SwitchoverGlobalCluster", func(*fake) func(http.ResponseWriter, call) { return cut }, dr.Uncertain},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFake(t)
			f.on(tc.want, tc.answer(f))
			err := f.client(t, func(o *Options) {
				if name == "hang" {
					o.CallTimeout = 200 * time.Millisecond
				}
			}).Promote(t.Context(), portal(), tc.p)
			if tc.code != "" {
				refused(t, err, tc.code)
			} else if err != nil {
				t.Error(err)
			}
			if got := f.asked(); !slices.Equal(got, []string{tc.want}) {
				t.Errorf("asked %q, want %q once", got, tc.want)
			}
			form := f.calls[0].form
			if form.Get("TargetDbClusterIdentifier") != tokyoARN || form.Get("GlobalClusterIdentifier") != "portal" {
				t.Errorf("sent %v", form)
			}
			if loss := form.Get("AllowDataLoss"); (loss == "true") != (tc.p.Mode == dr.Disaster) {
				t.Errorf("AllowDataLoss=%q in mode %s", loss, tc.p.Mode)
			}
		})
	}
}

func answers(status int, code string) func(*fake) func(http.ResponseWriter, call) {
	return func(*fake) func(http.ResponseWriter, call) { return xmlError(status, code) }
}

// cut ends the connection without an answer.
func cut(w http.ResponseWriter, _ call) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err == nil {
		_ = conn.Close()
	}
}

func TestPromoteThatWasNeverSent(t *testing.T) {
	p := dr.Promotion{Mode: dr.Disaster, From: seoul, To: tokyo}
	t.Run("no connection", func(t *testing.T) {
		f := newFake(t)
		c := f.client(t)
		f.Server.Close()
		refused(t, c.Promote(t.Context(), portal(), p), dr.Temporary)
	})
	t.Run("no credentials in time", func(t *testing.T) {
		f := newFake(t)
		f.on("AssumeRole", f.hang)
		c := f.client(t, func(o *Options) {
			o.CallTimeout = 100 * time.Millisecond
			o.Roles = func(string, dr.Region, Purpose) string { return role }
		})
		refused(t, c.Promote(t.Context(), portal(), p), dr.Temporary)
	})
	t.Run("senseless", func(t *testing.T) {
		f := newFake(t)
		headless := portal()
		headless.Database.ClusterARN = map[dr.Region]string{seoul: seoulARN}
		for _, p := range []dr.Promotion{{Mode: "quick", From: seoul, To: tokyo}, {Mode: dr.Planned, From: tokyo, To: tokyo}, {Mode: dr.Planned, To: tokyo}, {Mode: dr.Disaster, From: seoul}} {
			refused(t, f.client(t).Promote(t.Context(), portal(), p), dr.Invalid)
		}
		refused(t, f.client(t).Promote(t.Context(), headless, p), dr.Invalid)
		refused(t, f.client(t).Promote(t.Context(), dr.Service{Name: "x"}, p), dr.Invalid)
		if got := f.asked(); len(got) != 0 {
			t.Errorf("asked %q", got)
		}
	})
}
