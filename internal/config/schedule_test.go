package config

import (
	"slices"
	"strings"
	"testing"

	"github.com/drbot/drbot/dr"
)

// TestHealthOfNothing tells of a round of health that has nothing to look at.
func TestHealthOfNothing(t *testing.T) {
	for name, c := range map[string]struct {
		resources string
		told      bool
		replace   []string
	}{
		"databases":                   {resources: twoDatabases},
		"no database":                 {resources: noDatabase, told: true},
		"no database and no schedule": {resources: noDatabase, replace: []string{`      health: "0 * * * *"`, `      health: ""`}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := Parse([]byte(strings.NewReplacer(c.replace...).Replace(with(t, c.resources, ""))), options(true))
			if err != nil {
				t.Fatal(err)
			}
			told := slices.ContainsFunc(got.Notices, func(n dr.Text) bool {
				return strings.HasPrefix(said(t, &dr.Error{Code: dr.Invalid, What: n, Next: n}), "services[0].schedule.health (portal): no resource of the service has replication")
			})
			if told != c.told || len(got.Notices) > 1 {
				t.Errorf("the notices are %v", got.Notices)
			}
		})
	}
}
