//go:build aws

package reference

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	tfjson "github.com/hashicorp/terraform-json"
	"github.com/zclconf/go-cty/cty"
)

func stringValue(name, value string) map[string]cty.Value {
	return map[string]cty.Value{name: cty.StringVal(value)}
}

// secure looks through everything that was applied: encryption at rest, nothing
// public, no wildcard action on a wildcard resource, no secret in a state.
func (tr *trial) secure(plans map[string]*tfjson.Plan) {
	tr.t.Helper()
	for stack, p := range plans {
		all := resources(p.PlannedValues.RootModule)
		if len(all) == 0 && stack != tr.to {
			tr.t.Errorf("%s has no resources: nothing was looked at", stack)
		}
		for _, fault := range insecure(all) {
			tr.t.Errorf("%s: %s", stack, fault)
		}
		data, err := tr.Pull(tr.ctx, stack)
		ok(tr.t, err)
		for what, leak := range leaks(data) {
			tr.t.Errorf("the state of %s holds %s: %s", stack, what, leak)
		}
	}
}

func resources(m *tfjson.StateModule) []*tfjson.StateResource {
	if m == nil {
		return nil
	}
	out := slices.Clone(m.Resources)
	for _, child := range m.ChildModules {
		out = append(out, resources(child)...)
	}
	return out
}

// encrypted says by type which attribute must be set for encryption at rest by a key
// of the service's own, or which must be true.
var encrypted = map[string][]string{
	"aws_rds_cluster":                 {"storage_encrypted", "kms_key_id"},
	"aws_rds_global_cluster":          {"storage_encrypted"},
	"aws_cloudwatch_log_group":        {"kms_key_id"},
	"aws_secretsmanager_secret":       {"kms_key_id"},
	"aws_ecr_repository":              {"encryption_configuration"},
	"aws_backup_vault":                {"kms_key_arn"},
	"aws_dynamodb_table":              {"server_side_encryption"},
	"aws_ebs_volume":                  {"encrypted", "kms_key_id"},
	"aws_db_instance":                 {"storage_encrypted", "kms_key_id"},
	"aws_sqs_queue":                   {"kms_master_key_id"},
	"aws_sns_topic":                   {"kms_master_key_id"},
	"aws_efs_file_system":             {"encrypted", "kms_key_id"},
	"aws_rds_cluster_activity_stream": {"kms_key_id"},
}

// insecure lists what is wrong with a set of resources.
func insecure(all []*tfjson.StateResource) []string {
	var out []string
	fault := func(r *tfjson.StateResource, format string, args ...any) {
		out = append(out, r.Address+": "+fmt.Sprintf(format, args...))
	}
	blocked, keyed := map[string]bool{}, map[string]bool{}
	for _, r := range all {
		bucket := fmt.Sprint(r.AttributeValues["bucket"])
		switch r.Type {
		case "aws_s3_bucket_public_access_block":
			full := true
			for _, k := range []string{"block_public_acls", "block_public_policy", "ignore_public_acls", "restrict_public_buckets"} {
				full = full && r.AttributeValues[k] == true
			}
			blocked[bucket] = full
		case "aws_s3_bucket_server_side_encryption_configuration":
			keyed[bucket] = strings.Contains(encoded(r.AttributeValues), `"sse_algorithm":"aws:kms"`)
		}
	}
	for _, r := range all {
		if r.Mode != tfjson.ManagedResourceMode {
			continue
		}
		for _, k := range encrypted[r.Type] {
			if v := encoded(r.AttributeValues[k]); v == "null" || v == "false" || v == `""` || v == "[]" {
				fault(r, "not encrypted: %s is %s", k, v)
			}
		}
		switch r.Type {
		case "aws_s3_bucket":
			name := fmt.Sprint(r.AttributeValues["bucket"])
			if !blocked[name] {
				fault(r, "public access is not blocked")
			}
			if !keyed[name] {
				fault(r, "not encrypted by a key of its own")
			}
		case "aws_lb":
			if r.AttributeValues["internal"] != true {
				fault(r, "reached from the Internet although internal = true")
			}
		}
		if strings.Contains(encoded(r.AttributeValues), `"0.0.0.0/0"`) || strings.Contains(encoded(r.AttributeValues), `"::/0"`) {
			fault(r, "open to every address")
		}
		for _, k := range []string{"policy", "assume_role_policy", "inline_policy"} {
			if doc, isText := r.AttributeValues[k].(string); isText && doc != "" {
				for _, s := range broad(doc) {
					fault(r, "%s allows %s", k, s)
				}
			}
		}
	}
	return out
}

// broad lists statements that allow a wildcard action on a wildcard resource.
func broad(doc string) []string {
	var p struct {
		Statement any
	}
	if err := json.Unmarshal([]byte(doc), &p); err != nil {
		return []string{"what is no JSON: " + err.Error()}
	}
	var out []string
	for _, s := range list(p.Statement) {
		st, isObject := s.(map[string]any)
		if !isObject || st["Effect"] != "Allow" {
			continue
		}
		if _, not := st["NotAction"]; not {
			out = append(out, "everything but a few actions")
		}
		if _, not := st["NotResource"]; not {
			out = append(out, "everything but a few resources")
		}
		for _, a := range list(st["Action"]) {
			action := fmt.Sprint(a)
			if action != "*" && !strings.HasSuffix(action, ":*") {
				continue
			}
			for _, r := range list(st["Resource"]) {
				if r == "*" {
					out = append(out, action+" on *")
				}
			}
		}
	}
	return out
}

func list(v any) []any {
	switch v := v.(type) {
	case nil:
		return nil
	case []any:
		return v
	default:
		return []any{v}
	}
}

// leaks finds secrets in a state: the values that were put by hand, and a password
// that anything still takes. The one exception is the host key of an SFTP server,
// for which providers below 6 have no other way; docs say so.
func leaks(state []byte) map[string]string {
	out := map[string]string{}
	var st struct {
		Resources []struct {
			Type, Name string
			Instances  []struct{ Attributes map[string]any }
		}
	}
	if err := json.Unmarshal(state, &st); err != nil {
		return map[string]string{"what is no JSON": err.Error()}
	}
	for _, r := range st.Resources {
		for _, i := range r.Instances {
			for k, v := range i.Attributes {
				text := encoded(v)
				where := r.Type + "." + r.Name + "." + k
				hostKey := r.Type == "aws_transfer_server" && k == "host_key" ||
					r.Type == "aws_secretsmanager_secret_version" && (k == "secret_string" || k == "secret_string_wo")
				if strings.Contains(text, "PRIVATE KEY") && !hostKey {
					out["a private key"] = where
				}
				if strings.Contains(text, appSecret) {
					out["the application's secret"] = where
				}
			}
		}
	}
	return out
}

// TestInsecure proves that the look can find something.
func TestInsecure(t *testing.T) {
	for name, r := range map[string]*tfjson.StateResource{
		"a bucket without anything": {Type: "aws_s3_bucket", AttributeValues: map[string]any{"bucket": "b"}},
		"an open rule":              {Type: "aws_security_group_rule", AttributeValues: map[string]any{"cidr_blocks": []any{"0.0.0.0/0"}}},
		"a plain database":          {Type: "aws_rds_cluster", AttributeValues: map[string]any{"storage_encrypted": false}},
		"all of a service":          {Type: "aws_iam_role_policy", AttributeValues: map[string]any{"policy": `{"Statement": {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}}`}},
		"all but":                   {Type: "aws_iam_policy", AttributeValues: map[string]any{"policy": `{"Statement": [{"Effect": "Allow", "NotAction": ["iam:*"], "Resource": ["x"]}]}`}},
		"a public load balancer":    {Type: "aws_lb", AttributeValues: map[string]any{"internal": false}},
	} {
		r.Mode = tfjson.ManagedResourceMode
		if len(insecure([]*tfjson.StateResource{r})) == 0 {
			t.Errorf("%s was not found", name)
		}
	}
	for _, state := range []string{
		`{"resources": [{"type": "aws_instance", "name": "x", "instances": [{"attributes": {"user_data": "-----BEGIN OPENSSH PRIVATE KEY-----"}}]}]}`,
		`{"resources": [{"type": "aws_secretsmanager_secret_version", "name": "x", "instances": [{"attributes": {"secret_string": "` + appSecret + `"}}]}]}`,
	} {
		if len(leaks([]byte(state))) == 0 {
			t.Errorf("nothing was found in %s", state)
		}
	}
}
