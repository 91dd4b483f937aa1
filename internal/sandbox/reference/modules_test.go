//go:build aws

package reference

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// oldest is Terraform 1.1.2, which scripts/terraform-1.1 builds.
const oldest = "../../../.cache/terraform-1.1.2"

// TestModules validates every module and stack and runs the tests of those that
// have some, with a mock of the provider.
func TestModules(t *testing.T) {
	provider(t)
	root := copied(t)
	tested := 0
	for _, dir := range modules(t, root) {
		_, err := os.Stat(filepath.Join(dir, "tests"))
		hasTests := err == nil
		if hasTests {
			tested++
		}
		t.Run(relative(t, root, dir), func(t *testing.T) {
			t.Parallel()
			program := terraform(t)
			readied(t, program, dir)
			switch {
			case !hasTests && !takesProviders(t, dir): // else it is validated by its tests, or in its caller
				tool(t, program, dir, "validate", "-no-color")
			case hasTests:
				out := strings.TrimSpace(tool(t, program, dir, "test", "-no-color"))
				t.Log(out[strings.LastIndex(out, "\n")+1:])
			}
		})
	}
	if tested < 10 {
		t.Errorf("only %d modules have tests", tested)
	}
}

// TestOldestTerraform validates everything with the oldest Terraform that is
// promised, which is what the case runs.
func TestOldestTerraform(t *testing.T) {
	provider(t)
	if _, err := os.Stat(oldest); err != nil {
		t.Skip("not proved here: there is no Terraform 1.1.2 (make test-aws builds it)")
	}
	program, err := filepath.Abs(oldest)
	ok(t, err)
	root := copied(t)
	for _, dir := range modules(t, root) {
		if takesProviders(t, dir) {
			continue
		}
		t.Run(relative(t, root, dir), func(t *testing.T) {
			t.Parallel()
			readied(t, program, dir)
			tool(t, program, dir, "validate", "-no-color")
		})
	}
}

func copied(t *testing.T) string {
	t.Helper()
	root := t.TempDir()
	for _, sub := range []string{"modules", "live"} {
		ok(t, copyTree(filepath.Join(checkout, sub), filepath.Join(root, sub)))
	}
	return root
}

func relative(t *testing.T, root, dir string) string {
	t.Helper()
	name, err := filepath.Rel(root, dir)
	ok(t, err)
	return name
}

// takesProviders tells whether a module's providers are given by its caller.
func takesProviders(t *testing.T, dir string) bool {
	t.Helper()
	src, err := os.ReadFile(filepath.Join(dir, "versions.tf"))
	if errors.Is(err, fs.ErrNotExist) {
		return false
	}
	ok(t, err)
	return strings.Contains(string(src), "configuration_aliases")
}

func readied(t *testing.T, program, dir string) {
	t.Helper()
	tool(t, program, dir, append(initArgs(os.Getenv("TF_PLUGIN_DIR")), "-backend=false")...)
}

func tool(t *testing.T, program, dir string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), program, args...)
	cmd.Dir = dir
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME"), "CHECKPOINT_DISABLE=1", "AWS_EC2_METADATA_DISABLED=true"}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("terraform %s in %s: %v\n%s", args[0], dir, err, out)
	}
	return string(out)
}

// modules lists every folder that holds Terraform.
func modules(t *testing.T, root string) []string {
	t.Helper()
	var out []string
	ok(t, filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err == nil && filepath.Ext(path) == ".tf" && !slices.Contains(out, filepath.Dir(path)) {
			out = append(out, filepath.Dir(path))
		}
		return err
	}))
	return out
}
