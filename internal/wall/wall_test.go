package wall

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestWhatIsNeverGranted(t *testing.T) {
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink("/proc/self", link); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/", "/proc", "/proc/self/environ", "/usr/../proc", "/sys/kernel", "relative", "", link} {
		if err := Grantable(path); err == nil {
			t.Errorf("%q may be granted", path)
		}
		for name, w := range map[string]Wall{
			"read": {Program: "/bin/true", Landlock: 1, Read: []string{path}}, "run": {Program: "/bin/true", Landlock: 1, Run: []string{path}}, "write": {Program: "/bin/true", Landlock: 1, Write: []string{path}},
		} {
			if _, err := w.Setting(); err == nil {
				t.Errorf("%s of %q is taken", name, path)
			}
		}
	}
	if err := Grantable("/processes"); err != nil {
		t.Error(err)
	}
}

func TestNothingIsWrittenAndExecuted(t *testing.T) {
	dir := t.TempDir()
	inside := filepath.Join(dir, "inside")
	if err := os.Mkdir(inside, 0o700); err != nil {
		t.Fatal(err)
	}
	for name, w := range map[string]Wall{
		"the same":           {Program: "/bin/true", Landlock: 1, Run: []string{dir}, Write: []string{dir}},
		"executed inside":    {Program: "/bin/true", Landlock: 1, Run: []string{inside}, Write: []string{dir}},
		"written inside":     {Program: "/bin/true", Landlock: 1, Run: []string{dir}, Write: []string{inside}},
		"the program itself": {Program: filepath.Join(dir, "terraform"), Landlock: 1, Write: []string{dir}},
	} {
		if _, err := w.Setting(); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
}

// TestTold gives what another edition of the program, or nobody, would tell.
func TestTold(t *testing.T) {
	good, err := Wall{Program: "/bin/true", Landlock: 1, Read: []string{"/etc/hosts"}}.Setting()
	if err != nil {
		t.Fatal(err)
	}
	if w, err := told(good); err != nil || w.Read[0] != "/etc/hosts" {
		t.Errorf("%+v, %v", w, err)
	}
	for _, setting := range []string{
		"", "{}", "true", strings.Replace(good, "landlock", "landlocks", 1), strings.Replace(good, `"landlock":1`, `"landlock":0`, 1),
		strings.Replace(good, "/bin/true", "true", 1), strings.Replace(good, "/etc/hosts", "/proc", 1), strings.Replace(good, "{", `{"memory":1,`, 1),
	} {
		if _, err := told(setting); err == nil {
			t.Errorf("%s is taken", setting)
		}
	}
}
