package aurora

import (
	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/internal/aws"
)

// What identifies a global database.
const (
	GlobalCluster = "global_cluster"
	ClusterARN    = "cluster_arn"
)

// The checks of a global database.
const (
	writerCheck         = "aurora.writer"
	stateCheck          = "aurora.state"
	targetSyncCheck     = "aurora.target-sync"
	targetInstanceCheck = "aurora.target-instance"
	lagCheck            = "aurora.lag"
)

const (
	instancesUnit     = "instances"
	instancesRequired = 1
	lagUnit           = "s"
)

// Info is what the rest of the program knows of Aurora global databases.
func Info() dr.SystemInfo {
	return dr.SystemInfo{
		ID: dr.AuroraGlobal,
		Fields: []dr.Field{
			{Name: GlobalCluster, Form: `[A-Za-z][A-Za-z0-9-]{0,62}`},
			// The group is the Region, which has to be the one it stands under.
			{Name: ClusterARN, Regional: true,
				Form: `arn:aws[a-z-]*:rds:([a-z0-9-]+):\d{12}:cluster:[A-Za-z][A-Za-z0-9-]*`},
		},
		Specs: specs(),
	}
}

// specs are the checks in the order they are given. In a planned run nothing may be
// lost, so everything about the database must be as it should; in a disaster only
// what the promotion itself cannot do without.
func specs() []dr.Spec {
	planned := map[dr.Mode]dr.Need{dr.Planned: dr.NeedOK}
	return []dr.Spec{
		{ID: writerCheck, Need: planned},     // the writer is in the source
		{ID: stateCheck, Need: planned},      // the global cluster is available, nothing is pending
		{ID: targetSyncCheck, Need: planned}, // the target's member is connected
		// The target's member has an available instance.
		{ID: targetInstanceCheck, Unit: instancesUnit, Threshold: instancesRequired,
			Need: map[dr.Mode]dr.Need{dr.Planned: dr.NeedOK, dr.Disaster: dr.NeedWarn}},
		// How far the target is behind, judged by the service's RPO.
		{ID: lagCheck, Unit: lagUnit, Role: dr.RoleLag,
			Need: map[dr.Mode]dr.Need{dr.Planned: dr.NeedWarn, dr.Disaster: dr.NeedFact}},
		aws.ReachableSpec(),
	}
}
