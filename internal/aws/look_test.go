package aws_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/internal/aws"
	"github.com/drbot/drbot/internal/aws/awstest"
)

func TestTogetherKeepsTheOrderOfTheLooks(t *testing.T) {
	second := make(chan struct{})
	got := aws.Together(
		func() []int { <-second; return []int{1, 2} },
		func() []int { close(second); return []int{3} },
		func() []int { return nil },
	)
	if want := []int{1, 2, 3}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	if got := aws.Together[int](); len(got) != 0 {
		t.Errorf("nothing found %v", got)
	}
}

func TestAPanicOfALookIsTheCallers(t *testing.T) {
	defer func() {
		if p, _ := recover().(string); !strings.Contains(p, "index 3") || !strings.Contains(p, "look_test.go") {
			t.Errorf("recovered %q", p)
		}
	}()
	aws.Together(func() []int { return nil }, func() []int { panic("index 3") })
	t.Error("the panic was lost")
}

func TestALookHasTheTimeOfACall(t *testing.T) {
	f := awstest.NewFake(t)
	c := f.Client(t, func(o *aws.Options) { o.CallTimeout = 50 * time.Millisecond })
	checks := c.Look(t.Context(), func(ctx context.Context) []dr.Check {
		<-ctx.Done()
		return []dr.Check{c.Unread(ctx, dr.Check{Name: "slow", Value: aws.Measured(1)}, ctx.Err())}
	})
	if len(checks) != 1 || checks[0].Level != dr.Unknown || checks[0].Value != nil || awstest.Say(t, checks[0].Detail) == "" || checks[0].At.IsZero() {
		t.Errorf("%+v", checks)
	}
}

func TestTellsReachable(t *testing.T) {
	named := func(system string, names ...string) (all []dr.Resource) {
		for _, n := range names {
			all = append(all, dr.Resource{Name: n, System: system})
		}
		return all
	}
	for name, tc := range map[string]struct {
		resources []dr.Resource
		want      string
	}{
		"a database before a workload": {slices.Concat(named(dr.ECSService, "web"), named(dr.AuroraGlobal, "orders", "users")), "orders"},
		"workloads alone":              {slices.Concat(named("bucket", "files"), named(dr.ECSService, "web", "worker")), "web"},
		"neither":                      {named("bucket", "files"), ""},
	} {
		var got string
		for _, r := range tc.resources {
			if aws.TellsReachable(dr.Service{Resources: tc.resources}, r) {
				got += r.Name
			}
		}
		if got != tc.want {
			t.Errorf("%s: told by %q, want %q", name, got, tc.want)
		}
	}
}
