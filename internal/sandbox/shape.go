package sandbox

import (
	"strings"
	"text/template"

	"github.com/drbot/drbot/internal/sandbox/aws"
)

// Shape is what the service of a world is made of, and how its configuration says so.
type Shape string

// The shapes there are beside one database and one ECS service as resources.
const (
	OldKeys Shape = "old-keys" // the same, in the keys that were before there were resources
	Several Shape = "several"  // two databases, moved in an order, and three ECS services
)

// What a service of several has beside the first database and ECS service. The file
// names the databases the other way round than they are moved.
var (
	moreDatabases = []string{"orders"}
	moreWorkloads = []aws.Workload{{Name: "api", Balanced: true}, {Name: "worker"}}
)

// madeTemplates are the part of a service's configuration that says what it is made of.
var madeTemplates = template.Must(template.New("made").Parse(`{{define "resources"}}    resources:
{{- range $db := .Databases}}
      - name: {{$db}}
        system: aurora-global
        {{- if ne $db $.Cloud.GlobalCluster}}
        after: [{{$.Cloud.GlobalCluster}}]
        {{- end}}
        global_cluster: {{$db}}
        in:
{{- range $name, $r := $.Cloud.Regions}}
          {{$name}}: {cluster_arn: "{{$.Cloud.ClusterOf $db $name}}"}
{{- end}}
{{- end}}
      - name: web
        system: ecs-service
        after: [{{.Cloud.GlobalCluster}}]
        in:
{{- range $name, $r := .Cloud.Regions}}
          {{$name}}: {cluster: {{$r.ECSCluster}}, service: {{$r.ECSService}}, target_group: "{{call $.Infra.TargetGroup $name}}"}
{{- end}}
{{- range $service := .More}}
      - name: {{$service}}
        system: ecs-service
        in:
{{- range $name, $r := $.Cloud.Regions}}
          {{$name}}: {cluster: {{$r.ECSCluster}}, service: {{$service}}{{with index $.Cloud.TargetGroups $name $service}}, target_group: "{{.}}"{{end}}}
{{- end}}
{{- end}}
{{end}}{{define "old-keys"}}    database:
      global_cluster: {{.Cloud.GlobalCluster}}
      clusters:
{{- range $name, $r := .Cloud.Regions}}
        {{$name}}: {{$r.ClusterARN}}
{{- end}}
    workloads:
{{- range $name, $r := .Cloud.Regions}}
      {{$name}}: {cluster: {{$r.ECSCluster}}, service: {{$r.ECSService}}, target_group: "{{call $.Infra.TargetGroup $name}}"}
{{- end}}
{{end}}`))

// made is what the service's configuration says it is made of.
func (w *World) made(infra botInfra) (string, error) {
	l := w.Cloud.Layout
	name := "resources"
	if w.opts.Shape == OldKeys {
		name = string(OldKeys)
	}
	var b strings.Builder
	err := madeTemplates.ExecuteTemplate(&b, name, map[string]any{"Cloud": l, "Infra": infra, "Databases": backward(l.Databases), "More": l.Services[1:]})
	return strings.TrimSuffix(b.String(), "\n"), err
}

func backward(names []string) []string {
	var out []string
	for _, n := range names {
		out = append([]string{n}, out...)
	}
	return out
}
