package aws

import (
	"context"
	"fmt"
	"strings"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	ecstypes "github.com/aws/aws-sdk-go-v2/service/ecs/types"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	elbtypes "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"
	"github.com/aws/aws-sdk-go-v2/service/rds"
	rdstypes "github.com/aws/aws-sdk-go-v2/service/rds/types"
	"github.com/aws/aws-sdk-go-v2/service/route53"
	"golang.org/x/sync/errgroup"
)

const (
	engine        = "aurora-mysql"
	engineVersion = "8.0.mysql_aurora.3.08.0"
	containerPort = 8080
)

// seed makes what the options ask for and returns the layout with what Moto chose.
func (c *Cloud) seed(ctx context.Context, opt Options, l Layout) (Layout, error) {
	switch {
	case opt.Empty:
		return l, nil
	case opt.ZoneOnly:
		return c.seedZone(ctx, l)
	}
	return c.seedAll(ctx, opt, l)
}

// seedAll makes the service of the layout, active in the home Region.
func (c *Cloud) seedAll(ctx context.Context, opt Options, l Layout) (Layout, error) {
	regions := []Region{l.Regions[l.Home], l.Regions[l.Standby]}
	groups := make([]map[string]string, len(regions))
	work, workCtx := errgroup.WithContext(ctx)
	for _, id := range l.Databases {
		work.Go(func() error { return c.seedDatabase(workCtx, l, id) })
	}
	for i := range regions {
		desired := 0
		if regions[i].Name == l.Home {
			desired = opt.Desired
		}
		work.Go(func() error {
			if err := c.seedRegion(workCtx, &regions[i], desired); err != nil {
				return fmt.Errorf("seed %s: %w", regions[i].Name, err)
			}
			var err error
			if groups[i], err = c.seedMore(workCtx, regions[i], opt.Workloads, desired); err != nil {
				return fmt.Errorf("seed %s: %w", regions[i].Name, err)
			}
			return nil
		})
	}
	if err := work.Wait(); err != nil {
		return l, err
	}
	for i, region := range regions {
		l.Regions[region.Name], l.TargetGroups[region.Name] = region, groups[i]
	}
	l, err := c.seedZone(ctx, l)
	if err != nil {
		return l, err
	}
	return l, c.seedNames(ctx, l)
}

// seedDatabase makes a global cluster; the member that joins first is the writer.
func (c *Cloud) seedDatabase(ctx context.Context, l Layout, id string) error {
	home := c.clients[l.Home].rds
	_, err := home.CreateGlobalCluster(ctx, &rds.CreateGlobalClusterInput{
		GlobalClusterIdentifier: &id,
		Engine:                  awssdk.String(engine),
		EngineVersion:           awssdk.String(engineVersion),
		StorageEncrypted:        awssdk.Bool(true),
	})
	if err != nil {
		return fmt.Errorf("seed the global cluster: %w", err)
	}
	for _, name := range []string{l.Home, l.Standby} {
		cluster := &rds.CreateDBClusterInput{
			DBClusterIdentifier:     awssdk.String(memberID(id, name)),
			GlobalClusterIdentifier: &id,
			Engine:                  awssdk.String(engine),
			EngineVersion:           awssdk.String(engineVersion),
			StorageEncrypted:        awssdk.Bool(true),
			ServerlessV2ScalingConfiguration: &rdstypes.ServerlessV2ScalingConfiguration{
				MinCapacity: awssdk.Float64(0.5), MaxCapacity: awssdk.Float64(8),
			},
		}
		if name == l.Home {
			cluster.MasterUsername = awssdk.String("admin")
			cluster.ManageMasterUserPassword = awssdk.Bool(true)
		}
		if _, err := c.clients[name].rds.CreateDBCluster(ctx, cluster); err != nil {
			return fmt.Errorf("seed the database cluster of %s: %w", name, err)
		}
		_, err := c.clients[name].rds.CreateDBInstance(ctx, &rds.CreateDBInstanceInput{
			DBInstanceIdentifier: awssdk.String(memberID(id, name) + "-1"),
			DBClusterIdentifier:  awssdk.String(memberID(id, name)),
			DBInstanceClass:      awssdk.String("db.serverless"),
			Engine:               awssdk.String(engine),
		})
		if err != nil {
			return fmt.Errorf("seed the database instance of %s: %w", name, err)
		}
	}
	return nil
}

func (c *Cloud) seedRegion(ctx context.Context, region *Region, desired int) error {
	at := c.clients[region.Name]
	net, err := at.defaultNetwork(ctx)
	if err != nil {
		return err
	}
	if err := seedLoadBalancer(ctx, at.elb, region, net); err != nil {
		return err
	}
	if _, err := at.ecs.CreateCluster(ctx, &ecs.CreateClusterInput{ClusterName: &region.ECSCluster}); err != nil {
		return fmt.Errorf("create the ECS cluster: %w", err)
	}
	return seedService(ctx, at.ecs, region, net, desired)
}

// seedMore makes the ECS services beside the first, and gives the target groups of those
// that have one.
func (c *Cloud) seedMore(ctx context.Context, region Region, more []Workload, desired int) (map[string]string, error) {
	at, groups := c.clients[region.Name], map[string]string{}
	net, err := at.defaultNetwork(ctx)
	if err != nil {
		return nil, err
	}
	for _, w := range more {
		own := Region{Name: region.Name, ECSCluster: region.ECSCluster, ECSService: w.Name}
		if w.Balanced {
			if err := seedLoadBalancer(ctx, at.elb, &own, net); err != nil {
				return nil, fmt.Errorf("%s: %w", w.Name, err)
			}
			groups[w.Name] = own.TargetGroupARN
		}
		if err := seedService(ctx, at.ecs, &own, net, desired); err != nil {
			return nil, fmt.Errorf("%s: %w", w.Name, err)
		}
	}
	return groups, nil
}

func seedLoadBalancer(ctx context.Context, client *elb.Client, region *Region, net network) error {
	made, err := client.CreateLoadBalancer(ctx, &elb.CreateLoadBalancerInput{
		Name: &region.ECSService, Subnets: net.subnets[:2], Scheme: elbtypes.LoadBalancerSchemeEnumInternal,
	})
	if err != nil {
		return fmt.Errorf("create the load balancer: %w", err)
	}
	region.LoadBalancerARN = *made.LoadBalancers[0].LoadBalancerArn
	region.LoadBalancerDNS = *made.LoadBalancers[0].DNSName
	group, err := client.CreateTargetGroup(ctx, &elb.CreateTargetGroupInput{
		Name: &region.ECSService, VpcId: &net.vpc, Port: awssdk.Int32(containerPort),
		Protocol: elbtypes.ProtocolEnumHttp, TargetType: elbtypes.TargetTypeEnumIp,
		HealthCheckPath: awssdk.String("/healthz"),
	})
	if err != nil {
		return fmt.Errorf("create the target group: %w", err)
	}
	region.TargetGroupARN = *group.TargetGroups[0].TargetGroupArn
	listener, err := client.CreateListener(ctx, &elb.CreateListenerInput{
		LoadBalancerArn: &region.LoadBalancerARN, Port: awssdk.Int32(80), Protocol: elbtypes.ProtocolEnumHttp,
		DefaultActions: []elbtypes.Action{{
			Type: elbtypes.ActionTypeEnumForward, TargetGroupArn: &region.TargetGroupARN,
		}},
	})
	if err != nil {
		return fmt.Errorf("create the listener: %w", err)
	}
	region.ListenerARN = *listener.Listeners[0].ListenerArn
	return nil
}

func seedService(ctx context.Context, client *ecs.Client, region *Region, net network, desired int) error {
	task, err := client.RegisterTaskDefinition(ctx, &ecs.RegisterTaskDefinitionInput{
		Family: &region.ECSService, Cpu: awssdk.String("256"), Memory: awssdk.String("512"),
		NetworkMode:             ecstypes.NetworkModeAwsvpc,
		RequiresCompatibilities: []ecstypes.Compatibility{ecstypes.CompatibilityFargate},
		ContainerDefinitions: []ecstypes.ContainerDefinition{{
			Name: awssdk.String("app"), Image: awssdk.String(region.ECSService + ":1"),
			PortMappings: []ecstypes.PortMapping{{ContainerPort: awssdk.Int32(containerPort)}},
		}},
	})
	if err != nil {
		return fmt.Errorf("register the task definition: %w", err)
	}
	var balancers []ecstypes.LoadBalancer
	if region.TargetGroupARN != "" {
		balancers = []ecstypes.LoadBalancer{{ContainerName: awssdk.String("app"), ContainerPort: awssdk.Int32(containerPort), TargetGroupArn: &region.TargetGroupARN}}
	}
	_, err = client.CreateService(ctx, &ecs.CreateServiceInput{
		Cluster: &region.ECSCluster, ServiceName: &region.ECSService, DesiredCount: awssdk.Int32(int32(desired)),
		LaunchType: ecstypes.LaunchTypeFargate, TaskDefinition: task.TaskDefinition.TaskDefinitionArn, LoadBalancers: balancers,
		NetworkConfiguration: &ecstypes.NetworkConfiguration{AwsvpcConfiguration: &ecstypes.AwsVpcConfiguration{
			Subnets: net.subnets[:2], SecurityGroups: []string{},
		}},
	})
	if err != nil {
		return fmt.Errorf("create the ECS service: %w", err)
	}
	return nil
}

// seedZone makes the hosted zone.
func (c *Cloud) seedZone(ctx context.Context, l Layout) (Layout, error) {
	made, err := c.clients[l.Home].dns.CreateHostedZone(ctx, &route53.CreateHostedZoneInput{
		Name: &l.ZoneName, CallerReference: awssdk.String("sandbox"),
	})
	if err != nil {
		return l, fmt.Errorf("create the zone %s: %w", l.ZoneName, err)
	}
	l.ZoneID = strings.TrimPrefix(*made.HostedZone.Id, "/hostedzone/")
	return l, nil
}

// seedNames makes a name for each Region's load balancer, and the public name, which points at the home Region's.
func (c *Cloud) seedNames(ctx context.Context, l Layout) error {
	for _, name := range []string{l.Home, l.Standby} {
		if err := PointTraffic(ctx, l.MotoEndpoint, l.ZoneID, l.Regions[name].RecordName, l.Regions[name].LoadBalancerDNS); err != nil {
			return err
		}
	}
	return PointTraffic(ctx, l.MotoEndpoint, l.ZoneID, l.RecordName, l.Regions[l.Home].RecordName)
}
