package aws

import "fmt"

// Layout is everything of the sandbox's cloud that a configuration file needs.
type Layout struct {
	Endpoint     string // the proxy: for the bot and for Terraform
	MotoEndpoint string // past the proxy and its journal: for reading back
	DNSAddr      string // host:port, UDP and TCP
	AppPort      int    // the application's, the same in every Region

	Account       string
	Home, Standby string
	GlobalCluster string   // id
	Databases     []string // the ids of all global clusters, that one first
	Services      []string // all ECS services of its ECS cluster, by name, the first with the names of a Region
	ZoneID        string   // without /hostedzone/
	ZoneName      string   // without the trailing dot
	RecordName    string   // service-be.<zone>, that users ask for
	Regions       map[string]Region
	TargetGroups  map[string]map[string]string // ARNs by Region and ECS service, of those beside the first that have one
}

// Region is the part of a Layout that lives in one Region.
type Region struct {
	Name            string
	AppAddr         string // host:port of the application, "the load balancer"
	ClusterID       string // Aurora
	ClusterARN      string
	InstanceID      string
	ECSCluster      string
	ECSService      string
	LoadBalancer    string // name
	LoadBalancerARN string // this and the next three are empty when they were not seeded; Live finds them
	LoadBalancerDNS string
	ListenerARN     string
	TargetGroupARN  string
	RecordName      string // <region>.service-be.<zone>
}

// ClusterOf is the ARN of a global cluster's member in a Region.
func (l Layout) ClusterOf(database, region string) string {
	return fmt.Sprintf("arn:aws:rds:%s:%s:cluster:%s", region, l.Account, memberID(database, region))
}

// memberID names a global cluster's member in a Region.
func memberID(database, region string) string { return database + "-" + region }

// Other returns the Region of the two that is not the given one.
func (l Layout) Other(region string) string {
	if region == l.Home {
		return l.Standby
	}
	return l.Home
}

// plan is the layout as far as names go; seeding adds what Moto chooses.
func plan(opt Options) Layout {
	l := Layout{
		Account: Account, Home: opt.Home, Standby: opt.Standby,
		GlobalCluster: opt.Service, ZoneName: opt.Zone, RecordName: "service-be." + opt.Zone,
		Databases: append([]string{opt.Service}, opt.Databases...), Services: []string{opt.Service},
		Regions: map[string]Region{}, TargetGroups: map[string]map[string]string{},
	}
	for _, w := range opt.Workloads {
		l.Services = append(l.Services, w.Name)
	}
	for _, name := range []string{opt.Home, opt.Standby} {
		id := memberID(opt.Service, name)
		l.Regions[name] = Region{
			Name:       name,
			ClusterID:  id,
			ClusterARN: l.ClusterOf(opt.Service, name),
			InstanceID: id + "-1",
			ECSCluster: opt.Service,
			ECSService: opt.Service,

			LoadBalancer: opt.Service,
			RecordName:   name + "." + l.RecordName,
		}
	}
	return l
}
