package tf

import (
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/drbot/drbot/dr"
)

// portal is a repository as teams have it: a stack with the active_region file linked in,
// a module beside it that reaches another, and what belongs to others.
func portal() map[string]string {
	return map[string]string{
		"live/portal/active_region.auto.tfvars":       "active_region = \"ap-northeast-2\"\n",
		"live/portal/tokyo/active_region.auto.tfvars": "-> ../active_region.auto.tfvars",
		"live/portal/tokyo/main.tf": `
terraform {
  required_providers { aws = { source = "hashicorp/aws", version = "~> 5.0" } }
}
variable "active_region" {}
variable "region" { default = "ap-northeast-1" }
locals { endpoint = "https://${var.region}.example.com" }
provider "aws" {
  region = var.region # Tokyo
  endpoints { s3 = local.endpoint }
}
module "web" {
  source = "../../../modules/web"
  count_ = 2
}
resource "aws_x" "a" {
  policy = file("../shared/policy.json")
  user   = templatefile("${path.module}/user.tpl", { a = 1 })
  zip    = "../lambda/web.zip"
  abs    = abspath("${path.module}/../lambda/job.zip")
  plain  = "${path.module}/inside.txt"
}
resource "terraform_data" "run" {
  provisioner "local-exec" {
    command = "bash scripts/run.sh --fast"
  }
}
`,
		"live/portal/tokyo/user.tpl":           "#!/bin/sh\ncd ..\n${file(\"../shared/motd\")}\n",
		"live/portal/tokyo/inside.txt":         "1\n",
		"live/portal/tokyo/scripts/run.sh":     "echo 1\n",
		"live/portal/tokyo/values.auto.tfvars": "region = \"ap-northeast-1\"\n",
		"live/portal/shared/policy.json":       "{}\n",
		"live/portal/shared/motd":              "hello\n",
		"live/portal/shared/other.json":        "{}\n",
		"live/portal/lambda/web.zip":           "1\n",
		"live/portal/lambda/job.zip":           "1\n",
		"live/portal/lambda/none.zip":          "1\n",
		"modules/web/main.tf":                  "variable \"count_\" {}\nmodule \"inner\" {\n  source = \"../inner\"\n}\n",
		"modules/web/docs/README.md":           "web\n",
		"modules/inner/main.tf":                "resource \"aws_y\" \"b\" {\n  size = 1\n}\n",
		"modules/inner/linked":                 "-> ../far",
		"modules/far/data.txt":                 "far\n",
		"modules/unused/main.tf":               "resource \"aws_z\" \"c\" {}\n",
		"live/shop/main.tf":                    "resource \"aws_z\" \"c\" {}\n",
		"README.md":                            "hello\n",
	}
}

func portalService() (dr.Service, dr.Stack) {
	return dr.Service{Name: "portal", Repository: dr.Repository{Owner: "example", Name: "infra", Base: "main", File: "live/portal/active_region.auto.tfvars"}},
		dr.Stack{Name: "tokyo", Dir: "live/portal/tokyo", Role: dr.RegionStack}
}

// write replaces files, links too.
func (w *world) write(files map[string]string) string {
	w.t.Helper()
	for name := range files {
		if err := os.Remove(filepath.Join(w.tree, name)); err != nil && !os.IsNotExist(err) {
			w.t.Fatal(err)
		}
	}
	return w.commit(files)
}

// swap changes something in a file of the portal.
func swap(name, old, now string) map[string]string {
	return map[string]string{name: strings.Replace(portal()[name], old, now, 1)}
}

const portalMain = "live/portal/tokyo/main.tf"

// TestTrees says which commits change what a stack reads, and which the code that it runs.
func TestTrees(t *testing.T) {
	w := newWorld(t)
	tf, g := w.terraform(), git{url: w.bare, mirror: filepath.Join(w.dir, "code.git")}
	svc, stack := portalService()
	base := w.commit(portal())
	for name, c := range map[string]struct {
		before      map[string]string // beside the portal's
		move        map[string]string
		trees, code bool
	}{
		"21: a file of nobody's":                     {move: map[string]string{"README.md": "2\n"}},
		"25: another service's file":                 {move: map[string]string{"live/shop/main.tf": "# 2\n"}},
		"a module that nobody calls":                 {move: map[string]string{"modules/unused/main.tf": "# 2\n"}},
		"a file beside one that is named":            {move: map[string]string{"live/portal/shared/other.json": "2\n", "live/portal/lambda/none.zip": "2\n"}},
		"a new folder beside":                        {move: map[string]string{"live/portal/more/main.tf": "# 2\n"}},
		"a resource of the stack":                    {move: map[string]string{"live/portal/tokyo/new.tf": "resource \"aws_x\" \"n\" {}\n"}, trees: true},
		"a comment of the stack":                     {move: swap(portalMain, "# Tokyo", "# the standby"), trees: true},
		"a module it calls":                          {move: map[string]string{"modules/web/docs/README.md": "2\n"}, trees: true},
		"a module that one calls":                    {move: map[string]string{"modules/inner/main.tf": "resource \"aws_y\" \"b\" {\n  size = 2\n}\n"}, trees: true},
		"what a link in a module leads to":           {move: map[string]string{"modules/far/data.txt": "2\n"}, trees: true},
		"the link itself":                            {move: map[string]string{"modules/inner/linked": "-> ../unused"}, trees: true},
		"the active_region file":                     {move: map[string]string{"live/portal/active_region.auto.tfvars": "active_region = \"ap-northeast-1\"\n"}, trees: true},
		"the link to it":                             {move: map[string]string{"live/portal/tokyo/active_region.auto.tfvars": "active_region = \"ap-northeast-1\"\n"}, trees: true},
		"the lock file":                              {move: map[string]string{"live/portal/tokyo/.terraform.lock.hcl": "# 2\n"}, trees: true},
		"git's own rules for files":                  {move: map[string]string{".gitattributes": "*.tf text eol=crlf\n"}, trees: true},
		"a file that is named with a way up":         {move: map[string]string{"live/portal/lambda/web.zip": "2\n"}, trees: true},
		"so, as an absolute path":                    {move: map[string]string{"live/portal/lambda/job.zip": "2\n"}, trees: true},
		"26: a file of a function":                   {move: map[string]string{"live/portal/shared/policy.json": "2\n"}, trees: true, code: true},
		"26: a template":                             {move: map[string]string{"live/portal/tokyo/user.tpl": "2\n"}, trees: true, code: true},
		"26: a file that a template reads":           {move: map[string]string{"live/portal/shared/motd": "2\n"}, trees: true, code: true},
		"26: a file beside a program":                {move: map[string]string{"live/portal/tokyo/inside.txt": "2\n"}, trees: true, code: true},
		"26: a provisioner's command":                {move: swap(portalMain, "--fast", "--slow"), trees: true, code: true},
		"26: a provisioner's script":                 {move: map[string]string{"live/portal/tokyo/scripts/run.sh": "2\n"}, trees: true, code: true},
		"26: a provisioner in a module of a module":  {move: map[string]string{"modules/inner/run.tf": "resource \"terraform_data\" \"r\" {\n  provisioner \"local-exec\" {\n    command = \"true\"\n  }\n}\n"}, trees: true, code: true},
		"26: an external data source":                {move: map[string]string{"live/portal/tokyo/ext.tf": "data \"external\" \"e\" {\n  program = [\"true\"]\n}\n"}, trees: true, code: true},
		"26: an http data source":                    {move: map[string]string{"modules/web/h.tf": "data \"http\" \"h\" {\n  url = \"https://example.com\"\n}\n"}, trees: true, code: true},
		"26: a local file read as data":              {move: map[string]string{"modules/web/h.tf": "data \"local_file\" \"h\" {\n  filename = \"x\"\n}\n"}, trees: true, code: true},
		"26: a data source that asks AWS":            {move: map[string]string{"modules/web/h.tf": "data \"aws_vpc\" \"h\" {}\n"}, trees: true},
		"26: a provider's configuration":             {move: swap(portalMain, "s3 = local.endpoint", "sts = local.endpoint"), trees: true, code: true},
		"26: a local that a provider refers to":      {move: swap(portalMain, "example.com", "example.net"), trees: true, code: true},
		"26: a variable that a provider refers to":   {move: map[string]string{"live/portal/tokyo/values.auto.tfvars": "region = \"ap-northeast-3\"\n"}, trees: true, code: true},
		"26: its default":                            {move: swap(portalMain, `default = "ap-northeast-1"`, `default = "ap-northeast-3"`), trees: true, code: true},
		"26: a backend":                              {move: swap(portalMain, "terraform {", "terraform {\n  backend \"s3\" {}"), trees: true, code: true},
		"26: a provider's version":                   {move: swap(portalMain, "~> 5.0", "~> 6.0"), trees: true, code: true},
		"26: a module's source":                      {move: swap(portalMain, "modules/web\"", "modules/inner\""), trees: true, code: true},
		"26: another argument of a module":           {move: swap(portalMain, "count_ = 2", "count_ = 3"), trees: true},
		"26: a comment in what runs":                 {move: swap(portalMain, "bash scripts/run.sh --fast\"", "bash scripts/run.sh --fast\" # quick"), trees: true},
		"26: a file in JSON is code as a whole":      {move: map[string]string{"modules/web/more.tf.json": `{"output": {"o": {"value": 1}}}`}, trees: true, code: true},
		"not told: a function of an unknown file":    {before: map[string]string{"modules/web/f.tf": "output \"f\" {\n  value = file(var.count_)\n}\n"}, move: map[string]string{"README.md": "2\n"}, trees: true},
		"not told: a name made of a variable":        {before: map[string]string{"modules/web/f.tf": "output \"f\" {\n  value = file(\"${path.module}/${var.count_}\")\n}\n"}, move: map[string]string{"README.md": "2\n"}, trees: true},
		"not told: the folder above a module":        {before: map[string]string{"modules/web/f.tf": "output \"f\" {\n  value = dirname(abspath(path.module))\n}\n"}, move: map[string]string{"README.md": "2\n"}, trees: true},
		"not told: a way up that is put together":    {before: map[string]string{"modules/web/f.tf": "output \"f\" {\n  value = join(\"/\", [\"..\", \"..\", \"..\", \"x\"])\n}\n"}, move: map[string]string{"README.md": "2\n"}, trees: true},
		"not told: an external program":              {before: map[string]string{"modules/web/f.tf": "data \"external\" \"e\" {\n  program = [\"true\"]\n}\n"}, move: map[string]string{"README.md": "2\n"}, trees: true},
		"not told: a function of a provider":         {before: map[string]string{"modules/web/f.tf": "output \"f\" {\n  value = provider::local::direxists(\"x\")\n}\n"}, move: map[string]string{"README.md": "2\n"}, trees: true},
		"not told: a file that cannot be parsed":     {before: map[string]string{"modules/web/f.tf": "output {{\n"}, move: map[string]string{"README.md": "2\n"}, trees: true},
		"not told: the repository by its address":    {before: map[string]string{"modules/web/f.tf": "module \"m\" {\n  source = \"git::https://example.com/DIR//modules/inner\"\n}\n"}, move: map[string]string{"README.md": "2\n"}, trees: true},
		"told: a function of a provider of values":   {before: map[string]string{"modules/web/f.tf": "output \"f\" {\n  value = provider::aws::arn_parse(\"x\")\n}\n"}, move: map[string]string{"README.md": "2\n"}},
		"told: a module from elsewhere":              {before: map[string]string{"modules/web/f.tf": "module \"m\" {\n  source = \"terraform-aws-modules/vpc/aws\"\n}\n"}, move: map[string]string{"README.md": "2\n"}},
		"told: a set of files in the module":         {before: map[string]string{"modules/web/f.tf": "output \"f\" {\n  value = fileset(path.module, \"docs/*.md\")\n}\n"}, move: map[string]string{"README.md": "2\n"}},
		"told: a set of files beside the module":     {before: map[string]string{"modules/web/f.tf": "output \"f\" {\n  value = fileset(\"${path.module}/../unused\", \"*.tf\")\n}\n"}, move: map[string]string{"modules/unused/n.tf": "# 2\n"}, trees: true, code: true},
		"told: a file in JSON that calls a module":   {before: map[string]string{"modules/web/f.tf.json": `{"module": {"m": {"source": "../unused"}}}`}, move: map[string]string{"modules/unused/main.tf": "# 2\n"}, trees: true},
		"told: a file that was not there, and comes": {before: map[string]string{"modules/web/f.tf": "output \"f\" {\n  value = fileexists(\"../../late\")\n}\n"}, move: map[string]string{"live/late": "1\n"}, trees: true, code: true},
	} {
		t.Run(name, func(t *testing.T) {
			w.git(w.tree, "checkout", "-q", "-B", "case", base)
			from := base
			if c.before != nil {
				own := maps.Clone(c.before)
				for name, content := range own {
					own[name] = strings.ReplaceAll(content, "DIR", filepath.Base(w.dir)+"/infra.git")
				}
				from = w.write(own)
			}
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

// TestTreesOfMerges compares what a merge gives with what it was planned to give, whatever
// commits it is made of.
func TestTreesOfMerges(t *testing.T) {
	w := newWorld(t)
	tf := w.terraform()
	svc, stack := portalService()
	base := w.commit(portal())
	head := w.write(map[string]string{svc.Repository.File: "active_region = \"ap-northeast-1\"\n"})
	w.git(w.tree, "checkout", "-q", "-B", "main", base)
	elsewhere := w.write(map[string]string{"README.md": "2\n"})
	inStacks := w.write(map[string]string{"modules/inner/main.tf": "# 2\n"})
	merge := func(on string) string {
		w.git(w.tree, "checkout", "-q", "-B", "merge", on)
		w.git(w.tree, "merge", "-q", "--no-ff", "--no-edit", head)
		w.git(w.tree, "push", "-q", "-f", "origin", "HEAD")
		return w.git(w.tree, "rev-parse", "HEAD")
	}
	planned := dr.Tree{Commit: head, MergeInto: base}
	for name, c := range map[string]struct {
		to   dr.Tree
		want bool
	}{
		"the head itself":               {dr.Tree{Commit: head}, false},
		"its merge":                     {dr.Tree{Commit: merge(base)}, false},
		"a merge upon another base":     {dr.Tree{Commit: merge(elsewhere)}, false},
		"the merge it would be":         {dr.Tree{Commit: head, MergeInto: elsewhere}, false},
		"a merge upon other trees":      {dr.Tree{Commit: merge(inStacks)}, true},
		"the merge that one would be":   {dr.Tree{Commit: head, MergeInto: inStacks}, true},
		"the base without the change":   {dr.Tree{Commit: elsewhere}, true},
		"the change upon what is older": {dr.Tree{Commit: head, MergeInto: head}, false},
	} {
		changed, err := tf.Changed(t.Context(), dr.TreesRequest{Service: svc, Stacks: []dr.Stack{stack}, From: planned, To: c.to})
		if err != nil || changed != c.want {
			t.Errorf("%s: %t, %v", name, changed, err)
		}
	}
}

// TestTreesOfAStrangersRepository reads what was made to make reading hard: it ends, and
// what is not told counts as everything.
func TestTreesOfAStrangersRepository(t *testing.T) {
	w := newWorld(t)
	tf := w.terraform()
	svc, stack := portalService()
	base := w.commit(portal())
	for name, text := range map[string]string{
		"self.tf":     "module \"a\" {\n  source = \"./\"\n}\nmodule \"b\" {\n  source = \"./\"\n}\n",
		"brackets.tf": "locals {\n  x = " + strings.Repeat("(", 100_000) + "\n}\n",
		"signs.tf":    "locals {\n  x = " + strings.Repeat("!", 100_000) + "true\n}\n",
		"ifs.tf":      "locals {\n  x = " + strings.Repeat("a ? b : ", 20_000) + "c\n}\n",
		"blocks.tf":   strings.Repeat("a {\n", 50_000),
		"texts.tf":    "locals {\n  x = \"" + strings.Repeat("%{ if a }", 20_000) + "\"\n}\n",
		"large.tf":    strings.Repeat("# a comment\n", 100_000),
		"deep.json":   "",
	} {
		t.Run(name, func(t *testing.T) {
			w.git(w.tree, "checkout", "-q", "-B", "case", base)
			from := w.write(map[string]string{"live/portal/tokyo/" + name: text, "live/portal/tokyo/loop": "-> loop", "live/portal/tokyo/out.tf": "-> ../../../../../etc/passwd"})
			to := w.write(map[string]string{"README.md": "2\n"})
			changed, err := tf.Changed(t.Context(), dr.TreesRequest{Service: svc, Stacks: []dr.Stack{stack}, From: dr.Tree{Commit: from}, To: dr.Tree{Commit: to}})
			if err != nil || changed != strings.HasSuffix(name, ".tf") {
				t.Errorf("changed: %t, %v", changed, err)
			}
		})
	}
	for _, text := range []string{strings.Repeat("(", deepest), strings.Repeat("# -----\n", 20_000), portal()[portalMain]} {
		if !mayParse(text) {
			t.Errorf("%.20q is not read", text)
		}
	}
}

// codeAt names the code that a stack of a commit runs.
func codeAt(t *testing.T, g git, sha string, stack dr.Stack) (string, error) {
	t.Helper()
	_, tree, err := g.tree(t.Context(), dr.Tree{Commit: sha})
	if err != nil {
		return "", err
	}
	snap, err := g.snapshot(t.Context(), tree)
	if err != nil {
		return "", err
	}
	r, err := read(t.Context(), snap, g.own(), stack)
	if err != nil {
		return "", err
	}
	return r.codeHash(), nil
}
