package ecs

import (
	"context"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	awsecs "github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/internal/aws"
)

// active is the status of an ECS service that can run tasks; the others are
// DRAINING and INACTIVE, both on the way out.
const active = "ACTIVE"

// Workloads are the ECS services of services. It is safe for concurrent use.
type Workloads struct {
	cloud *aws.Client
}

// New makes Workloads of a client.
func New(cloud *aws.Client) *Workloads { return &Workloads{cloud} }

// describe reads the ECS service; one that ECS lists as missing is dr.NotFound.
// API: ecs:DescribeServices.
func (l *Workloads) describe(ctx context.Context, s dr.Service, w dr.Resource, in dr.Region) (types.Service, error) {
	cluster, service := w.At(in, Cluster), w.At(in, Service)
	if service == "" {
		return types.Service{}, notConfigured(s, in)
	}
	session, err := l.cloud.Session(s.Name, in, aws.PurposeRead)
	if err != nil {
		return types.Service{}, err
	}
	out, err := aws.Read(ctx, session, aws.Connect(session, awsecs.NewFromConfig).DescribeServices, &awsecs.DescribeServicesInput{
		Cluster: awssdk.String(cluster), Services: []string{service},
	})
	if err != nil && dr.CodeOf(err) != dr.NotFound {
		return types.Service{}, err
	}
	if err == nil {
		for _, found := range out.Services {
			if awssdk.ToString(found.ServiceName) == service || awssdk.ToString(found.ServiceArn) == service {
				return found, nil
			}
		}
	}
	return types.Service{}, &dr.Error{Code: dr.NotFound, Err: err,
		What: dr.T("ecs.no-service", "service", service, "cluster", cluster, "region", in), Next: dr.T("ecs.no-service.next")}
}

func notConfigured(s dr.Service, in dr.Region) error {
	return &dr.Error{Code: dr.Invalid, What: dr.T("ecs.unconfigured", "service", s.Name, "region", in)}
}
