package tf

import (
	"context"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// What a program that is started reads cannot be told: it may name its files by a pattern,
// put their names together, or read all that is beside it. So where one runs, all that is in
// the folder Terraform runs in and in that of the module is code, but for what Terraform
// itself reads there. What leads out of these folders is found as far as it is written down;
// where it is put together, everything is code.

// running is what a program that is started reads, among what a stack reads.
type running struct{ reads *reads }

// programmed takes a part of a module that starts a program.
func (r running) programmed(c *call, do func()) {
	r.folder(r.reads.stack)
	r.folder(r.reads.snap.resolve(c.dir).path)
	was := r.reads.strict
	r.reads.strict = true
	do()
	r.reads.strict = was
}

// afterwards does something when all modules are read, for the same purpose as now.
func (r running) afterwards(do func(context.Context) error) {
	strict := r.reads.strict
	r.reads.later = append(r.reads.later, func(ctx context.Context) error {
		was := r.reads.strict
		r.reads.strict = strict
		defer func() { r.reads.strict = was }()
		return do(ctx)
	})
}

// everything takes all of the repository as code.
func (r running) everything() {
	r.reads.whole = true
	r.reads.runs("everything", r.reads.snap.root)
}

// key names something that is looked into once for a program, and once otherwise.
func (r running) key(name string) string {
	if r.reads.strict {
		return "program\x00" + name
	}
	return name
}

// folder takes what is in a folder as code.
func (r running) folder(dir string) {
	if r.reads.known["folder\x00"+dir] {
		return
	}
	r.reads.known["folder\x00"+dir] = true
	r.reads.inside = append(r.reads.inside, dir)
	r.reads.add(dir)
	for name, e := range r.reads.snap.entries {
		if within, ok := below(name, dir); !ok || e.kind == kindTree || terraforms(within) {
			continue
		}
		r.reads.runs("folder", name, e.String())
		if e.mode == modeLink {
			r.linked(dir, r.reads.snap.resolve(name))
		}
	}
}

// linked takes what a link in a folder leads to.
func (r running) linked(dir string, f found) {
	switch _, in := below(f.path, dir); {
	case f.outside || !f.there || in:
	case above(f.path, dir):
		r.everything()
	default:
		r.reads.runs("linked", f.path, r.reads.snap.entries[f.path].String())
	}
}

// terraforms tells a file that Terraform itself reads: what of it is code is told by its parts.
func terraforms(name string) bool {
	name = path.Base(name)
	return strings.HasSuffix(name, ".tf") || isValues(name) || name == lockFileName
}

// below is the name of a file inside a folder.
func below(name, dir string) (string, bool) {
	if dir == "" || dir == "." {
		return name, name != ""
	}
	return strings.CutPrefix(name, dir+"/")
}

// climbing are the ways in which programs find folders above their own.
var climbing = regexp.MustCompile(`--show-toplevel|--show-cdup|OLDPWD|\bpardir\b|\.parents\[|\.parent\.parent|dirname[^\n]*dirname|dirname[^\n]*(pwd|PWD)|(pwd\)?|PWD\}?)["']?/\.\.|PWD%`)

// filled is what a shell or a format puts in the place of something.
var filled = regexp.MustCompile(`\$\{[^}\n]*\}|\$[A-Za-z_0-9@*#?]+|%[-0-9.]*[a-z]`)

// wild are the characters of a pattern.
const wild = unknown + "*?[]{}"

// told takes what the text of a program names, in one of the folders where it may be.
func (r running) told(text string, folders []string) {
	if climbing.MatchString(text) {
		r.everything()
	}
	for _, word := range split(filled.ReplaceAllString(text, unknown)) {
		up := slices.Contains(strings.Split(word, "/"), "..")
		switch {
		case strings.Contains(word, "://"):
		case up:
			r.above(word, folders)
		case strings.ContainsAny(word, wild) && strings.ContainsAny(strings.Trim(word, wild), "./"):
			for _, folder := range folders {
				r.pattern(word, folder, folders)
			}
		}
	}
}

// above takes what a word with a way up leads to. A word that goes on from something else
// is said of the last of the folders, where the text itself is.
func (r running) above(word string, folders []string) {
	from := folders
	if rest := strings.TrimPrefix(word, unknown); strings.HasPrefix(rest, "/") {
		word, from = rest, folders[len(folders)-1:]
	}
	some := false
	for _, folder := range from {
		if strings.ContainsAny(word, wild) {
			some = r.pattern(word, folder, folders) || some
			continue
		}
		f := r.reads.snap.resolve(folder + "/" + word)
		switch {
		case f.outside, f.there && r.climbs(f.path):
			r.everything()
			return
		case !f.there:
		case r.reads.snap.entries[f.path].kind == "blob":
			some = true
			r.beside(parent(f.path))
		default:
			some = true
			r.folder(f.path)
		}
	}
	if !some {
		r.everything() // it is put together with something
	}
}

// climbs tells whether a folder has one in it where programs run.
func (r running) climbs(dir string) bool {
	return slices.ContainsFunc(r.reads.inside, func(in string) bool { return dir != in && above(dir, in) })
}

// beside takes the files of a folder with a program in it: it may read them without a name.
func (r running) beside(dir string) {
	if !r.climbs(dir) {
		r.folder(dir)
		return
	}
	for _, name := range r.reads.snap.children[dir] {
		at := path.Join(dir, name)
		if e := r.reads.snap.entries[at]; e.kind != kindTree && !terraforms(name) {
			r.reads.named[at] = e.String()
			r.reads.runs("beside", at, e.String())
		}
	}
}

// pattern takes the files that a word with gaps in it may name; false when there are none.
func (r running) pattern(word, folder string, folders []string) bool {
	fixed := word[:strings.LastIndexByte(word[:strings.IndexAny(word, wild)], '/')+1]
	f := r.reads.snap.resolve(folder + "/" + fixed)
	switch {
	case f.outside, f.there && r.climbs(f.path), slices.Contains(strings.Split(word[len(fixed):], "/"), ".."):
		r.everything()
		return true
	case !f.there || r.reads.snap.entries[f.path].kind != kindTree:
		return false
	}
	r.folder(f.path)
	gaps := strings.FieldsFunc(word[len(fixed):], func(c rune) bool { return strings.ContainsRune(wild, c) })
	for i, g := range gaps {
		gaps[i] = regexp.QuoteMeta(g)
	}
	like := regexp.MustCompile(strings.Join(gaps, ".*"))
	for _, name := range slices.Sorted(maps.Keys(r.reads.snap.entries)) {
		if within, ok := below(name, f.path); ok && like.MatchString(within) {
			r.reads.runs("named", name, r.reads.snap.entries[name].String())
			r.look(name, folders)
		}
	}
	return true
}

// look takes what a file that a program is told of names in turn.
func (r running) look(name string, folders []string) {
	key := r.key(name + "\x00" + strings.Join(folders, "\x00"))
	if r.reads.known[key] || r.reads.snap.entries[name].kind != "blob" {
		return
	}
	r.reads.known[key] = true
	r.afterwards(func(ctx context.Context) error {
		if err := r.reads.snap.load(ctx, name); err != nil {
			return err
		}
		text := r.reads.snap.blobs[r.reads.snap.entries[name].id]
		switch {
		case len(text) > largestConfig:
			return nil
		case r.reads.strict && strings.Contains(text, "\x00"):
			if r.reads.snap.entries[name].mode == "100755" {
				r.everything() // a program that was built tells nothing
			}
			return nil
		}
		r.reads.files(text, from(folders, parent(name))...)
		return nil
	})
}

// from are the folders where what a file names may be: where Terraform runs, that of the
// module, and those of the file and of what named it.
func from(folders []string, own string) []string {
	by := slices.DeleteFunc(slices.Clone(folders[2:]), func(dir string) bool { return dir == own })
	return slices.Concat(folders[:2], by[max(0, len(by)-1):], []string{own})
}

// texts takes what the texts of a part name.
func (r running) texts(c *call, node hclsyntax.Node) {
	v := &visit{reads: r.reads, call: c, seen: map[hclsyntax.Node]bool{}}
	_ = hclsyntax.VisitAll(node, v.named)
}

// has takes what the texts of a resource name, which its programs are told as its own.
func (r running) has(c *call, b *hclsyntax.Block) {
	for _, name := range slices.Sorted(maps.Keys(b.Body.Attributes)) {
		if name != "depends_on" && name != "provider" {
			r.texts(c, b.Body.Attributes[name])
		}
	}
	for _, inner := range b.Body.Blocks {
		if inner.Type != "lifecycle" {
			r.texts(c, inner)
		}
	}
}

// resources takes what a resource has that a program is told of.
func (r running) resources(c *call, kind, name string) {
	for _, s := range c.sources {
		for _, b := range s.body.Blocks {
			if b.Type == "resource" && slices.Equal(b.Labels, []string{kind, name}) {
				r.has(c, b)
			}
		}
	}
}
