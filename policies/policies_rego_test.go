package policies

import (
	"testing"

	"github.com/open-policy-agent/opa/v1/tester"
)

// TestRego runs the unit tests of the rules, as `opa test policies` does.
func TestRego(t *testing.T) {
	modules, store, err := tester.Load([]string{"."}, nil)
	if err != nil {
		t.Fatal(err)
	}
	results, err := tester.NewRunner().SetStore(store).RaiseBuiltinErrors(true).CapturePrintOutput(true).SetModules(modules).RunTests(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	ran := map[string]int{}
	for r := range results {
		ran[r.Package]++
		t.Run(r.Package+"/"+r.Name, func(t *testing.T) {
			if !r.Pass() {
				t.Errorf("%v\n%s", r, r.Output)
			}
		})
	}
	for _, pkg := range []string{"data.drbot.readiness_test", "data.drbot.plan_test"} {
		if ran[pkg] == 0 {
			t.Errorf("no test of %s ran", pkg)
		}
	}
}
