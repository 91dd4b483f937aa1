package ecs

import (
	"context"
	"math"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	awsecs "github.com/aws/aws-sdk-go-v2/service/ecs"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/internal/aws"
)

// Scale sets how many tasks a service is to run. It reads first and makes no
// call when that is so already. API: ecs:UpdateService.
func (l *Workloads) Scale(ctx context.Context, s dr.Service, w dr.Resource, in dr.Region, desired int) error {
	if desired < 0 || desired > math.MaxInt32 {
		return &dr.Error{Code: dr.Invalid, What: dr.T("ecs.tasks.none", "n", desired)}
	}
	service, err := l.describe(ctx, s, w, in)
	if err != nil {
		return err
	}
	if int(service.DesiredCount) == desired {
		return nil
	}
	_, err = l.update(ctx, s, w, in, &awsecs.UpdateServiceInput{DesiredCount: awssdk.Int32(int32(desired))})
	return err
}

// Redeploy replaces every task, so that no connection pool keeps holding the
// old writer, and gives the deployment that does, as the answer tells of it: to
// the next question ECS may still show the one before. dr.Uncertain when the call
// may have been accepted: State then tells by the time of the deployment.
// API: ecs:UpdateService.
func (l *Workloads) Redeploy(ctx context.Context, s dr.Service, w dr.Resource, in dr.Region) (dr.Deployment, error) {
	if w.At(in, Service) == "" {
		return dr.Deployment{}, notConfigured(s, in)
	}
	out, err := l.update(ctx, s, w, in, &awsecs.UpdateServiceInput{ForceNewDeployment: true})
	if err != nil || out.Service == nil {
		return dr.Deployment{}, err
	}
	return deployment(primary(*out.Service)), nil
}

func (l *Workloads) update(ctx context.Context, s dr.Service, w dr.Resource, in dr.Region, change *awsecs.UpdateServiceInput) (*awsecs.UpdateServiceOutput, error) {
	session, err := l.cloud.Session(s.Name, in, aws.PurposePromote)
	if err != nil {
		return nil, err
	}
	change.Cluster, change.Service = awssdk.String(w.At(in, Cluster)), awssdk.String(w.At(in, Service))
	return aws.ActOnce(ctx, session, aws.Connect(session, awsecs.NewFromConfig).UpdateService, change)
}
