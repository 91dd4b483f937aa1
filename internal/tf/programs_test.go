package tf

import (
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/drbot/drbot/dr"
)

// starts is a resource that starts a program.
func starts(meta, command string) string {
	return "resource \"terraform_data\" \"r\" {\n" + meta + "  provisioner \"local-exec\" {\n    command = " + command + "\n  }\n}\n"
}

// TestPrograms says which commits have another program run, or the same one with something
// else to read (plans.md 26): what it names cannot be told in full.
func TestPrograms(t *testing.T) {
	const at = "live/portal/tokyo/"
	one := func(name string) [2]map[string]string {
		return [2]map[string]string{{at + name: "echo a\n"}, {at + name: "echo b\n"}}
	}
	elsewhere := [2]map[string]string{{}, {"README.md": "2\n"}}
	beside := [2]map[string]string{{"live/portal/tools/lib.sh": "echo a\n"}, {"live/portal/tools/lib.sh": "echo b\n"}}
	each := "  for_each = toset([\"one\"])\n"
	w := newWorld(t)
	tf, g := w.terraform(), git{url: w.bare, mirror: filepath.Join(w.dir, "code.git")}
	svc, stack := portalService()
	base := w.commit(portal())
	for name, c := range map[string]struct {
		main  string // in the stack
		more  map[string]string
		moves [2]map[string]string // before and after
		same  bool                 // the same code runs
	}{
		// All that is where it runs.
		"a file named by each.key":     {main: starts(each, `file("${path.module}/hooks/${each.key}.sh")`), moves: one("hooks/one.sh")},
		"a script named by each.key":   {main: starts(each, `"bash ${path.module}/hooks/${each.key}.sh"`), moves: one("hooks/one.sh")},
		"a script named by a variable": {main: "variable \"hook\" { default = \"one\" }\n" + starts("", `"bash hooks/${var.hook}.sh"`), moves: one("hooks/one.sh")},
		"a name that is formatted":     {main: starts("", `format("bash %s/hooks/%s.sh", path.module, "one")`), moves: one("hooks/one.sh")},
		"a set of files":               {main: starts("", `join("\n", [for f in fileset(path.module, "hooks/*.sh") : file("${path.module}/${f}")])`), moves: one("hooks/one.sh")},
		"a pattern of the shell":       {main: starts("", `"cat hooks/*.sh | sh"`), moves: one("hooks/one.sh")},
		"make":                         {main: starts("", `"make deploy"`), moves: one("Makefile")},
		"make in a folder":             {main: starts("", `"make -C hooks deploy"`), moves: one("hooks/Makefile")},
		"a module of python":           {main: starts("", `"python3 -m hooks.one"`), moves: one("hooks/one.py")},
		"what a script imports":        {main: starts("", `"python3 run.py"`), more: map[string]string{at + "run.py": "import lib\n"}, moves: one("lib.py")},
		"what a script of data imports": {main: "data \"external\" \"e\" {\n  program = [\"python3\", \"${path.module}/run.py\"]\n}\n",
			more: map[string]string{at + "run.py": "import lib\n"}, moves: one("lib.py")},
		"a program that logs in":       {main: "provider \"kubernetes\" {\n  exec {\n    command = \"make\"\n  }\n}\n", moves: one("Makefile")},
		"a resource that is a script":  {main: "resource \"shell_script\" \"s\" {\n  lifecycle_commands {\n    create = \"make\"\n  }\n}\n", moves: one("Makefile")},
		"an action":                    {main: "action \"local_command\" \"s\" {\n  config {\n    command = \"make\"\n  }\n}\n", moves: one("Makefile")},
		"a module from elsewhere":      {main: "module \"m\" {\n  source = \"example/runner/aws\"\n}\n", moves: one("Makefile")},
		"a program in JSON":            {more: map[string]string{at + "r.tf.json": `{"resource": {"terraform_data": {"r": {"provisioner": {"local-exec": {"command": "make"}}}}}}`}, moves: one("Makefile")},
		"what a link there leads to":   {main: starts("", `"make"`), more: map[string]string{at + "hooks": "-> ../tools"}, moves: beside},
		"in the folder of its module":  {main: "module \"u\" {\n  source = \"../../../modules/unused\"\n}\n", more: map[string]string{"modules/unused/r.tf": starts("", `"make -C ${path.module}"`)}, moves: [2]map[string]string{{"modules/unused/Makefile": "a:\n"}, {"modules/unused/Makefile": "b:\n"}}},
		"and where that is called":     {main: "module \"u\" {\n  source = \"../../../modules/unused\"\n}\n", more: map[string]string{"modules/unused/r.tf": starts("", `"make"`)}, moves: one("Makefile")},
		"by a folder that it is given": {main: "module \"u\" {\n  source = \"../../../modules/unused\"\n  at = \"../tools\"\n}\n", more: map[string]string{"modules/unused/r.tf": "variable \"at\" {}\n" + starts("", `"make -C ${var.at}"`)}, moves: beside},
		// What it names beside that.
		"a folder beside":                {main: starts("", `"cd ../tools && sh *.sh"`), moves: beside},
		"a pattern beside":               {main: starts("", `"cat ../tools/*.sh | sh"`), moves: beside},
		"a pattern beside, of terraform": {main: starts(each, `"sh ${path.module}/../tools/${each.key}.sh"`), moves: beside},
		"beside a script beside":         {main: starts("", `"sh ../tools/run.sh"`), more: map[string]string{"live/portal/tools/run.sh": "for f in l*; do . $f; done\n"}, moves: beside},
		"beside a script above":          {main: starts("", `"sh ../run.sh"`), more: map[string]string{"live/portal/run.sh": "for f in l*; do . $f; done\n"}, moves: [2]map[string]string{{"live/portal/lib.sh": "a\n"}, {"live/portal/lib.sh": "b\n"}}},
		"by a script in a folder":        {main: starts("", `"sh hooks/run.sh"`), more: map[string]string{at + "hooks/run.sh": "sh \"$(dirname \"$0\")/../../tools/lib.sh\"\n"}, moves: beside},
		"by what it is told of itself":   {main: starts("  input = \"../tools\"\n", `"make -C ${self.input}"`), moves: beside},
		"by what another resource has":   {main: "resource \"terraform_data\" \"o\" {\n  input = \"../tools\"\n}\n" + starts("", `"make -C ${terraform_data.o.output}"`), moves: beside},
		// What cannot be told.
		"from two folders up":             {main: starts("", `"cd ../.. && make"`), moves: elsewhere},
		"from a folder up that is told":   {main: "locals { up = \"../..\" }\n" + starts(each, `"sh ${local.up}/hooks/${each.key}.sh"`), moves: elsewhere},
		"from the module's, up":           {main: starts("", `"make -C ${path.module}/../.."`), moves: elsewhere},
		"from the top":                    {main: starts("", `"make -C $(git rev-parse --show-toplevel)"`), moves: elsewhere},
		"from a script that goes up":      {main: starts("", `"sh hooks/run.sh"`), more: map[string]string{at + "hooks/run.sh": "cd \"$(dirname \"$0\")/../..\"\nmake\n"}, moves: elsewhere},
		"from one that matches a pattern": {main: starts("", `"cat hooks/*.sh | sh"`), more: map[string]string{at + "hooks/run.sh": "cd ../..\nmake\n"}, moves: elsewhere},
		"from python":                     {main: starts("", `"python3 run.py"`), more: map[string]string{at + "run.py": "import pathlib\nexec(open(pathlib.Path(__file__).parents[2] / 'x').read())\n"}, moves: elsewhere},
		"a way up that is put together":   {main: starts("", `"cd .${"."}/x && make"`), moves: elsewhere},
		"a link that goes up":             {main: starts("", `"make"`), more: map[string]string{at + "up": "-> ../.."}, moves: elsewhere},
		// And what is told.
		"told: what is elsewhere":            {main: starts(each, `"cat hooks/*.sh ${each.key} | sh"`), more: map[string]string{at + "hooks/one.sh": ". \"$(dirname \"$0\")/lib.sh\"\ncd /tmp\n"}, moves: elsewhere, same: true},
		"told: a program of the system":      {main: starts("", `"aws sts get-caller-identity --query '[*].Arn' > /dev/null"`), moves: elsewhere, same: true},
		"told: what is beside what it names": {main: starts("", `"sh ../tools/run.sh"`), more: map[string]string{"live/portal/tools/run.sh": "echo\n"}, moves: [2]map[string]string{{}, {"live/portal/shared/other.json": "2\n"}}, same: true},
		"told: the region":                   {main: starts("", `"sh ../run.sh"`), more: map[string]string{"live/portal/run.sh": "make\n"}, moves: [2]map[string]string{{}, {"live/portal/active_region.auto.tfvars": "active_region = \"ap-northeast-1\"\n"}}, same: true},
	} {
		t.Run(name, func(t *testing.T) {
			w.git(w.tree, "checkout", "-q", "-B", "case", base)
			first := map[string]string{portalMain: "variable \"active_region\" {}\n" + c.main}
			maps.Copy(first, c.more)
			maps.Copy(first, c.moves[0])
			commits := [2]string{w.write(first), w.write(c.moves[1])}
			var code [2]string
			for i, sha := range commits {
				var err error
				if code[i], err = codeAt(t, g, sha, stack); err != nil {
					t.Fatal(err)
				}
			}
			if same := code[0] == code[1]; same != c.same {
				t.Errorf("the same code runs: %t", same)
			}
			changed, err := tf.Changed(t.Context(), dr.TreesRequest{
				Service: svc, Stacks: []dr.Stack{stack}, From: dr.Tree{Commit: commits[0]}, To: dr.Tree{Commit: commits[1]},
			})
			if err != nil || !changed && !c.same {
				t.Errorf("it is not planned again: %v", err)
			}
		})
	}
}

// TestAnotherProgramIsAsked is the same by Terraform itself: a program that was approved by
// nobody does not run in an apply, which has the rights to write.
func TestAnotherProgramIsAsked(t *testing.T) {
	for name, c := range map[string]struct{ command, file string }{
		"a pattern": {`"cat hooks/*.sh | sh"`, "app/hooks/one.sh"},
		"a format":  {`format("sh %s/hooks/%s.sh", path.module, "one")`, "app/hooks/one.sh"},
		"a source":  {`"sh run.sh"`, "app/lib.sh"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			mark := filepath.Join(w.dir, "mark")
			all := files(starts("", c.command))
			all["app/run.sh"] = "for f in l*.sh; do . ./$f; done\n"
			all[c.file] = "echo approved > " + mark + "\n"
			req := w.request("k", w.commit(all))
			all[c.file] = "echo other > " + mark + "\n"
			req.Commit = w.write(all)
			if r := w.apply(req); r.Kind != dr.ApplyWider {
				t.Errorf("the apply is %s", r.Kind)
			}
			if ran, err := os.ReadFile(mark); err == nil && strings.TrimSpace(string(ran)) != "approved" {
				t.Errorf("it has run %q", ran)
			}
		})
	}
}
