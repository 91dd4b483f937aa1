package tf

import (
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

// TestSharedAsItWasFound shares a folder, and then one thing of it that has become a link
// meanwhile: what that leads to is left alone.
func TestSharedAsItWasFound(t *testing.T) {
	dir := t.TempDir()
	err := os.Mkdir(filepath.Join(dir, "given"), 0o700)
	for _, name := range []string{"secret", "given/one", "given/other"} {
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, name), nil, 0o600)
		}
	}
	if err == nil {
		err = os.Symlink("../secret", filepath.Join(dir, "given", "out"))
	}
	if err != nil {
		t.Fatal(err)
	}
	mode := func(name string) fs.FileMode {
		info, err := os.Lstat(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		return info.Mode().Perm()
	}
	if err := share(filepath.Join(dir, "given"), os.Getgid()); err != nil {
		t.Fatal(err)
	}
	if mode("given") != 0o770 || mode("given/one") != 0o660 || mode("secret") != 0o600 {
		t.Errorf("shared as %o, %o, and around %o", mode("given"), mode("given/one"), mode("secret"))
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	found, err := root.Lstat("given/one")
	if err == nil {
		err = os.Remove(filepath.Join(dir, "given", "one"))
	}
	if err == nil {
		err = os.Symlink("../secret", filepath.Join(dir, "given", "one"))
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := shareOne(root, "given/one", found, os.Getgid(), func(fs.FileMode) bool { return true }); err != nil || mode("secret") != 0o600 {
		t.Errorf("%v; what it leads to is %o", err, mode("secret"))
	}
}
