"""ECS services on Fargate that really scale, and load balancer targets that follow their tasks.

Follows
  https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_Service.html
  https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_Deployment.html
  https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_UpdateService.html
  https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_UpdateTaskProtection.html
  https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-type-ecs.html
  https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-circuit-breaker.html
  https://docs.aws.amazon.com/elasticloadbalancing/latest/application/target-group-health-checks.html

Moto sets a service's running count to the desired count at once and registers no
targets. Here a service owns tasks, each with the moments at which it starts and
stops; running and pending counts, deployments and target health are read off them:

    scaled out   new tasks are pending for TIMINGS["task_start"], then running
    scaled in    surplus tasks go on for TIMINGS["task_start"], then stop
    running      the task's address is a target: `initial` for TIMINGS["target_healthy"], then `healthy`
    stopped      the target is `draining` for TIMINGS["target_healthy"], then gone
    redeployed   (forced, or another task definition) new tasks start beside the old ones, which stop
                 once the new ones had the time to become healthy; the deployment is COMPLETED then
    tripped      (the fault breaker_trips) a new deployment's tasks stop instead of starting, it is FAILED
                 and stays the primary one, as without rollback; the old ones go on. Events say so, and
                 ListTasks and DescribeTasks tell of the stopped tasks

A service also keeps what it was made with and Moto forgets (KEPT below).

Unlike at AWS, a deployment is IN_PROGRESS while its service scales, too.
Out of reach: ListTasks and DescribeTasks of tasks that run, containers of any kind, the circuit
breaker's own counting and its rollback, execute-command, autoscaling.
"""

import itertools
import uuid
from datetime import timedelta
from typing import Any

from moto.core.responses import ActionResult
from moto.core.utils import camelcase_to_underscores, utcnow
from moto.ecs import models
from moto.ecs.responses import EC2ContainerServiceResponse
from moto.elbv2.models import ELBv2Backend, FakeHealthStatus, TargetGroupNotFoundError

from drbot_state import LOCK, NEVER, TIMINGS, faulty, now

SERIAL = itertools.count(10)


class Task:
    """One Fargate task: its address and when it starts and stops."""

    def __init__(self, starts: float):
        number = next(SERIAL)
        self.ip = f"10.0.{number // 250 % 250}.{number % 250 + 1}"
        self.starts = starts
        self.stops = NEVER

    def stopping(self) -> bool:
        return self.stops != NEVER

    def running(self) -> bool:
        return self.starts <= now() < self.stops

    def pending(self) -> bool:
        return now() < self.starts and now() < self.stops

    def over(self) -> bool:
        return now() >= self.stops + TIMINGS["target_healthy"]

    def health(self) -> tuple[str, str | None, str | None] | None:
        """State, reason and description as a target; None when it is not one."""
        settling = TIMINGS["target_healthy"]
        if now() < self.starts or self.stops <= self.starts or self.over():
            return None
        if now() >= self.stops:
            return "draining", "Target.DeregistrationInProgress", "Target deregistration is in progress"
        if now() < self.starts + settling:
            return "initial", "Elb.InitialHealthChecking", "Initial health checks in progress"
        return "healthy", None, None


class Deployment:
    """A deployment of a service: a set of tasks made together."""

    def __init__(self, task_definition: str | None = None) -> None:
        self.id = f"ecs-svc/{uuid.uuid4().int % 10**19:019d}"
        self.created = utcnow()
        self.task_definition = task_definition
        self.tasks: list[Task] = []
        self.fails = NEVER  # when the circuit breaker ends it
        self.stopped: list[str] = []  # ids of the tasks that did not start

    def failed(self) -> bool:
        return now() >= self.fails

    def wanted(self) -> list[Task]:
        return [t for t in self.tasks if not t.stopping()]

    def alive(self) -> bool:
        return any(t.running() or t.pending() for t in self.tasks)


class Fleet:
    """The tasks of one service. The first deployment is the primary one."""

    def __init__(self, region: str):
        self.region = region
        self.desired = 0
        self.held = False  # by the fault running_never
        self.deployments = [Deployment()]

    def tasks(self) -> list[Task]:
        return [t for d in self.deployments for t in d.tasks]

    def start(self) -> float:
        """When a task asked for now starts."""
        self.held = faulty("running_never", self.region)
        return NEVER if self.held else now() + TIMINGS["task_start"]

    def scale(self, desired: int) -> None:
        with LOCK:
            self.settle()
            self.desired = desired
            primary = self.deployments[0]
            have = primary.wanted()
            if desired > len(have):
                starts = self.start()
                primary.tasks += [Task(starts) for _ in range(desired - len(have))]
            for deployment in self.deployments:
                # Those that have not started yet go first, the oldest stay.
                for task in sorted(deployment.wanted(), key=lambda t: t.starts)[desired:]:
                    task.stops = now() if task.pending() else now() + TIMINGS["task_start"]

    def redeploy(self) -> None:
        with LOCK:
            self.settle()
            old = [t for t in self.tasks() if not t.stopping()]
            new = Deployment(self.deployments[0].task_definition)
            self.deployments.insert(0, new)
            if faulty("breaker_trips", self.region):
                new.fails = now() + TIMINGS["task_start"]
                new.stopped = [uuid.uuid4().hex for _ in range(self.desired)]
                return
            starts = self.start()
            new.tasks = [Task(starts) for _ in range(self.desired)]
            for task in old:
                task.stops = now() if task.pending() else starts + TIMINGS["target_healthy"]

    def settle(self) -> None:
        """Hold back or let go the tasks that wait for the fault, and forget what is over."""
        never = faulty("running_never", self.region)
        if never and not self.held:
            for task in self.tasks():
                task.starts = NEVER if task.pending() else task.starts
        if self.held and not never:
            starts = now() + TIMINGS["task_start"]
            for task in self.tasks():
                task.starts = starts if task.starts == NEVER else task.starts
            for task in (t for d in self.deployments[1:] for t in d.tasks if not t.stopping()):
                task.stops = starts + TIMINGS["target_healthy"]
        self.held = never
        for deployment in self.deployments:
            deployment.tasks = [t for t in deployment.tasks if not t.over()]
        self.deployments[1:] = [d for d in self.deployments[1:] if d.alive()]

    def completed(self) -> bool:
        primary, *others = self.deployments
        running = sum(t.running() for t in primary.tasks)
        return running == self.desired == len(primary.wanted()) and not any(d.alive() for d in others)

    def describe(self, template: dict[str, Any]) -> list[dict[str, Any]]:
        """The deployments as the API shows them; the template holds what does not change."""
        with LOCK:
            self.settle()
            return [self.describe_one(d, template) for d in self.deployments]

    def describe_one(self, deployment: Deployment, template: dict[str, Any]) -> dict[str, Any]:
        primary = deployment is self.deployments[0]
        state = "COMPLETED" if not primary or self.completed() else "IN_PROGRESS"
        reason = f"ECS deployment {deployment.id} {state.lower().replace('_', ' ')}."
        if deployment.failed():
            state, reason = "FAILED", "ECS deployment circuit breaker: tasks failed to start."
        return {
            **template,
            "id": deployment.id,
            "status": "PRIMARY" if primary else "ACTIVE",
            "taskDefinition": deployment.task_definition,
            "desiredCount": self.desired if primary else 0,
            "runningCount": sum(t.running() for t in deployment.tasks),
            "pendingCount": sum(t.pending() for t in deployment.tasks),
            "failedTasks": len(deployment.stopped) if deployment.failed() else 0,
            "rolloutState": state,
            "rolloutStateReason": reason,
            "createdAt": deployment.created,
            "updatedAt": deployment.created,
        }


    def events(self, service: str) -> list[dict[str, Any]]:
        """What ECS says of the deployments that failed."""
        with LOCK:
            return [
                {
                    "id": str(uuid.uuid5(uuid.NAMESPACE_OID, d.id)),
                    "createdAt": d.created + timedelta(seconds=TIMINGS["task_start"]),
                    "message": f"(service {service}) (deployment {d.id}) deployment failed: tasks failed to start.",
                }
                for d in self.deployments
                if d.failed()
            ]


def fleet(service: models.Service) -> Fleet:
    return vars(service)["drbot_fleet"]


def count(service: models.Service, state: str) -> int:
    """How many tasks of a service are `running` or `pending`."""
    if service.status != "ACTIVE":
        return 0
    with LOCK:
        fleet(service).settle()
        return sum(getattr(task, state)() for task in fleet(service).tasks())


# ---- Stopped tasks ---------------------------------------------------------------------------


def stopped(service: models.Service) -> dict[str, dict[str, Any]]:
    """The tasks of a service that failed to start, by ARN, as DescribeTasks shows them."""
    prefix = service.cluster_arn.replace(":cluster/", ":task/")
    with LOCK:
        return {
            f"{prefix}/{task}": {
                "taskArn": f"{prefix}/{task}",
                "clusterArn": service.cluster_arn,
                "group": f"service:{service.name}",
                "startedBy": d.id,
                "desiredStatus": "STOPPED",
                "lastStatus": "STOPPED",
                "stopCode": "TaskFailedToStart",
                "stoppedReason": "CannotPullContainerError: pull image manifest has been retried 5 time(s): not found",
                "createdAt": d.created,
                "containers": [],
            }
            for d in fleet(service).deployments
            if d.failed()
            for task in d.stopped
        }


def services_of(response: EC2ContainerServiceResponse) -> list[models.Service]:
    cluster = response._get_param("cluster", "default").split("/")[-1]
    return [s for s in response.ecs_backend.services.values() if s.cluster_name == cluster]


def list_tasks(original: Any) -> Any:
    """ListTasks with the stopped tasks of a service, when these are asked for."""

    def answer(self: EC2ContainerServiceResponse) -> ActionResult:
        found = original(self)
        name = (self._get_param("serviceName") or "").split("/")[-1]
        if self._get_param("desiredStatus") == "STOPPED":
            for service in services_of(self):
                if service.name == name:
                    found.result["taskArns"] += list(stopped(service))
        return found

    return answer


def describe_tasks(original: Any) -> Any:
    """DescribeTasks with those stopped tasks."""

    def answer(self: EC2ContainerServiceResponse) -> ActionResult:
        found = original(self)
        asked = self._get_param("tasks", [])
        for service in services_of(self):
            found.result["tasks"] += [task for arn, task in stopped(service).items() if arn in asked]
        return found

    return answer


# ---- Target groups ---------------------------------------------------------------------------


def service_targets(backend: ELBv2Backend, target_group_arn: str) -> list[FakeHealthStatus]:
    """The targets that the Region's ECS services have in this target group."""
    region = backend.region_name
    if faulty("targets_empty", region):
        return []
    found = []
    for service in models.ecs_backends[backend.account_id][region].services.values():
        for entry in service.load_balancers:
            if entry.get("targetGroupArn") == target_group_arn and service.status == "ACTIVE":
                fleet(service).settle()
                found += [
                    target_health(task, entry.get("containerPort", 80), region)
                    for task in fleet(service).tasks()
                    if task.health()
                ]
    return found


def target_health(task: Task, port: int, region: str) -> FakeHealthStatus:
    state, reason, description = task.health()
    if state == "healthy" and faulty("targets_unhealthy", region):
        state, reason, description = "unhealthy", "Target.FailedHealthChecks", "Health checks failed"
    return FakeHealthStatus(task.ip, str(port), str(port), state, reason, description)


def describe_target_health(original: Any) -> Any:
    def describe(self: ELBv2Backend, target_group_arn: str, targets: list[dict[str, Any]]) -> list[FakeHealthStatus]:
        if target_group_arn not in self.target_groups:
            raise TargetGroupNotFoundError()
        with LOCK:
            ours = service_targets(self, target_group_arn)
        if not targets:
            return original(self, target_group_arn, targets) + ours
        known = {status.instance_id: status for status in ours}
        others = [t for t in targets if t["Id"] not in known]
        asked = [known[t["Id"]] for t in targets if t["Id"] in known]
        return asked + (original(self, target_group_arn, others) if others else [])

    return describe


# ---- Services --------------------------------------------------------------------------------


def set_desired(service: models.Service, desired: int) -> None:
    own = vars(service)
    own["desired_count"] = desired
    # Moto sets the desired count before the Region; the cluster's ARN is there already.
    if "drbot_fleet" not in own:
        own["drbot_fleet"] = Fleet(service.cluster_arn.split(":")[3])
        fleet(service).deployments[0].task_definition = own.get("task_definition")
    fleet(service).scale(desired)


def set_deployments(service: models.Service, made: list[dict[str, Any]]) -> None:
    vars(service)["drbot_template"] = dict(made[0]) if made else {}


# What a service is made with and Moto does not keep.
KEPT = (
    "availabilityZoneRebalancing",
    "capacityProviderStrategy",
    "deploymentConfiguration",
    "enableECSManagedTags",
    "enableExecuteCommand",
    "healthCheckGracePeriodSeconds",
    "placementConstraints",
    "placementStrategy",
)


def create_service(original: Any) -> Any:
    def create(self: EC2ContainerServiceResponse) -> ActionResult:
        answer = original(self)
        for name in KEPT:
            value = self._get_param(name)
            if value is not None:
                setattr(answer.result["service"], camelcase_to_underscores(name), value)
        return answer

    return create


def update_service(original: Any) -> Any:
    """UpdateService: a forced or changed deployment is a new one beside the old."""

    def update(self: models.EC2ContainerServiceBackend, properties: dict[str, Any]) -> models.Service:
        forced = bool(properties.get("force_new_deployment"))
        definition = properties.get("task_definition")
        definition = self.describe_task_definition(definition).arn if definition else None
        with LOCK:
            service = original(self, properties)
            if definition:
                service.task_definition = definition
            changed = definition and definition != fleet(service).deployments[0].task_definition
            if forced or changed:
                fleet(service).redeploy()
                fleet(service).deployments[0].task_definition = service.task_definition
            return service

    return update


def describe_clusters(original: Any) -> Any:
    """DescribeClusters with the counts of its services' tasks."""

    def describe(self: models.EC2ContainerServiceBackend, cluster_names: list[str]) -> Any:
        clusters, failures = original(self, cluster_names)
        for cluster in clusters:
            services = [s for s in self.services.values() if s.cluster_name == cluster.name and s.status == "ACTIVE"]
            cluster.active_services_count = len(services)
            cluster.running_tasks_count = sum(s.running_count for s in services)
            cluster.pending_tasks_count = sum(s.pending_count for s in services)
        return clusters, failures

    return describe


def update_task_protection(self: EC2ContainerServiceResponse) -> ActionResult:
    """UpdateTaskProtection: says yes and remembers nothing."""
    enabled = bool(self._get_param("protectionEnabled"))
    minutes = self._get_int_param("expiresInMinutes") or 120
    expires = utcnow() + timedelta(minutes=minutes) if enabled else None
    tasks = [
        {"taskArn": task, "protectionEnabled": enabled, "expirationDate": expires}
        for task in self._get_param("tasks") or []
    ]
    return ActionResult({"protectedTasks": tasks, "failures": []})


def settle_all() -> None:
    """Let a fault that has just been switched take hold at once."""
    with LOCK:
        for regions in list(models.ecs_backends.values()):
            for backend in list(regions.values()):
                for service in backend.services.values():
                    fleet(service).settle()


def ignored(_: models.Service, __: Any) -> None:
    """Moto's own idea of a count, which follows from the tasks here."""


def install() -> None:
    service, backend = models.Service, models.EC2ContainerServiceBackend
    service.desired_count = property(lambda self: vars(self)["desired_count"], set_desired)
    service.running_count = property(lambda self: count(self, "running"), ignored)
    service.pending_count = property(lambda self: count(self, "pending"), ignored)
    service.deployments = property(lambda self: fleet(self).describe(vars(self)["drbot_template"]), set_deployments)
    service.events = property(lambda self: fleet(self).events(self.name), ignored)
    backend.update_service = update_service(backend.update_service)
    backend.describe_clusters = describe_clusters(backend.describe_clusters)
    EC2ContainerServiceResponse.create_service = create_service(EC2ContainerServiceResponse.create_service)
    EC2ContainerServiceResponse.list_tasks = list_tasks(EC2ContainerServiceResponse.list_tasks)
    EC2ContainerServiceResponse.describe_tasks = describe_tasks(EC2ContainerServiceResponse.describe_tasks)
    EC2ContainerServiceResponse.update_task_protection = update_task_protection
    ELBv2Backend.describe_target_health = describe_target_health(ELBv2Backend.describe_target_health)
