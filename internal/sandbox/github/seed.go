package github

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
)

type seedFile struct {
	path, mode string
	content    []byte
}

// collectSeed lays the three sources over one another, sorted by path so that the commit is the same every time.
func collectSeed(o Options) ([]seedFile, error) {
	files := map[string]seedFile{}
	var layers []fs.FS
	if o.SeedDir != "" {
		layers = append(layers, os.DirFS(o.SeedDir))
	}
	if o.Seed != nil {
		layers = append(layers, o.Seed)
	}
	for _, layer := range layers {
		if err := walkSeed(layer, files); err != nil {
			return nil, err
		}
	}
	for name, content := range o.SeedFiles {
		if !fs.ValidPath(name) || name == "." {
			return nil, fmt.Errorf("%q is not a path", name)
		}
		files[name] = seedFile{path: name, mode: modeFile, content: []byte(content)}
	}
	if len(files) == 0 {
		files["README.md"] = seedFile{path: "README.md", mode: modeFile, content: []byte("# " + o.Repo + "\n")}
	}
	var list []seedFile
	for _, f := range files {
		list = append(list, f)
	}
	slices.SortFunc(list, func(a, b seedFile) int { return strings.Compare(a.path, b.path) })
	return list, nil
}

func walkSeed(fsys fs.FS, files map[string]seedFile) error {
	return fs.WalkDir(fsys, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if base := path.Base(name); base == ".git" || base == ".terraform" {
				return fs.SkipDir
			}
			return nil
		}
		f := seedFile{path: name, mode: modeFile}
		if d.Type()&fs.ModeSymlink != 0 {
			target, err := fs.ReadLink(fsys, name)
			f.mode, f.content = modeLink, []byte(target)
			files[name] = f
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		if info.Mode()&0o100 != 0 {
			f.mode = modeExec
		}
		f.content, err = fs.ReadFile(fsys, name)
		files[name] = f
		return err
	})
}

// importStream is the initial commit as `git fast-import` reads it: one process however many files there are.
func importStream(files []seedFile, by Signature) []byte {
	var b bytes.Buffer
	who := fmt.Sprintf("%s <%s> %d +0000", by.Name, by.Email, by.When.Unix())
	fmt.Fprintf(&b, "commit refs/heads/%s\nauthor %s\ncommitter %s\n", DefaultBranch, who, who)
	data(&b, []byte("Initial commit\n"))
	for _, f := range files {
		fmt.Fprintf(&b, "M %s inline %s\n", f.mode, quotePath(f.path))
		data(&b, f.content)
	}
	b.WriteString("done\n")
	return b.Bytes()
}

func data(b *bytes.Buffer, content []byte) {
	fmt.Fprintf(b, "data %d\n", len(content))
	b.Write(content)
	b.WriteByte('\n')
}

// quotePath writes a path as fast-import wants one that may hold any byte.
func quotePath(p string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(p) + `"`
}
