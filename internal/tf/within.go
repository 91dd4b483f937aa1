package tf

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// What drbot itself reads of a checkout is bounded. What runs behind the wall may change all
// of it: put a pipe in a file's place, before which a reader stands for ever, a link out of
// the checkout, or a file without an end.
const (
	mostNoted   = 8 << 20 // that init notes: the backend, the modules
	mostEntered = 100_000 // names in a folder
)

// errNoPlainFile is that something else is in a file's place, or more than is read.
var errNoPlainFile = errors.New("it is no plain file, or too large")

// readWithin reads a file of a folder, by its path there. Links are followed within the folder
// and nowhere else: the file of a value is linked into every stack.
func readWithin(root, name string, most int64) ([]byte, error) {
	r, err := os.OpenRoot(root)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	f, err := r.OpenFile(filepath.FromSlash(name), os.O_RDONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	return whole(f, most)
}

// whole reads what was opened without waiting, and closes it.
func whole(f *os.File, most int64) (_ []byte, err error) {
	defer f.Close()
	if err := plain(f, most); err != nil {
		return nil, err
	}
	data, err := io.ReadAll(io.LimitReader(f, most+1))
	if err == nil && int64(len(data)) > most {
		err = errNoPlainFile
	}
	return data, err
}

// plain refuses what is no file, or a larger one.
func plain(f *os.File, most int64) error {
	info, err := f.Stat()
	if err == nil && (!info.Mode().IsRegular() || info.Size() > most) {
		err = fmt.Errorf("read %s: %w", filepath.Base(f.Name()), errNoPlainFile)
	}
	return err
}

// openPlain opens a file that is no link, without waiting.
func openPlain(name string, most int64) (*os.File, error) {
	f, err := os.OpenFile(name, os.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	if err := plain(f, most); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// namesWithin are what is in a folder of a folder, as far as it is not endless.
func namesWithin(root, dir string) ([]string, error) {
	r, err := os.OpenRoot(root)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	d, err := r.OpenFile(filepath.FromSlash(dir), os.O_RDONLY|unix.O_NONBLOCK|unix.O_DIRECTORY, 0)
	if err != nil {
		return nil, err
	}
	defer d.Close()
	names, err := d.Readdirnames(mostEntered)
	if errors.Is(err, io.EOF) { // it is empty
		return nil, nil
	}
	return names, err
}

// sameWithin tells whether two paths in a folder lead to one file.
func sameWithin(root, one, other string) bool {
	r, err := os.OpenRoot(root)
	if err != nil {
		return false
	}
	defer r.Close()
	var found []fs.FileInfo
	for _, name := range []string{one, other} {
		info, err := r.Stat(filepath.FromSlash(name))
		if err != nil {
			return false
		}
		found = append(found, info)
	}
	return os.SameFile(found[0], found[1])
}

// fileOf reads a file of the stack, by its path from there.
func fileOf(m *module, name string, most int64) ([]byte, error) {
	return readWithin(m.root, path.Join(filepath.ToSlash(m.inside), name), most)
}
