package route53

import (
	"sync"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/internal/aws"
)

// probeCheck is one HTTP request of a service.
const probeCheck = "probe"

// Specs lists the checks of names. A run's readiness has none of them: they are
// made once there is something to probe.
func Specs() []dr.Spec { return []dr.Spec{{ID: probeCheck, Unit: probeUnit}} }

const probeUnit = "status"

// Names are the DNS names of services. It is safe for concurrent use.
type Names struct {
	cloud  *aws.Client
	system systemResolver

	mu    sync.Mutex
	zones map[string]zoneServers
}

// New makes Names of a client, which gives them time limits, clock and log.
func New(cloud *aws.Client) *Names {
	return &Names{cloud: cloud, system: netResolver{}, zones: make(map[string]zoneServers)}
}
