package systems_test

import (
	"fmt"
	"slices"
	"testing"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	awsecs "github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/rds"

	"github.com/drbot/drbot/dr"
	"github.com/drbot/drbot/internal/aws/aurora"
	"github.com/drbot/drbot/internal/aws/ecs"
	"github.com/drbot/drbot/internal/sandbox/aws"
)

// straight is the configuration of a client past the systems under test.
func (w world) straight(in dr.Region) awssdk.Config {
	return aws.SDKConfig(w.cloud.Layout.MotoEndpoint, string(in), "TEST")

}

// addDatabase makes another global database with its writer in Seoul, and adds it to
// the service.
func (w *world) addDatabase(name string) dr.Resource {
	w.Helper()
	engine, version := awssdk.String("aurora-mysql"), awssdk.String("8.0.mysql_aurora.3.08.0")
	r := dr.Resource{
		Name: name, System: dr.AuroraGlobal,
		Spec: map[string]string{aurora.GlobalCluster: "portal-" + name}, In: map[dr.Region]map[string]string{},
	}
	global := awssdk.String("portal-" + name)
	_, err := rds.NewFromConfig(w.straight(seoul)).CreateGlobalCluster(w.Context(), &rds.CreateGlobalClusterInput{
		GlobalClusterIdentifier: global, Engine: engine, EngineVersion: version,
	})
	w.must(err)
	for _, in := range []dr.Region{seoul, tokyo} {
		client := rds.NewFromConfig(w.straight(in))
		id := awssdk.String(fmt.Sprintf("portal-%s-%s", name, in))
		cluster := &rds.CreateDBClusterInput{DBClusterIdentifier: id, GlobalClusterIdentifier: global, Engine: engine, EngineVersion: version}
		if in == seoul {
			cluster.MasterUsername, cluster.ManageMasterUserPassword = awssdk.String("admin"), awssdk.Bool(true)
		}
		made, err := client.CreateDBCluster(w.Context(), cluster)
		w.must(err)
		_, err = client.CreateDBInstance(w.Context(), &rds.CreateDBInstanceInput{
			DBInstanceIdentifier: awssdk.String(*id + "-1"), DBClusterIdentifier: id,
			DBInstanceClass: awssdk.String("db.r6g.large"), Engine: engine,
		})
		w.must(err)
		r.In[in] = map[string]string{aurora.ClusterARN: *made.DBCluster.DBClusterArn}
	}
	w.service.Resources = append(w.service.Resources, r)
	return r
}

// addWorkload makes another ECS service, behind no load balancer, with tasks in Seoul
// and none in Tokyo, and adds it to the service.
func (w *world) addWorkload(name string, tasks int32) dr.Resource {
	w.Helper()
	r := dr.Resource{Name: name, System: dr.ECSService, In: map[dr.Region]map[string]string{}}
	for in, desired := range map[dr.Region]int32{seoul: tasks, tokyo: 0} {
		cluster := w.web.At(in, ecs.Cluster)
		_, err := awsecs.NewFromConfig(w.straight(in)).CreateService(w.Context(), &awsecs.CreateServiceInput{
			Cluster: awssdk.String(cluster), ServiceName: awssdk.String(name), DesiredCount: awssdk.Int32(desired),
			TaskDefinition: awssdk.String(w.web.At(in, ecs.Service)),
		})
		w.must(err)
		r.In[in] = map[string]string{ecs.Cluster: cluster, ecs.Service: name}
	}
	w.service.Resources = append(w.service.Resources, r)
	return r
}

// TestContractOfSeveral moves a service of two databases and three ECS services, each
// by itself.
func TestContractOfSeveral(t *testing.T) {
	w := newWorld(t)
	users := w.addDatabase("users")
	worker, mail := w.addWorkload("worker", 1), w.addWorkload("mail", 3)
	workloads := map[string]int{w.web.Name: 2, worker.Name: 1, mail.Name: 3}

	var checks []dr.Check
	w.eventually("every check of a planned run is ok", func() bool {
		checks = w.systems.Checks(t.Context(), w.service, dr.Planned, seoul, tokyo)
		return !slices.ContainsFunc(checks, func(c dr.Check) bool { return c.Level != dr.OK })
	})
	if got, want := len(checks), len(w.systems.Expected(w.service, dr.Planned)); got != want || got != 2*5+1+2*3 {
		t.Errorf("%d checks, %d expected", got, want)
	}

	// One after the other: the second database stays while the first moves.
	w.promote(users, dr.Planned, seoul, tokyo)
	if st, err := w.databases.State(t.Context(), w.service, w.db, seoul); err != nil || st.Writer != seoul || !st.WriterReady {
		t.Errorf("the other database: %+v, %v", st, err)
	}
	for _, c := range w.systems.Checks(t.Context(), w.service, dr.Planned, seoul, tokyo) {
		if moved := c.Resource == users.Name; c.Name == "aurora.writer" && (c.Level == dr.Fail) != moved {
			t.Errorf("%s", c.Line())
		}
	}
	w.promote(w.db, dr.Planned, seoul, tokyo)
	if got, want := w.promotions(), []string{"ap-northeast-2 SwitchoverGlobalCluster", "ap-northeast-2 SwitchoverGlobalCluster"}; !slices.Equal(got, want) {
		t.Errorf("asked %q, want %q", got, want)
	}

	for _, r := range w.service.ResourcesOf(dr.ECSService) {
		w.run(r, seoul, 0)
		before := w.run(r, tokyo, workloads[r.Name])
		_, err := w.workloads.Redeploy(t.Context(), w.service, r, tokyo)
		w.must(err)
		w.eventually("a new deployment of "+r.Name, func() bool {
			st, err := w.workloads.State(t.Context(), w.service, r, tokyo)
			w.must(err)
			return st.Deployment != before.Deployment && st.Running == workloads[r.Name]
		})
	}
	for _, db := range []dr.Resource{w.db, users} {
		w.eventually("the lag of "+db.Name+" is read in Seoul", func() bool {
			c, err := w.databases.Lag(t.Context(), w.service, db, seoul)
			w.must(err)
			return c.Level == dr.OK
		})
	}
}
