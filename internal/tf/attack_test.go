//go:build attack

package tf

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/internal/wall"
)

// attackProvider has the real provider look for credentials by a program that the repository
// brings along.
const attackProvider = `
terraform {
  required_providers {
    aws = { source = "hashicorp/aws" }
  }
}
provider "aws" {
  region                      = "us-east-1"
  profile                     = "stranger"
  shared_config_files         = ["${path.root}/stranger"]
  skip_metadata_api_check     = true
  skip_requesting_account_id  = true
  skip_region_validation      = true
  endpoints { sts = "http://127.0.0.1:9" }
  max_retries                 = 0
}
data "aws_caller_identity" "me" {}
`

// TestAttackByCredentialProcess has the AWS provider start a program: with the wall it cannot,
// without it does.
func TestAttackByCredentialProcess(t *testing.T) {
	plugins := os.Getenv("TF_PLUGIN_DIR")
	if plugins == "" {
		t.Skip("not proved here: TF_PLUGIN_DIR names no mirror with the AWS provider")
	}
	for name, walled := range map[string]bool{"with the wall": true, "without": false} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			mark := filepath.Join(w.dir, "started")
			all := files(attackProvider)
			all["app/stranger"] = fmt.Sprintf("[profile stranger]\ncredential_process = /bin/sh -c \"echo started > %s; echo '{\\\"Version\\\": 1, \\\"AccessKeyId\\\": \\\"a\\\", \\\"SecretAccessKey\\\": \\\"b\\\"}'\"\n", mark)
			w.opts.PluginDir, w.opts.Isolation.Shell = plugins, false
			if !walled {
				w.opts.Isolation = Isolation{}
			}
			svc := dr.Service{Code: dr.CodeRules{LockFileOptional: true}}
			for _, what := range []dr.CodeKind{dr.CodeProfile, dr.CodeSharedFiles, dr.CodeEndpoints} { // which would be refused before anything is tried
				svc.Code.Allow = append(svc.Code.Allow, dr.Allow{What: what, Reason: "what the wall is tried with"})
			}
			_, err := w.terraform().Plan(t.Context(), dr.PlanRequest{Service: svc, Stack: w.stack(), Commit: w.commit(all)})
			if err == nil {
				t.Error("the plan went well without anybody to answer")
			}
			_, started := os.Stat(mark)
			switch {
			case walled && started == nil:
				t.Errorf("credential_process RAN: %v", err)
			case walled:
				t.Logf("stopped by Landlock %d: nothing but Terraform and its providers is executed (%v)", wall.Look().Landlock, err)
			case started != nil:
				t.Errorf("it does not run without a wall either, so nothing is proved: %v", err)
			}
		})
	}
}
