package tf

import (
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/drbot/drbot/dr"
)

// Terraform itself takes a local module whose source has backslashes, on every system.
func TestBackslashesLeadToAModule(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"live/main.tf":    "module \"m\" {\n  source = \"..\\\\mods\\\\web\"\n}\noutput \"o\" {\n  value = module.m.o\n}\n",
		"mods/web/web.tf": "output \"o\" {\n  value = \"from web\"\n}\n",
	} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, args := range [][]string{{"init", "-no-color"}, {"plan", "-no-color"}} {
		cmd := exec.CommandContext(t.Context(), "terraform", args...)
		cmd.Dir = filepath.Join(dir, "live")
		out, err := cmd.CombinedOutput()
		if err != nil || args[0] == "plan" && !strings.Contains(string(out), "from web") {
			t.Fatalf("%v: %v\n%s", args, err, out)
		}
	}
}

// TestTreesOfOddWays says what a base may move that Terraform reads by a way that is not
// written out, and which other code it then runs.
func TestTreesOfOddWays(t *testing.T) {
	w := newWorld(t)
	tf, g := w.terraform(), git{url: w.bare, mirror: filepath.Join(w.dir, "code.git")}
	svc, stack := portalService()
	base := w.commit(portal())
	const at = "live/portal/tokyo/"
	elsewhere := map[string]string{"shared/x.json": "2\n"}
	localData := func(name string) string { return "data \"local_file\" \"x\" {\n  filename = " + name + "\n}\n" }
	for name, c := range map[string]struct {
		before, move map[string]string
		trees, code  bool
	}{
		"a module's source with backslashes": {
			before: map[string]string{at + "m.tf": "module \"b\" {\n  source = \"..\\\\..\\\\..\\\\modules\\\\unused\"\n}\n"},
			move:   map[string]string{"modules/unused/main.tf": "resource \"aws_z\" \"c\" {\n  size = 2\n}\n"}, trees: true},
		"so in JSON": {
			before: map[string]string{at + "m.tf.json": `{"module": {"b": {"source": "..\\..\\..\\modules\\unused"}}}`},
			move:   map[string]string{"modules/unused/main.tf": "resource \"aws_z\" \"c\" {\n  size = 2\n}\n"}, trees: true},
		"data local_command runs a program when planned": {
			before: map[string]string{at + "m.tf": "data \"local_command\" \"c\" {\n  command = \"scripts/run.sh\"\n}\n"},
			move:   elsewhere, trees: true},
		"data shell_script runs a program when planned": {
			before: map[string]string{at + "m.tf": "data \"shell_script\" \"c\" {\n  lifecycle_commands {\n    read = \"bash scripts/run.sh\"\n  }\n}\n"},
			move:   elsewhere, trees: true},
		"so in JSON: local_command": {
			before: map[string]string{at + "m.tf.json": `{"data": {"local_command": {"c": {"command": "scripts/run.sh"}}}}`},
			move:   elsewhere, trees: true},
		"a provider that gets its credentials by a program": {
			before: map[string]string{at + "m.tf": "provider \"kubernetes\" {\n  exec {\n    command = \"scripts/run.sh\"\n  }\n}\n"},
			move:   elsewhere, trees: true},
		"dirname of a local that keeps the folder": {
			before: map[string]string{at + "m.tf": "locals { here = abspath(path.module) }\n" + localData(`"${dirname(local.here)}/shared/other.json"`)},
			move:   map[string]string{"live/portal/shared/other.json": "2\n"}, trees: true},
		"dirname of abspath of a dot": {
			before: map[string]string{at + "m.tf": localData(`"${dirname(abspath("."))}/shared/other.json"`)},
			move:   map[string]string{"live/portal/shared/other.json": "2\n"}, trees: true},
		"the repository's root cut out of a text": {
			before: map[string]string{at + "m.tf": localData(`"${split("/live/", "${path.cwd}/")[0]}/shared/x.json"`)},
			move:   elsewhere, trees: true},
		"dirname of an argument of a module": {
			before: map[string]string{
				at + "m.tf":           "module \"u\" {\n  source = \"../../../modules/unused\"\n  root = abspath(path.root)\n}\n",
				"modules/unused/v.tf": "variable \"root\" {}\n" + localData(`"${dirname(var.root)}/shared/other.json"`)},
			move: map[string]string{"live/portal/shared/other.json": "2\n"}, trees: true},
		"a name kept in a file of values": {
			before: map[string]string{at + "conf.yaml": "lambda: ../../../shared/x.json\n", at + "m.tf": localData(`yamldecode(file("conf.yaml")).lambda`)},
			move:   elsewhere, trees: true, code: true},
		"a way up from a folder that is a link": {
			before: map[string]string{
				at + "m.tf":            "module \"l\" {\n  source = \"../../../modules/link\"\n}\n",
				"modules/link":         "-> ../other/deep/real",
				"other/deep/real/r.tf": localData(`"${path.module}/../beside.txt"`), "other/deep/beside.txt": "1\n"},
			move: map[string]string{"other/deep/beside.txt": "2\n"}, trees: true, code: true},
		"an overlay that reads what lies beside": {
			before: map[string]string{at + "m.tf": "data \"kustomization_build\" \"k\" {\n  path = \"kust/overlay\"\n}\n", at + "kust/overlay/kustomization.yaml": "resources: [../../../../../shared/base]\n"},
			move:   elsewhere, trees: true},
		"a name with a blank in it": {
			before: map[string]string{at + "m.tf": localData(`"../shared/my other.json"`)},
			move:   map[string]string{"live/portal/shared/my other.json": "2\n"}, trees: true},
		// What follows shows in no plan: another program runs.
		"a local that an override file sets": {
			before: map[string]string{
				at + "r.tf":          "locals { cmd = \"true\" }\nresource \"terraform_data\" \"r\" {\n  provisioner \"local-exec\" {\n    command = local.cmd\n  }\n}\n",
				at + "a_override.tf": "locals { cmd = \"sh a\" }\n"},
			move: map[string]string{at + "a_override.tf": "locals { cmd = \"sh b\" }\n"}, trees: true, code: true},
		"a default that an override file sets": {
			before: map[string]string{
				at + "r.tf":          "variable \"cmd\" { default = \"true\" }\nresource \"terraform_data\" \"r\" {\n  provisioner \"local-exec\" {\n    command = var.cmd\n  }\n}\n",
				at + "a_override.tf": "variable \"cmd\" { default = \"sh a\" }\n"},
			move: map[string]string{at + "a_override.tf": "variable \"cmd\" { default = \"sh b\" }\n"}, trees: true, code: true},
		"a module's argument that an override file sets": {
			before: map[string]string{
				at + "r.tf":           "module \"u\" {\n  source = \"../../../modules/unused\"\n  cmd = \"true\"\n}\n",
				at + "r_override.tf":  "module \"u\" {\n  cmd = \"sh a\"\n}\n",
				"modules/unused/v.tf": "variable \"cmd\" {}\nresource \"terraform_data\" \"r\" {\n  provisioner \"local-exec\" {\n    command = var.cmd\n  }\n}\n"},
			move: map[string]string{at + "r_override.tf": "module \"u\" {\n  cmd = \"sh b\"\n}\n"}, trees: true, code: true},
		"an output of a module that a provisioner runs": {
			before: map[string]string{
				at + "r.tf":           "module \"u\" {\n  source = \"../../../modules/unused\"\n}\nresource \"terraform_data\" \"r\" {\n  provisioner \"local-exec\" {\n    command = module.u.cmd\n  }\n}\n",
				"modules/unused/o.tf": "output \"cmd\" {\n  value = \"sh a\"\n}\n"},
			move: map[string]string{"modules/unused/o.tf": "output \"cmd\" {\n  value = \"sh b\"\n}\n"}, trees: true, code: true},
		"an argument of a module from elsewhere": {
			before: map[string]string{at + "r.tf": "module \"r\" {\n  source = \"example/runner/aws\"\n  version = \"1.0.0\"\n  command = \"sh a\"\n}\n"},
			move:   map[string]string{at + "r.tf": "module \"r\" {\n  source = \"example/runner/aws\"\n  version = \"1.0.0\"\n  command = \"sh b\"\n}\n"}, trees: true, code: true},
		"a template given as data": {
			before: map[string]string{at + "r.tf": "data \"template_file\" \"t\" {\n  template = \"sh a\"\n}\nresource \"terraform_data\" \"r\" {\n  provisioner \"local-exec\" {\n    command = data.template_file.t.rendered\n  }\n}\n"},
			move:   swapIn(at+"r.tf", "data \"template_file\" \"t\" {\n  template = \"sh b\"\n}\nresource \"terraform_data\" \"r\" {\n  provisioner \"local-exec\" {\n    command = data.template_file.t.rendered\n  }\n}\n"), trees: true, code: true},
		"a script that a script names": {
			before: map[string]string{at + "scripts/run.sh": ". scripts/lib.sh\n", at + "scripts/lib.sh": "echo a\n"},
			move:   map[string]string{at + "scripts/lib.sh": "echo b\n"}, trees: true, code: true},
		"a script beside a script": {
			before: map[string]string{at + "scripts/run.sh": ". \"$(dirname \"$0\")/lib.sh\"\n", at + "scripts/lib.sh": "echo a\n"},
			move:   map[string]string{at + "scripts/lib.sh": "echo b\n"}, trees: true, code: true},
		"a script named from the module's folder": {
			before: map[string]string{
				"modules/unused/v.tf":   "resource \"terraform_data\" \"r\" {\n  provisioner \"local-exec\" {\n    command = \"sh run.sh\"\n    working_dir = path.module\n  }\n}\n",
				"modules/unused/run.sh": "echo a\n",
				at + "r.tf":             "module \"u\" {\n  source = \"../../../modules/unused\"\n}\n"},
			move: map[string]string{"modules/unused/run.sh": "echo b\n"}, trees: true, code: true},
		"a script named from the module's folder as text": {
			before: map[string]string{
				"modules/unused/v.tf":   "resource \"terraform_data\" \"r\" {\n  provisioner \"local-exec\" {\n    command = \"cd ${path.module} && ./run.sh\"\n  }\n}\n",
				"modules/unused/run.sh": "echo a\n",
				at + "r.tf":             "module \"u\" {\n  source = \"../../../modules/unused\"\n}\n"},
			move: map[string]string{"modules/unused/run.sh": "echo b\n"}, trees: true, code: true},
		// And what stays elsewhere.
		"told: values in a file of the stack": {
			before: map[string]string{at + "conf.yaml": "lambda: inside.txt\nrange: 1..2\n", at + "m.tf": "locals {\n  conf = yamldecode(file(\"${path.module}/conf.yaml\"))\n  zone = split(\".\", local.conf.lambda)\n}\n"},
			move:   elsewhere},
		"told: functions of what is no path": {
			before: map[string]string{at + "m.tf": "locals {\n  here = path.module\n  name = \"a-b\"\n  part = split(\"-\", local.name)\n  more = replace(file(\"${local.name}/x\"), \"a\", \"b\")\n}\n"},
			move:   elsewhere, trees: true}, // the file's own name is not known
		"told: part of a text that is no path": {
			before: map[string]string{at + "m.tf": "locals {\n  here = path.module\n  name = \"a-b\"\n  part = split(\"-\", local.name)\n  hash = upper(filesha256(\"${path.module}/inside.txt\"))\n}\n"},
			move:   elsewhere},
		"told: a provider that logs in by the cloud's own program": {
			before: map[string]string{at + "m.tf": "provider \"kubernetes\" {\n  exec {\n    command = \"aws\"\n    args = [\"eks\", \"get-token\"]\n  }\n}\n"},
			move:   elsewhere},
	} {
		t.Run(name, func(t *testing.T) {
			w.git(w.tree, "checkout", "-q", "-B", "case", base)
			from := w.write(maps.Clone(c.before))
			to := w.write(c.move)
			changed, err := tf.Changed(t.Context(), dr.TreesRequest{
				Service: svc, Stacks: []dr.Stack{stack}, From: dr.Tree{Commit: from}, To: dr.Tree{Commit: to},
			})
			if err != nil || changed != c.trees {
				t.Errorf("changed: %t, %v", changed, err)
			}
			var code [2]string
			for i, sha := range []string{from, to} {
				if code[i], err = codeAt(t, g, sha, stack); err != nil {
					t.Fatal(err)
				}
			}
			if other := code[0] != code[1]; other != c.code {
				t.Errorf("other code runs: %t", other)
			}
		})
	}
}

func swapIn(name, text string) map[string]string { return map[string]string{name: text} }
