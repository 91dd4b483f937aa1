package aurora

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/internal/aws"
	"github.com/drbot/drbot/internal/aws/awstest"
)

func TestPromoteCallsTheRightRegionOnce(t *testing.T) {
	t.Setenv("AWS_MAX_ATTEMPTS", "5")
	planned := dr.Promotion{Mode: dr.Planned, From: awstest.Seoul, To: awstest.Tokyo}
	disaster := dr.Promotion{Mode: dr.Disaster, From: awstest.Seoul, To: awstest.Tokyo}
	for name, tc := range map[string]struct {
		p      dr.Promotion
		want   string
		answer awstest.Answer // nil hangs
		code   dr.Code
	}{
		"planned":       {planned, "ap-northeast-2 SwitchoverGlobalCluster", awstest.XML(""), ""},
		"disaster":      {disaster, "ap-northeast-1 FailoverGlobalCluster", awstest.XML(""), ""},
		"wrong state":   {disaster, "ap-northeast-1 FailoverGlobalCluster", awstest.XMLError(400, "InvalidGlobalClusterStateFault"), dr.Conflict},
		"cluster state": {planned, "ap-northeast-2 SwitchoverGlobalCluster", awstest.XMLError(400, "InvalidDBClusterStateFault"), dr.Conflict},
		"denied":        {disaster, "ap-northeast-1 FailoverGlobalCluster", awstest.XMLError(403, "AccessDenied"), dr.Denied},
		"throttled":     {disaster, "ap-northeast-1 FailoverGlobalCluster", awstest.XMLError(400, "Throttling"), dr.Temporary},
		"fault":         {disaster, "ap-northeast-1 FailoverGlobalCluster", awstest.XMLError(500, "InternalFailure"), dr.Uncertain},
		"hang":          {disaster, "ap-northeast-1 FailoverGlobalCluster", nil, dr.Uncertain},
		"half a body":   {disaster, "ap-northeast-1 FailoverGlobalCluster", awstest.HalfAnswer, dr.Uncertain},
		"cut off":       {planned, "ap-northeast-2 SwitchoverGlobalCluster", awstest.CutOff, dr.Uncertain},
	} {
		t.Run(name, func(t *testing.T) {
			f := awstest.NewFake(t)
			f.On(tc.want, f.Hang)
			if tc.answer != nil {
				f.On(tc.want, tc.answer)
			}
			err := New(f.Client(t, func(o *aws.Options) {
				if tc.answer == nil {
					o.CallTimeout = 200 * time.Millisecond
				}
			})).Promote(t.Context(), awstest.Portal(), awstest.Database(), tc.p)
			if tc.code != "" {
				awstest.Refused(t, err, tc.code)
			} else if err != nil {
				t.Error(err)
			}
			if got := f.Asked(); !slices.Equal(got, []string{tc.want}) {
				t.Errorf("asked %q, want %q once", got, tc.want)
			}
			form := f.Last(strings.Fields(tc.want)[1]).Form
			if form.Get("TargetDbClusterIdentifier") != awstest.TokyoARN || form.Get("GlobalClusterIdentifier") != "portal" {
				t.Errorf("sent %v", form)
			}
			if loss := form.Get("AllowDataLoss"); (loss == "true") != (tc.p.Mode == dr.Disaster) {
				t.Errorf("AllowDataLoss=%q in mode %s", loss, tc.p.Mode)
			}
		})
	}
}

func TestPromoteThatWasNeverSent(t *testing.T) {
	p := dr.Promotion{Mode: dr.Disaster, From: awstest.Seoul, To: awstest.Tokyo}
	t.Run("no connection", func(t *testing.T) {
		f := awstest.NewFake(t)
		c := New(f.Client(t))
		f.Server.Close()
		awstest.Refused(t, c.Promote(t.Context(), awstest.Portal(), awstest.Database(), p), dr.Temporary)
	})
	t.Run("no credentials in time", func(t *testing.T) {
		f := awstest.NewFake(t)
		f.On("AssumeRole", f.Hang)
		c := New(f.Client(t, func(o *aws.Options) {
			o.CallTimeout = 100 * time.Millisecond
			o.Roles = func(string, dr.Region, aws.Purpose) string { return awstest.Role }
		}))
		awstest.Refused(t, c.Promote(t.Context(), awstest.Portal(), awstest.Database(), p), dr.Temporary)
	})
	t.Run("senseless", func(t *testing.T) {
		f := awstest.NewFake(t)
		c := New(f.Client(t))
		elsewhere := awstest.Database()
		delete(elsewhere.In, awstest.Tokyo)
		for _, p := range []dr.Promotion{{Mode: "quick", From: awstest.Seoul, To: awstest.Tokyo}, {Mode: dr.Planned, From: awstest.Tokyo, To: awstest.Tokyo}, {Mode: dr.Planned, To: awstest.Tokyo}, {Mode: dr.Disaster, From: awstest.Seoul}} {
			awstest.Refused(t, c.Promote(t.Context(), awstest.Portal(), awstest.Database(), p), dr.Invalid)
		}
		awstest.Refused(t, c.Promote(t.Context(), awstest.Portal(), elsewhere, p), dr.Invalid)
		awstest.Refused(t, c.Promote(t.Context(), dr.Service{Name: "x"}, dr.Resource{}, p), dr.Invalid)
		if got := f.Asked(); len(got) != 0 {
			t.Errorf("asked %q", got)
		}
	})
}
