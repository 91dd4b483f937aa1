package tf

import (
	"context"
	"os"
	"path/filepath"

	"github.com/hashicorp/go-version"
	"github.com/hashicorp/hc-install/product"
	"github.com/hashicorp/hc-install/releases"

	"github.com/drbot/drbot/dr"
)

// pinnedVersion is installed where there is no Terraform: the version drbot is
// tested with.
const pinnedVersion = "1.11.4"

// downloads begins the names of folders that are being downloaded into.
const downloads = "install-"

// terraform tells where the binary is and installs it when there is none.
func (t *Terraform) terraform(ctx context.Context) (string, error) {
	t.install.Lock()
	defer t.install.Unlock()
	if t.binary != "" {
		return t.binary, nil
	}
	final := filepath.Join(t.opts.CacheDir, "terraform-"+pinnedVersion)
	name := filepath.Join(final, product.Terraform.BinaryName())
	if _, err := os.Stat(name); err == nil {
		t.binary = name
		return name, nil
	}
	t.opts.Logger.InfoContext(ctx, "installing Terraform", "version", pinnedVersion)
	if err := download(ctx, t.opts.CacheDir, final); err != nil {
		return "", &dr.Error{
			Code: dr.Temporary,
			What: dr.T("tf.uninstalled"),
			Next: dr.T("tf.uninstalled.next", "version", pinnedVersion),
			Err:  err,
		}
	}
	t.binary = name
	return name, nil
}

// download installs into a folder beside the final one and renames it, so that a
// broken download is never taken for an installed Terraform.
func download(ctx context.Context, cache, final string) error {
	if err := os.MkdirAll(cache, 0o700); err != nil {
		return err
	}
	tmp, err := os.MkdirTemp(cache, downloads)
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	pinned, err := version.NewVersion(pinnedVersion)
	if err != nil {
		return err
	}
	src := &releases.ExactVersion{Product: product.Terraform, Version: pinned, InstallDir: tmp}
	if _, err := src.Install(ctx); err != nil {
		return err
	}
	if err := os.Rename(tmp, final); err != nil && !os.IsExist(err) {
		return err
	}
	return nil
}
