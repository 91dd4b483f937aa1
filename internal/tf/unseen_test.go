package tf

import (
	"path/filepath"
	"strings"
	"testing"
)

// TestWriteOnly says which commits change what no plan has: the arguments that a provider
// is given and keeps to itself.
func TestWriteOnly(t *testing.T) {
	const main = `
variable "password" {}
variable "keys" {}
locals {
  token = "one"
  other = "one"
}
ephemeral "aws_secretsmanager_secret_version" "s" {
  secret_id = "first"
}
ephemeral "aws_secretsmanager_secret_version" "nobodys" {
  secret_id = "third"
}
resource "aws_ssm_parameter" "plain" {
  value_wo         = "plain"
  value_wo_version = 1
  description      = "here"
}
resource "aws_ssm_parameter" "of_a_local" {
  value_wo = local.token
}
resource "aws_x" "nested" {
  login {
    password_wo = "nested"
    user        = "here"
  }
  dynamic "logins" {
    for_each = ["many"]
    content {
      password_wo = logins.value
    }
  }
  settings = { "password_wo" = "object", size = 1 }
  for_each = toset(["each"])
}
resource "aws_y" "by_its_value" {
  secret = ephemeral.aws_secretsmanager_secret_version.s.secret_string
}
module "m" {
  source   = "./m"
  for_each = toset(["called"])
  password = "argument ${each.value}"
}
`
	of := func(old, now string) map[string]string {
		if !strings.Contains(main, old) {
			t.Fatalf("there is no %s", old)
		}
		return map[string]string{
			"app/main.tf":   strings.Replace(main, old, now, 1),
			"app/m/main.tf": "variable \"password\" {}\nresource \"aws_ssm_parameter\" \"m\" {\n  value_wo = var.password\n}\n",
		}
	}
	w := newWorld(t)
	g := git{url: w.bare, mirror: filepath.Join(w.dir, "code.git")}
	code := func(files map[string]string) string {
		t.Helper()
		c, err := codeAt(t, g, w.commit(files), w.stack())
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	base := code(of(main, main))
	for name, c := range map[string]struct {
		old, now string
		other    bool
	}{
		"a value":                           {`"plain"`, `"two"`, true},
		"a local that it refers to":         {`token = "one"`, `token = "two"`, true},
		"in a block":                        {`"nested"`, `"two"`, true},
		"in a block that there are many of": {`"many"`, `"two"`, true},
		"in an object":                      {`"object"`, `"two"`, true},
		"what the resource goes over":       {`"each"`, `"two"`, true},
		"the secret that is looked up":      {`"first"`, `"second"`, true},
		"an argument of a module":           {`"argument `, `"two `, true},
		"what the module goes over":         {`"called"`, `"two"`, true},
		"an argument that a plan has":       {`description      = "here"`, `description      = "there"`, false},
		"another local":                     {`other = "one"`, `other = "two"`, false},
		"a secret that nobody takes":        {`"third"`, `"fourth"`, false},
		"an argument beside it":             {`user        = "here"`, `user        = "there"`, false},
	} {
		if other := code(of(c.old, c.now)) != base; other != c.other {
			t.Errorf("%s: other code runs: %t", name, other)
		}
	}
}
