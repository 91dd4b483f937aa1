package tf

import (
	"strings"
	"testing"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/internal/contract"
	"github.com/drbot/drbot/text/texttest"
)

func TestContractOfTheFile(t *testing.T) { contract.ActiveRegionFile(t, RegionFile{}) }

func TestSetActiveRegionKeepsEveryOtherByte(t *testing.T) {
	for name, content := range map[string]string{
		"plain":              "active_region = \"ap-northeast-2\"\n",
		"no newline":         `active_region = "ap-northeast-2"`,
		"windows":            "# a\r\nactive_region = \"ap-northeast-2\" # b\r\nother = 1\r\n",
		"odd spacing":        "\n\n\tactive_region=    \"ap-northeast-2\"   // why\n\n",
		"others":             "b = \"ap-northeast-2\"\nactive_region = \"ap-northeast-2\"\na   = [\n  1,2 ]\nactive_region_old = \"ap-northeast-2\"\n",
		"comment with it":    "# active_region = \"ap-northeast-2\"\n/* active_region = \"x\" */ active_region = \"ap-northeast-2\"\n",
		"EUC-JP":             "# \xc0\xdc\nactive_region = \"ap-northeast-2\" # \xb1\xc6\n",
		"byte order mark":    "\ufeffactive_region = \"ap-northeast-2\"\n",
		"a block besides it": "x {\n  active_region = \"us-east-1\"\n}\nactive_region = \"ap-northeast-2\"\n",
	} {
		t.Run(name, func(t *testing.T) {
			got, err := RegionFile{}.ActiveRegion(content)
			if err != nil || got != "ap-northeast-2" {
				t.Fatalf("read %q, %v", got, err)
			}
			out, err := RegionFile{}.SetActiveRegion(content, "us-west-1")
			if err != nil {
				t.Fatal(err)
			}
			back, err := RegionFile{}.SetActiveRegion(out, "ap-northeast-2")
			if err != nil || back != content {
				t.Errorf("there and back gave %q, %v", back, err)
			}
			if len(out) != len(content)-len("ap-northeast-2")+len("us-west-1") {
				t.Errorf("got %q", out)
			}
		})
	}
}

func TestActiveRegionRefuses(t *testing.T) {
	for name, content := range map[string]string{
		"nothing":       "",
		"another":       `region = "ap-northeast-2"`,
		"twice":         "active_region = \"a\"\nactive_region = \"b\"\n",
		"reference":     `active_region = var.x`,
		"function":      `active_region = lower("AP")`,
		"interpolation": `active_region = "ap-${x}"`,
		"only that":     `active_region = "${"ap"}"`,
		"directive":     `active_region = "%{ if true }a%{ endif }"`,
		"heredoc":       "active_region = <<E\nap-northeast-2\nE\n",
		"parentheses":   `active_region = ("ap-northeast-2")`,
		"conditional":   `active_region = true ? "a" : "b"`,
		"number":        `active_region = 1`,
		"list":          `active_region = ["ap-northeast-2"]`,
		"null":          `active_region = null`,
		"empty":         `active_region = ""`,
		"escape":        `active_region = "\u0061p"`,
		"words":         `active_region = "ap northeast"`,
		"in a block":    "x {\n  active_region = \"a\"\n}\n",
		"broken":        `active_region = "ap-northeast-2`,
		"json":          `{"active_region": "ap-northeast-2"}`,
		"large":         "active_region = \"a\"\n#" + strings.Repeat("x", largestFile),
	} {
		t.Run(name, func(t *testing.T) {
			_, err := RegionFile{}.ActiveRegion(content)
			if dr.CodeOf(err) != dr.Invalid {
				t.Errorf("read: %v", err)
			}
			if _, hint := texttest.Told(t, err); !strings.Contains(hint, "active_region = ") {
				t.Errorf("the hint %q does not say what to write", hint)
			}
			if _, err := (RegionFile{}).SetActiveRegion(content, "us-east-1"); dr.CodeOf(err) != dr.Invalid {
				t.Errorf("write: %v", err)
			}
		})
	}
	for _, to := range []dr.Region{"", "a b", `x"`, "${x}", "-a", dr.Region(strings.Repeat("a", 40))} {
		if _, err := (RegionFile{}).SetActiveRegion(`active_region = "a"`, to); dr.CodeOf(err) != dr.Invalid {
			t.Errorf("to %q: %v", to, err)
		}
	}
}

// replacedOnce tells whether a text is another with one piece replaced.
func replacedOnce(before, after, old, new string) bool {
	for i := 0; i+len(old) <= len(before); i++ {
		if before[i:i+len(old)] == old && before[:i]+new+before[i+len(old):] == after {
			return true
		}
	}
	return false
}

func FuzzSetActiveRegion(f *testing.F) {
	for _, seed := range []string{
		"active_region = \"ap-northeast-2\"\n", "active_region=\"a\"#x\r\n", "\ufeffactive_region = \"a\"",
		"active_region = <<E\na\nE\n", "a {\n}\nactive_region = \"a\" /* b */", "# not us-east-1\nactive_region = \"us-east-1\"\n", "active_region = \"${\"a\"}\"", "active_region = \"a\\n\"",
	} {
		f.Add(seed, "ap-northeast-1")
	}
	f.Fuzz(func(t *testing.T, content, to string) {
		var file RegionFile
		out, err := file.SetActiveRegion(content, dr.Region(to))
		if err != nil {
			if dr.CodeOf(err) != dr.Invalid {
				t.Fatalf("got %v", err)
			}
			return
		}
		was, err := file.ActiveRegion(content)
		if err != nil {
			t.Fatalf("rewritten, but not readable before: %v", err)
		}
		if now, err := file.ActiveRegion(out); err != nil || now != dr.Region(to) {
			t.Fatalf("after the change it says %q, %v", now, err)
		}
		if !replacedOnce(content, out, string(was), to) {
			t.Fatalf("more than %q was replaced: %q became %q", was, content, out)
		}
		if back, err := file.SetActiveRegion(out, was); err != nil || back != content {
			t.Fatalf("there and back gave %q, %v", back, err)
		}
	})
}
