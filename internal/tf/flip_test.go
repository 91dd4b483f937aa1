package tf

import (
	"maps"
	"strings"
	"testing"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/text/texttest"
)

func TestCase4TheFlipReachesEveryStack(t *testing.T) {
	w := newWorld(t)
	const resource = `
resource "terraform_data" "region" {
  input = var.active_region
}
`
	declared := func(more string) string {
		return strings.Replace(header, "type = string", "type = string\n  "+more, 1) + resource
	}
	const old, link = `active_region = "ap-northeast-2"`, "app/active_region.auto.tfvars"
	for name, c := range map[string]struct {
		change  map[string]string
		without string
		says    string // nothing where it reaches the stack
	}{
		"by the link":                     {},
		"a later file that says the same": {change: map[string]string{"app/zz.auto.tfvars": `active_region = "ap-northeast-1"`}},
		"a later file": {
			change: map[string]string{"app/zz.auto.tfvars": old},
			says:   "zz.auto.tfvars sets active_region after the link does, and the last one counts.",
		},
		"a later file in JSON": {
			change: map[string]string{"app/zz.auto.tfvars.json": `{"active_region": "ap-northeast-2"}`},
			says:   "zz.auto.tfvars.json sets active_region after the link does, and the last one counts.",
		},
		"an earlier file": {change: map[string]string{"app/terraform.tfvars": old}},
		"a copy": {
			change: map[string]string{link: old}, without: link,
			says: "active_region.auto.tfvars sets active_region and is a copy, not a link to the file that is changed.",
		},
		"a default and no link": {
			change: map[string]string{"app/main.tf": declared(`default = "ap-northeast-2"`)}, without: link,
			says: "None of its files sets active_region: the link is missing, and a default is used.",
		},
		"a local instead": {
			change: map[string]string{"app/main.tf": `
terraform {
  backend "local" {}
}
locals {
  active_region = "ap-northeast-2"
}
resource "terraform_data" "region" {
  input = local.active_region
}
`},
			says: "It declares no variable active_region.",
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := w.branch(t)
			all := files(resource)
			maps.DeleteFunc(all, func(name, _ string) bool { return name == c.without })
			maps.Copy(all, c.change)
			all["active_region.auto.tfvars"] = `active_region = "ap-northeast-1"`
			req := dr.PlanRequest{
				Service: dr.Service{Repository: dr.Repository{File: "active_region.auto.tfvars"}},
				Stack:   w.stack(), Commit: w.commit(all), Flip: "ap-northeast-1",
			}
			p, err := w.terraform().Plan(t.Context(), req)
			if c.says == "" && (err != nil || len(p.Changes) != 1) {
				t.Fatalf("plan %+v, %v", p, err)
			}
			want := "The flip does not reach stack app: its plan is not made for ap-northeast-1. " + c.says
			if what, next := texttest.Told(t, err); c.says != "" && (what != want || dr.CodeOf(err) != dr.Conflict || !strings.Contains(next, "active_region.auto.tfvars")) {
				t.Errorf("refused with %q, %q", what, next)
			}

			// Every night, before anybody needs it.
			req.Flip, req.Drift = "", true
			p, err = w.terraform().Plan(t.Context(), req)
			if err != nil || p.Unreached.Empty() != (c.says == "") || c.says != "" && texttest.Say(t, p.Unreached) != c.says {
				t.Errorf("drift %+v, %v", p.Unreached, err)
			}
		})
	}
}
