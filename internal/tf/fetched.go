package tf

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// fetchedDir is where init puts modules from elsewhere.
const fetchedDir = ".terraform/modules/"

// withFetched adds to the code of a stack the modules that init fetched. One that is named
// without a version, or by a branch, moves by itself, and no commit and no plan shows the
// programs that it runs.
func (m *module) withFetched(code string) (string, error) {
	modules, err := modulesOf(m.root, m.inside)
	if err != nil {
		return "", err
	}
	all := []string{code}
	for _, mod := range modules {
		if !strings.HasPrefix(filepath.ToSlash(mod.Dir)+"/", fetchedDir) {
			continue
		}
		hash, err := hashFolder(filepath.Join(m.dir, filepath.FromSlash(mod.Dir)))
		if err != nil {
			return "", fmt.Errorf("read module %s: %w", mod.Key, err)
		}
		all = append(all, mod.Key+"\x00"+hash)
	}
	if len(all) == 1 {
		return code, nil
	}
	return hashOf(all), nil
}

// hashFolder names what is in a folder, but for what git keeps there.
func hashFolder(dir string) (string, error) {
	var lines []string
	err := filepath.WalkDir(dir, func(name string, e fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case e.Name() == ".git":
			if e.IsDir() {
				return fs.SkipDir
			}
			return nil
		case e.IsDir():
			return nil
		}
		var content string
		switch {
		case e.Type()&fs.ModeSymlink != 0:
			content, err = os.Readlink(name)
		case e.Type().IsRegular():
			content, err = hashFile(name)
		}
		rel, relErr := filepath.Rel(dir, name)
		if err == nil {
			err = relErr
		}
		lines = append(lines, filepath.ToSlash(rel)+"\x00"+content)
		return err
	})
	return hashOf(lines), err
}

func hashFile(name string) (string, error) {
	f, err := openPlain(name, mostBytes)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, io.LimitReader(f, mostBytes)); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
