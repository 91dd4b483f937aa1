package aws

import (
	"testing"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	ecstypes "github.com/aws/aws-sdk-go-v2/service/ecs/types"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
)

// service reads the ECS service of a Region through the proxy.
func service(t *testing.T, c *Cloud, region string) ecstypes.Service {
	t.Helper()
	at := c.Layout.Regions[region]
	found, err := through(c, region).ecs.DescribeServices(t.Context(), &ecs.DescribeServicesInput{
		Cluster: &at.ECSCluster, Services: []string{at.ECSService},
	})
	if err != nil || len(found.Services) != 1 {
		t.Fatalf("DescribeServices: %v, %v", found, err)
	}
	return found.Services[0]
}

// health counts the targets of a Region by state.
func health(t *testing.T, c *Cloud, region string) map[string]int {
	t.Helper()
	arn := c.Layout.Regions[region].TargetGroupARN
	found, err := through(c, region).elb.DescribeTargetHealth(t.Context(), &elb.DescribeTargetHealthInput{TargetGroupArn: &arn})
	if err != nil {
		t.Fatal(err)
	}
	states := map[string]int{}
	for _, target := range found.TargetHealthDescriptions {
		states[string(target.TargetHealth.State)]++
	}
	return states
}

func scale(t *testing.T, c *Cloud, region string, desired int) {
	t.Helper()
	at := c.Layout.Regions[region]
	if err := Scale(t.Context(), c.Layout.Endpoint, region, at.ECSCluster, at.ECSService, desired); err != nil {
		t.Fatal(err)
	}
}

func TestECS(t *testing.T) {
	c := startCloud(t)
	t.Run("scale", func(t *testing.T) { testScale(t, c) })
	t.Run("faults", func(t *testing.T) { testServiceFaults(t, c) })
	t.Run("forced deployment", func(t *testing.T) { testForcedDeployment(t, c) })
	t.Run("task protection", func(t *testing.T) { testTaskProtection(t, c) })
}

func testScale(t *testing.T, c *Cloud) {
	scale(t, c, tokyo, 3)
	s := service(t, c, tokyo)
	if s.DesiredCount != 3 || s.RunningCount != 0 || s.PendingCount != 3 ||
		s.Deployments[0].RolloutState != ecstypes.DeploymentRolloutStateInProgress {
		t.Errorf("right after scaling out: %d desired, %d running, %d pending, %s",
			s.DesiredCount, s.RunningCount, s.PendingCount, s.Deployments[0].RolloutState)
	}
	if got := health(t, c, tokyo); len(got) != 0 {
		t.Errorf("targets before a task runs: %v", got)
	}
	initial := false
	eventually(t, "three healthy targets", func() bool {
		now := health(t, c, tokyo)
		initial = initial || now["initial"] == 3
		return now["healthy"] == 3
	})
	if !initial {
		t.Error("the targets were never initial")
	}
	s = service(t, c, tokyo)
	if s.RunningCount != 3 || s.PendingCount != 0 || s.Deployments[0].RolloutState != ecstypes.DeploymentRolloutStateCompleted {
		t.Errorf("after scaling out: %+v", s)
	}
	if status(c, tokyo) != 200 {
		t.Error("the application does not answer")
	}
	scale(t, c, tokyo, 1)
	if got := service(t, c, tokyo).RunningCount; got != 3 {
		t.Errorf("right after scaling in %d tasks run", got)
	}
	eventually(t, "one task is left", func() bool {
		_, running, err := c.Running(t.Context(), tokyo)
		return err == nil && running == 1
	})
	writes := 0
	scale(t, c, tokyo, 1) // changes nothing
	for _, call := range c.Proxy.Calls() {
		if call.Write && call.Service == "ecs" {
			writes++
		}
	}
	if writes != 2 {
		t.Errorf("%d writes for two changes", writes)
	}
	if err := Scale(t.Context(), c.Layout.Endpoint, tokyo, "portal", "nobody", 1); err == nil {
		t.Error("scaled a service that is not there")
	}
}

func testForcedDeployment(t *testing.T, c *Cloud) {
	eventually(t, "the home service is steady", func() bool {
		return service(t, c, seoul).Deployments[0].RolloutState == ecstypes.DeploymentRolloutStateCompleted
	})
	eventually(t, "its targets are healthy", func() bool { return health(t, c, seoul)["healthy"] == 2 })
	before := service(t, c, seoul).Deployments[0]
	at := c.Layout.Regions[seoul]
	updated, err := through(c, seoul).ecs.UpdateService(t.Context(), &ecs.UpdateServiceInput{
		Cluster: &at.ECSCluster, Service: &at.ECSService, ForceNewDeployment: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	after := updated.Service.Deployments
	if len(after) != 2 || *after[0].Id == *before.Id || *after[1].Id != *before.Id ||
		*after[0].Status != "PRIMARY" || *after[1].Status != "ACTIVE" || after[0].CreatedAt.Before(*before.CreatedAt) ||
		after[0].RolloutState != ecstypes.DeploymentRolloutStateInProgress {
		t.Fatalf("deployments: %+v, before: %+v", after, before)
	}
	most := int32(0)
	eventually(t, "the new deployment is complete", func() bool {
		s := service(t, c, seoul)
		most = max(most, s.RunningCount)
		if health(t, c, seoul)["healthy"] == 0 {
			t.Fatal("no healthy target in the middle of a deployment")
		}
		return len(s.Deployments) == 1 && s.Deployments[0].RolloutState == ecstypes.DeploymentRolloutStateCompleted
	})
	if most != 4 {
		t.Errorf("at most %d tasks ran beside each other", most)
	}
	if s := service(t, c, seoul); *s.Deployments[0].Id != *after[0].Id || s.RunningCount != 2 {
		t.Errorf("in the end: %+v", s)
	}
}

func testServiceFaults(t *testing.T, c *Cloud) {
	set := func(f Faults) {
		t.Helper()
		if err := c.SetFaults(t.Context(), f); err != nil {
			t.Fatal(err)
		}
	}
	scale(t, c, tokyo, 0)
	eventually(t, "nothing is left in Tokyo", func() bool {
		return service(t, c, tokyo).RunningCount == 0 && len(health(t, c, tokyo)) == 0
	})
	set(Faults{RunningNever: []string{tokyo}})
	scale(t, c, tokyo, 2)
	began := time.Now()
	for time.Since(began) < 2*quick.TaskStart {
		if s := service(t, c, tokyo); s.RunningCount != 0 || s.PendingCount != 2 {
			t.Fatalf("%d run, %d wait", s.RunningCount, s.PendingCount)
		}
	}
	set(Faults{TargetsEmpty: []string{"*"}})
	eventually(t, "the tasks run", func() bool { return service(t, c, tokyo).RunningCount == 2 })
	if got := health(t, c, tokyo); len(got) != 0 {
		t.Errorf("targets: %v", got)
	}
	set(Faults{TargetsUnhealthy: []string{tokyo}})
	eventually(t, "unhealthy targets", func() bool { return health(t, c, tokyo)["unhealthy"] == 2 })
	if status(c, tokyo) != 503 {
		t.Error("the application answers without a healthy target")
	}
	eventually(t, "the other Region is well", func() bool { return health(t, c, seoul)["healthy"] == 2 })
	set(Faults{})
	if got := health(t, c, tokyo)["healthy"]; got != 2 {
		t.Errorf("%d healthy targets without a fault", got)
	}
	if err := c.FailApp(tokyo, true); err != nil || status(c, tokyo) != 500 {
		t.Errorf("FailApp: %v, status %d", err, status(c, tokyo))
	}
}

func testTaskProtection(t *testing.T, c *Cloud) {
	arn := "arn:aws:ecs:ap-northeast-2:123456789012:task/portal/1"
	got, err := through(c, seoul).ecs.UpdateTaskProtection(t.Context(), &ecs.UpdateTaskProtectionInput{
		Cluster: awssdk.String("portal"), Tasks: []string{arn}, ProtectionEnabled: true,
	})
	if err != nil || len(got.ProtectedTasks) != 1 || !got.ProtectedTasks[0].ProtectionEnabled {
		t.Errorf("%+v, %v", got, err)
	}
}
