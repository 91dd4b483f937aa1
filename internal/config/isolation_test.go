package config

import (
	"os"
	"strings"
	"testing"
)

// TestIsolation sees that the wall is there unless somebody writes that there is to be none,
// and that nothing is granted that holds the whole host.
func TestIsolation(t *testing.T) {
	data, err := os.ReadFile(example)
	if err != nil {
		t.Fatal(err)
	}
	const line = "  isolation: auto\n"
	with := func(text string) (*Config, error) {
		if !strings.Contains(string(data), line) {
			t.Fatal("the example says nothing of isolation")
		}
		return Parse([]byte(strings.Replace(string(data), line, text, 1)), options(false))
	}
	for text, walled := range map[string]bool{"": true, line: true, "  isolation: none\n": false} {
		if c, err := with(text); err != nil || c.Terraform.Walled != walled {
			t.Errorf("%q: %v", text, err)
		}
	}
	c, err := with("  paths: {read: [/etc/ca.pem], run: [/bin], write: [/srv/state]}\n")
	if err != nil || c.Terraform.Paths.Read[0] != "/etc/ca.pem" || c.Terraform.Paths.Run[0] != "/bin" || c.Terraform.Paths.Write[0] != "/srv/state" {
		t.Errorf("%v", err)
	}
	if c, err := with(line + "  user: 10002\n  apply_user: 10003\n"); err != nil || c.Terraform.User != 10002 || c.Terraform.ApplyUser != 10003 {
		t.Errorf("%v", err)
	}
	for text, want := range map[string]string{
		"  user: -1\n":                                        `terraform.user: must be the number`,
		"  isolation: none\n  user: 10002\n":                  `terraform.user: must be the number`,
		"  apply_user: 10003\n":                               `terraform.apply_user: must be the number`,
		"  user: 10002\n  apply_user: 10002\n":                `terraform.apply_user: must be the number`,
		"  isolation: off\n":                                  `"off" is neither auto`,
		"  paths: {read: [/]}\n":                              `terraform.paths.read[0]`,
		"  paths: {run: [/usr], write: [/srv, /usr/local]}\n": `terraform.paths.write[1]: "/usr/local" is to be changed, and "/usr" to be executed`,
		"  paths: {run: [/srv/bin], write: [/srv]}\n":         `terraform.paths.write[0]: "/srv" is to be changed`,
		"  paths: {run: [/bin, /usr/../]}\n":                  `terraform.paths.run[1]`,
		"  paths: {write: [/proc/self]}\n":                    `terraform.paths.write[0]`,
		"  paths: {read: [etc/hosts]}\n":                      `"etc/hosts" may not be granted`,
		"  paths: {read: [/sys]}\n  isolation: no\n":          `terraform.isolation`,
	} {
		if _, err := with(text); err == nil || !strings.Contains(said(t, err), want) {
			t.Errorf("%q: %v\nmust say %q", text, err, want)
		}
	}
}
