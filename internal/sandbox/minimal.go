package sandbox

import (
	"bytes"
	"context"
	"embed"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

//go:embed minimal
var minimal embed.FS

// stackNames are the stacks of the minimal infrastructure, in the order they are
// made.
var stackNames = []string{"data", home, standby, "traffic"}

// minimalStacks are the infrastructure of Terraform's built-in terraform_data alone.
type minimalStacks struct{ *World }

func (m minimalStacks) patience() time.Duration {
	if m.breakage != nil {
		return brokenPatience
	}
	return patience
}

func (m minimalStacks) drifted() string { return "terraform_data.service" }

func (m minimalStacks) configure() botInfra {
	return botInfra{
		Environment: m.toolEnv(),
		Run:         append(slices.Clone(systemPrograms), m.toolEnv()["DRBOT_SANDBOX_TOOL"], m.opts.Tool),
		Backend:     func(stack string) map[string]string { return map[string]string{"path": m.statePath(stack)} },
		TargetGroup: func(region string) string { return m.Cloud.Layout.Regions[region].TargetGroupARN },
		Allow:       []string{`{what: provisioner, path: ` + stackFolder + `, reason: "terraform_data has an effect on the emulated AWS by a program alone"}`},
	}
}

// write writes the four stacks and the one file that says which Region serves,
// linked into each of them.
func (m minimalStacks) write(_ context.Context, dir string) error {
	live := filepath.Join(dir, filepath.FromSlash(stackFolder))
	for _, name := range stackNames {
		from := name
		if name == home || name == standby {
			from = "region"
		}
		src, err := minimal.ReadFile("minimal/" + from + "/main.tf")
		if err != nil {
			return err
		}
		src = bytes.ReplaceAll(src, []byte(`"REGION"`), []byte(`"`+name+`"`))
		if err := os.MkdirAll(filepath.Join(live, name), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(live, name, "main.tf"), src, 0o644); err != nil {
			return err
		}
		if err := os.Symlink("../active_region.auto.tfvars", filepath.Join(live, name, "active_region.auto.tfvars")); err != nil {
			return err
		}
	}
	flip, err := minimal.ReadFile("minimal/active_region.auto.tfvars")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(live, "active_region.auto.tfvars"), flip, 0o644)
}

// systemPrograms are where a shell and what it starts are.
var systemPrograms = []string{"/bin", "/sbin", "/usr", "/lib", "/lib32", "/lib64"}

func (w *World) statePath(stack string) string {
	return filepath.Join(w.opts.Dir, "state", stack+".tfstate")
}

// toolEnv is what the stacks' provisioners need to reach the emulated AWS.
func (w *World) toolEnv() map[string]string {
	l := w.Cloud.Layout
	tool := w.opts.Tool
	if w.tool != "" {
		tool = w.tool
	}
	return map[string]string{
		"DRBOT_SANDBOX_TOOL":     tool,
		"DRBOT_SANDBOX_ENDPOINT": l.Endpoint,
		"DRBOT_SANDBOX_ZONE":     l.ZoneID,
		"DRBOT_SANDBOX_NAME":     l.RecordName,
		"DRBOT_SANDBOX_SERVICES": strings.Join(l.Services, ","),
	}
}

// first makes the infrastructure with plain Terraform.
func (m minimalStacks) first(ctx context.Context) error {
	w := m.World
	if err := os.MkdirAll(filepath.Join(w.opts.Dir, "state"), 0o700); err != nil {
		return err
	}
	for _, name := range stackNames {
		dir := filepath.Join(w.opts.Dir, "seed", filepath.FromSlash(stackFolder), name)
		if err := w.terraform(ctx, dir, "init", "-input=false", "-no-color", "-backend-config=path="+w.statePath(name)); err != nil {
			return err
		}
		if err := w.terraform(ctx, dir, "apply", "-input=false", "-no-color", "-auto-approve"); err != nil {
			return err
		}
	}
	return nil
}

func (w *World) terraform(ctx context.Context, dir string, args ...string) error {
	cmd := exec.CommandContext(ctx, w.opts.Terraform, args...)
	cmd.Dir = dir
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME"), "CHECKPOINT_DISABLE=1"}
	for k, v := range w.toolEnv() {
		cmd.Env = append(cmd.Env, k+"="+v)
	}
	out, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("terraform %s in %s: %w\n%s", args[0], filepath.Base(dir), err, out)
	}
	return nil
}

// tfstate is the part of a state file that is read back.
type tfstate struct {
	Resources []struct {
		Name      string `json:"name"`
		Instances []struct {
			Attributes struct {
				Input struct {
					Value json.RawMessage `json:"value"` // of any type
				} `json:"input"`
			} `json:"attributes"`
		} `json:"instances"`
	} `json:"resources"`
}

// stateInput reads what a terraform_data resource was given, from the state file
// itself.
func (w *World) stateInput(stack, resource, key string) (string, error) {
	data, err := os.ReadFile(w.statePath(stack))
	if err != nil {
		return "", err
	}
	var st tfstate
	if err := json.Unmarshal(data, &st); err != nil {
		return "", fmt.Errorf("read the state of %s: %w", stack, err)
	}
	for _, r := range st.Resources {
		if r.Name != resource {
			continue
		}
		if len(r.Instances) != 1 {
			return "", fmt.Errorf("%s has %d instances of %s in its state", stack, len(r.Instances), resource)
		}
		var input map[string]any
		if err := json.Unmarshal(r.Instances[0].Attributes.Input.Value, &input); err != nil {
			return "", fmt.Errorf("read %s in the state of %s: %w", resource, stack, err)
		}
		return fmt.Sprint(input[key]), nil
	}
	return "", fmt.Errorf("%s has no %s in its state", stack, resource)
}

func (m minimalStacks) states(_ context.Context, run moved) error {
	type fact struct{ stack, resource, key, want string }
	facts := []fact{{run.to, "service", "desired", "2"}, {"traffic", "record", "points_at", run.to}}
	if run.planned {
		facts = append(facts, fact{run.from, "service", "desired", "0"})
	}
	for _, f := range facts {
		got, err := m.stateInput(f.stack, f.resource, f.key)
		if err != nil {
			return err
		}
		if got != f.want {
			return fmt.Errorf("the state of %s says %s = %s, not %s", f.stack, f.key, got, f.want)
		}
	}
	return nil
}
