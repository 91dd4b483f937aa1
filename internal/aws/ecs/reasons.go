package ecs

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	awsecs "github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/internal/aws"
)

// Of the events of a service, and of its stopped tasks, so many are told and asked for.
const (
	eventsTold  = 3
	stopsTold   = 3
	stopsLooked = 20
)

// Reasons are what ECS says of why the newest deployment of a service is not complete: its
// own state, the service's events since it was made, and why tasks of it were stopped. Tasks
// that cannot be read are told as such: the events alone say something.
// API: ecs:DescribeServices, ecs:ListTasks, ecs:DescribeTasks.
func (l *Workloads) Reasons(ctx context.Context, s dr.Service, w dr.Resource, in dr.Region) ([]dr.Text, error) {
	service, err := l.describe(ctx, s, w, in)
	if err != nil {
		return nil, err
	}
	said := told{}
	for _, d := range newestFirst(service.Deployments) {
		if d.RolloutState == types.DeploymentRolloutStateFailed {
			said.add(aws.Words(awssdk.ToString(d.RolloutStateReason)))
			break
		}
	}
	since := made(newestFirst(service.Deployments))
	events := slices.Clone(service.Events)
	slices.SortStableFunc(events, func(a, b types.ServiceEvent) int {
		return awssdk.ToTime(b.CreatedAt).Compare(awssdk.ToTime(a.CreatedAt))
	})
	n := 0
	for _, e := range events {
		if n < eventsTold && !awssdk.ToTime(e.CreatedAt).Before(since) && said.add(aws.Words(awssdk.ToString(e.Message))) {
			n++
		}
	}
	stops, err := l.stops(ctx, s, w, in, since)
	if err != nil {
		l.cloud.Logger().WarnContext(ctx, "stopped tasks not read", "service", s.Name, "region", in, "error", err)
		stops = []dr.Text{dr.T("ecs.stops.unread", "why", aws.Told(err))}
	}
	for _, why := range stops {
		said.add(why)
	}
	return said, nil
}

// told is what was said, each once.
type told []dr.Text

func (t *told) add(words dr.Text) bool {
	if words.Empty() || slices.ContainsFunc(*t, words.Same) {
		return false
	}
	*t = append(*t, words)
	return true
}

func newestFirst(all []types.Deployment) []types.Deployment {
	all = slices.Clone(all)
	slices.SortStableFunc(all, func(a, b types.Deployment) int { return awssdk.ToTime(b.CreatedAt).Compare(awssdk.ToTime(a.CreatedAt)) })
	return all
}

// made is when the newest deployment was; zero when there is none.
func made(all []types.Deployment) time.Time {
	if len(all) == 0 {
		return time.Time{}
	}
	return awssdk.ToTime(all[0].CreatedAt)
}

// stops are why the tasks that were made since then were stopped, the newest first.
func (l *Workloads) stops(ctx context.Context, s dr.Service, w dr.Resource, in dr.Region, since time.Time) ([]dr.Text, error) {
	session, err := l.cloud.Session(s.Name, in, aws.PurposeRead)
	if err != nil {
		return nil, err
	}
	api := aws.Connect(session, awsecs.NewFromConfig)
	cluster, service := awssdk.String(w.At(in, Cluster)), w.At(in, Service)
	found, err := aws.Read(ctx, session, api.ListTasks, &awsecs.ListTasksInput{
		Cluster: cluster, ServiceName: awssdk.String(service[strings.LastIndexByte(service, '/')+1:]),
		DesiredStatus: types.DesiredStatusStopped, MaxResults: awssdk.Int32(stopsLooked),
	})
	if err != nil || len(found.TaskArns) == 0 {
		return nil, err
	}
	out, err := aws.Read(ctx, session, api.DescribeTasks, &awsecs.DescribeTasksInput{Cluster: cluster, Tasks: found.TaskArns})
	if err != nil {
		return nil, err
	}
	tasks := slices.Clone(out.Tasks)
	slices.SortStableFunc(tasks, func(a, b types.Task) int { return awssdk.ToTime(b.CreatedAt).Compare(awssdk.ToTime(a.CreatedAt)) })
	said := told{}
	for _, task := range tasks {
		if len(said) < stopsTold && !awssdk.ToTime(task.CreatedAt).Before(since) {
			said.add(stopped(task))
		}
	}
	return said, nil
}

// stopped is why a task was, with what its first container to end said, if one did.
func stopped(task types.Task) dr.Text {
	why := aws.Words(cmp.Or(awssdk.ToString(task.StoppedReason), string(task.StopCode)))
	if why.Empty() {
		return why
	}
	for _, c := range task.Containers {
		words := awssdk.ToString(c.Reason)
		switch name := awssdk.ToString(c.Name); {
		case c.ExitCode != nil && *c.ExitCode != 0:
			return dr.T("ecs.stopped.exit", "why", why, "container", name, "code", int(*c.ExitCode))
		case words != "" && words != awssdk.ToString(task.StoppedReason):
			return dr.T("ecs.stopped.container", "why", why, "container", name, "words", dr.Foreign(words))
		}
	}
	return why
}
