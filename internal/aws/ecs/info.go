package ecs

import (
	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/internal/aws"
)

// What identifies an ECS service in a Region.
const (
	Cluster     = "cluster"
	Service     = "service"
	TargetGroup = "target_group"
)

const (
	workloadCheck   = "target.workload"
	controllerCheck = "target.controller"
)

// Info is what the rest of the program knows of ECS services.
func Info() dr.SystemInfo {
	return dr.SystemInfo{
		ID: dr.ECSService,
		Fields: []dr.Field{
			{Name: Cluster, Regional: true,
				Form: `(arn:aws[a-z-]*:ecs:[a-z0-9-]+:\d{12}:cluster/)?[A-Za-z0-9_-]{1,255}`},
			{Name: Service, Regional: true,
				Form: `(arn:aws[a-z-]*:ecs:[a-z0-9-]+:\d{12}:service/([A-Za-z0-9_-]{1,255}/)?)?[A-Za-z0-9_-]{1,255}`},
			{Name: TargetGroup, Regional: true, Optional: true,
				Form: `(arn:aws[a-z-]*:elasticloadbalancing:[a-z0-9-]+:\d{12}:targetgroup/[A-Za-z0-9-]{1,32}/[0-9a-f]+)|[A-Za-z0-9-]{1,32}`},
		},
		Specs: specs(),
	}
}

func specs() []dr.Spec {
	return []dr.Spec{
		// The target's service exists and is active; where the run's own apply makes it,
		// its absence is a warning.
		{ID: workloadCheck, Need: map[dr.Mode]dr.Need{dr.Planned: dr.NeedGood}},
		// Another deployment controller refuses the new deployment that a run asks for. What is
		// not known is told by the check of the service.
		{ID: controllerCheck, Need: map[dr.Mode]dr.Need{dr.Planned: dr.NeedSound, dr.Disaster: dr.NeedSound}},
		aws.ReachableSpec(), // of a service without a database
	}
}
