package contract

import (
	"strings"
	"testing"

	"github.com/drbot/drbot/dr"
)

// RegionFile is the port of the one value a failover changes.
type RegionFile interface {
	ActiveRegion(content string) (dr.Region, error)
	SetActiveRegion(content string, to dr.Region) (string, error)
}

// ActiveRegionFile is the contract of that value.
func ActiveRegionFile(t *testing.T, file RegionFile) {
	const home, away = "ap-northeast-2", "us-west-1"
	for name, content := range map[string]string{
		"plain":       "active_region = \"ap-northeast-2\"\n",
		"no newline":  `active_region = "ap-northeast-2"`,
		"a comment":   "active_region = \"ap-northeast-2\" # home\n",
		"other lines": "# who asks\nother = \"value\"\nactive_region = \"ap-northeast-2\"\n",
	} {
		t.Run(name, func(t *testing.T) {
			got, err := file.ActiveRegion(content)
			if err != nil || got != home {
				t.Fatalf("read %q, %v", got, err)
			}
			out, err := file.SetActiveRegion(content, away)
			if want := strings.Replace(content, home, away, 1); err != nil || out != want {
				t.Fatalf("set gives %q, %v, want %q", out, err, want)
			}
			if now, err := file.ActiveRegion(out); err != nil || now != away {
				t.Errorf("read back %q, %v", now, err)
			}
			if same, err := file.SetActiveRegion(content, home); err != nil || same != content {
				t.Errorf("set to what it is gives %q, %v", same, err)
			}
		})
	}
	for name, content := range map[string]string{
		"nothing": "", "another value": `region = "ap-northeast-2"`, "no literal": "active_region = var.region\n", "broken": `active_region = "ap-`,
	} {
		t.Run("refused: "+name, func(t *testing.T) {
			_, err := file.ActiveRegion(content)
			fails(t, err, dr.Invalid)
			_, err = file.SetActiveRegion(content, away)
			fails(t, err, dr.Invalid)
		})
	}
	_, err := file.SetActiveRegion("active_region = \"ap-northeast-2\"\n", `x"`)
	fails(t, err, dr.Invalid)
}
