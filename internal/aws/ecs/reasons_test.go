package ecs

import (
	"slices"
	"strings"
	"testing"

	"github.com/drbot/drbot/internal/aws/awstest"
)

// failedService is one whose newest deployment the circuit breaker ended.
var failedService = awstest.JSON(200, `{"services":[{"serviceName":"portal","status":"ACTIVE","desiredCount":2,"runningCount":2,
	"deployments":[
		{"id":"ecs-svc/2","status":"PRIMARY","rolloutState":"FAILED","rolloutStateReason":"ECS deployment circuit breaker: tasks failed to start.","createdAt":1800000000},
		{"id":"ecs-svc/1","status":"ACTIVE","rolloutState":"COMPLETED","createdAt":1700000000}],
	"events":[
		{"id":"c","createdAt":1800000060,"message":"(service portal) (deployment ecs-svc/2) deployment failed: tasks failed to start."},
		{"id":"b","createdAt":1800000030,"message":"(service portal) was unable to place a task."},
		{"id":"a","createdAt":1700000000,"message":"(service portal) has reached a steady state."}]}],"failures":[]}`)

// stoppedTasks are two of the newest deployment and one of the one before.
var stoppedTasks = awstest.JSON(200, `{"tasks":[
	{"taskArn":"t/1","createdAt":1800000001,"stoppedReason":"Essential container in task exited","containers":[{"name":"side","exitCode":0},{"name":"app","exitCode":137,"reason":"OutOfMemoryError: killed"}]},
	{"taskArn":"t/2","createdAt":1800000002,"stoppedReason":"CannotPullContainerError: not found"},
	{"taskArn":"t/3","createdAt":1800000003,"stoppedReason":"CannotPullContainerError: not found"},
	{"taskArn":"t/0","createdAt":1700000000,"stoppedReason":"Scaling activity initiated by"}]}`)

// Of the newest deployment ECS's own words are told, each once, and nothing of the one before.
func TestCaseAWS14Reasons(t *testing.T) {
	for name, tc := range map[string]struct {
		list awstest.Answer
		want []string
	}{
		"all of it": {awstest.JSON(200, `{"taskArns":["t/0","t/1","t/2","t/3"]}`), []string{
			"circuit breaker", "deployment failed", "unable to place", "CannotPullContainerError", "Essential container in task exited (app ended with 137)"}},
		"none stopped":   {awstest.JSON(200, `{"taskArns":[]}`), []string{"circuit breaker", "deployment failed", "unable to place"}},
		"tasks not read": {awstest.JSON(400, `{"__type":"AccessDeniedException","message":"raw text"}`), []string{"circuit breaker", "deployment failed", "unable to place", "could not be read"}},
	} {
		t.Run(name, func(t *testing.T) {
			f := awstest.NewFake(t)
			f.On("DescribeServices", failedService)
			f.On("ListTasks", tc.list)
			f.On("DescribeTasks", stoppedTasks)
			got, err := New(f.Client(t)).Reasons(t.Context(), awstest.Portal(), awstest.Workload(), awstest.Tokyo)
			if err != nil {
				t.Fatal(err)
			}
			var said []string
			for _, why := range got {
				said = append(said, awstest.Say(t, why))
			}
			if !slices.EqualFunc(said, tc.want, strings.Contains) {
				t.Errorf("said %q, want %q", said, tc.want)
			}
			if body := f.Last("ListTasks").Body; !strings.Contains(body, `"desiredStatus":"STOPPED"`) || !strings.Contains(body, `"serviceName":"portal"`) {
				t.Errorf("asked %s", body)
			}
		})
	}
}

// The answer to a redeployment tells which deployment it made.
func TestCaseAWS13TheAnswerTellsTheDeployment(t *testing.T) {
	f := awstest.NewFake(t)
	f.On("UpdateService", awstest.JSON(200, `{"service":{"serviceName":"portal","deployments":[
		{"id":"ecs-svc/2","status":"PRIMARY","rolloutState":"IN_PROGRESS","createdAt":1800000000},
		{"id":"ecs-svc/1","status":"ACTIVE","rolloutState":"COMPLETED","createdAt":1700000000}]}}`))
	made, err := New(f.Client(t)).Redeploy(t.Context(), awstest.Portal(), awstest.Workload(), awstest.Tokyo)
	if err != nil || made.ID != "ecs-svc/2" || made.At.Unix() != 1800000000 {
		t.Errorf("%+v, %v", made, err)
	}
}
