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
