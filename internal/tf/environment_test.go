package tf

import (
	"testing"

	"github.com/drbot/drbot/dr"
)

func TestCheckEnvironment(t *testing.T) {
	if err := CheckEnvironment(map[string]string{"AWS_MAX_ATTEMPTS": "5"}, []string{"AWS_REGION"}); err != nil {
		t.Error(err)
	}
	for name, c := range map[string]struct {
		environment map[string]string
		passed      []string
	}{
		"a variable of the stack":   {map[string]string{"TF_VAR_active_region": "ap-northeast-1"}, nil},
		"one that is passed":        {nil, []string{"TF_VAR_active_region"}},
		"one of terraform-exec's":   {map[string]string{"TF_IN_AUTOMATION": "1"}, nil},
		"arguments behind its back": {map[string]string{"TF_CLI_ARGS_apply": "-refresh=false"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			if err := CheckEnvironment(c.environment, c.passed); dr.CodeOf(err) != dr.Invalid {
				t.Errorf("got %v, want dr.Invalid", err)
			}
		})
	}
}

// TestEnvironment sees that an apply alone gets what is for applies, and that values
// are filled in with the stack's own Region.
func TestEnvironment(t *testing.T) {
	tf := &Terraform{opts: Options{
		Environment:      map[string]string{"AWS_PROFILE": "{service}-read-{region}", "AWS_MAX_ATTEMPTS": "5"},
		ApplyEnvironment: map[string]string{"AWS_PROFILE": "{service}-apply-{region}"},
	}}
	svc := dr.Service{Name: "portal", Regions: []dr.Region{"ap-northeast-2", "ap-northeast-1"}}
	for _, c := range []struct {
		region dr.Region
		why    purpose
		want   string
	}{
		{"ap-northeast-2", toPlan, "portal-read-ap-northeast-2"},
		{"ap-northeast-2", toApply, "portal-apply-ap-northeast-2"},
		{"", toPlan, "portal-read-ap-northeast-1"},
		{"", toApply, "portal-apply-ap-northeast-1"},
	} {
		env := tf.environment(svc, dr.Stack{Region: c.region}, c.why)
		if env["AWS_PROFILE"] != c.want || env["AWS_MAX_ATTEMPTS"] != "5" {
			t.Errorf("%q, %d: the profile is %q, not %q; all: %v", c.region, c.why, env["AWS_PROFILE"], c.want, env)
		}
	}
}
