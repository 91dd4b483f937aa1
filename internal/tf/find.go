package tf

import (
	"context"
	"log/slog"
	"os/exec"
	"path/filepath"
)

// Find tells where a Terraform is: on PATH, else in the cache folder, where the
// pinned version is installed if need be.
func Find(ctx context.Context, cacheDir string) (string, error) {
	if found, err := exec.LookPath("terraform"); err == nil {
		return filepath.Abs(found)
	}
	t := &Terraform{opts: Options{CacheDir: cacheDir, Logger: slog.New(slog.DiscardHandler)}}
	return t.terraform(ctx)
}
