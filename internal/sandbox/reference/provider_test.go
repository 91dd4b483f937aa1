//go:build aws

package reference

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// provider skips a test where the provider cannot be had: neither a mirror nor the
// registry.
func provider(t *testing.T) {
	t.Helper()
	if err := hasProvider(terraform(t)); err != nil {
		t.Skipf("not proved here: no provider hashicorp/aws (set TF_PLUGIN_DIR to a mirror): %v", err)
	}
}

var (
	askProvider sync.Once
	noProvider  error
)

// hasProvider inits a folder that needs nothing but the provider, once.
func hasProvider(program string) error {
	askProvider.Do(func() { noProvider = initEmpty(program) })
	return noProvider
}

func initEmpty(program string) error {
	dir, err := os.MkdirTemp("", "drbot-provider-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	src := `terraform {
  required_providers {
    aws = { source = "hashicorp/aws" }
  }
}
`
	if err := os.WriteFile(filepath.Join(dir, "main.tf"), []byte(src), 0o600); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, initArgs(os.Getenv("TF_PLUGIN_DIR"))...)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%w: %s", err, tail(string(out)))
	}
	return nil
}
