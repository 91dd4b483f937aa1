package sandbox

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"time"
)

// bareStack is the stack that bare Terraform plans and applies beside the bot: one
// terraform_data, whose change calls the emulated AWS.
const bareStack = "traffic"

// bare is what somebody with a shell does to a stack: init, plan, apply in a fresh
// checkout of it. Its state and its record are its own.
type bare struct {
	*World
	dir  string
	n    int
	took []time.Duration
}

func (b *bench) newBare(ctx context.Context) (*bare, error) {
	s := &bare{World: b.World, dir: filepath.Join(b.opts.Dir, "bare")}
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return nil, err
	}
	// The first one makes the stack; those that are measured change it, as the bot's do.
	_, err := s.apply(ctx, home)
	return s, err
}

// measure moves the stack to a Region and keeps how long that took.
func (s *bare) measure(ctx context.Context, region string) error {
	took, err := s.apply(ctx, region)
	s.took = append(s.took, took)
	return err
}

func (s *bare) apply(ctx context.Context, region string) (time.Duration, error) {
	s.n++
	dir := filepath.Join(s.dir, fmt.Sprint(s.n))
	if err := os.Mkdir(dir, 0o700); err != nil {
		return 0, err
	}
	src, err := minimal.ReadFile("minimal/" + bareStack + "/main.tf")
	if err != nil {
		return 0, err
	}
	for name, content := range map[string][]byte{"main.tf": src, "active_region.auto.tfvars": fmt.Appendf(nil, "active_region = %q\n", region)} {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			return 0, err
		}
	}
	script := `set -e
"$0" init -input=false -no-color -backend-config=path="$1"
"$0" plan -input=false -no-color -out=plan
"$0" apply -input=false -no-color plan
`
	cmd := exec.CommandContext(ctx, "sh", "-c", script, s.opts.Terraform, filepath.Join(s.dir, "state.tfstate"))
	cmd.Dir = dir
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME"), "CHECKPOINT_DISABLE=1"}
	for k, v := range s.toolEnv() {
		if k == "DRBOT_SANDBOX_NAME" {
			v = "bare." + v
		}
		cmd.Env = append(cmd.Env, k+"="+v)
	}
	began := time.Now()
	out, err := cmd.CombinedOutput()
	took := time.Since(began)
	if err != nil {
		return 0, fmt.Errorf("bare terraform in %s: %w\n%s", dir, err, out)
	}
	return took, nil
}

// median is the middle of some durations.
func median(ds []time.Duration) time.Duration {
	ds = slices.Clone(ds)
	slices.Sort(ds)
	return ds[len(ds)/2]
}
