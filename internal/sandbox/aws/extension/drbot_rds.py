"""RDS: what was sent and Moto forgets, and ModifyGlobalCluster.

Follows
  https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_CreateGlobalCluster.html
  https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_ModifyGlobalCluster.html
  https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DBInstance.html
  https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DescribeDBParameters.html

Kept: a global cluster's DatabaseName and tags; Performance Insights and enhanced
monitoring of clusters and instances; `user` as the source of a changed parameter.
Gone: ScalingConfigurationInfo of a cluster that is not Serverless v1, for which AWS
shows none. Added: ModifyGlobalCluster. Mended: RemoveFromGlobalCluster and
DeleteDBCluster take the cluster out of its global cluster from every Region, not
from us-east-1 alone.

Out of reach: the upgrade of a global cluster's engine in its members, parameters
that nobody set, MySQL itself (no database listens).
"""

from copy import copy
from typing import Any

from moto.core.responses import ActionResult
from moto.core.utils import camelcase_to_underscores
from moto.rds import models
from moto.rds.exceptions import RDSClientError
from moto.rds.responses import RDSResponse

# As they are sent, with what AWS shows when they are not.
OF_INSTANCE = {
    "MonitoringInterval": 0,
    "MonitoringRoleArn": None,
    "PerformanceInsightsKMSKeyId": None,
    "PerformanceInsightsRetentionPeriod": None,
}
OF_CLUSTER = {**OF_INSTANCE, "DatabaseInsightsMode": "standard"}
RETENTION = 7  # days of Performance Insights, when nothing else is asked for
SWITCH = "EnablePerformanceInsights"


def attribute(name: str) -> str:
    return camelcase_to_underscores(name)


def keep(resource: Any, params: dict[str, Any], kept: dict[str, Any]) -> None:
    """Give a resource what was sent; what was never sent has its default."""
    own = vars(resource)
    for name, default in kept.items():
        own.setdefault(attribute(name), default)
        if params.get(name) is not None:
            own[attribute(name)] = params[name]
    if params.get(SWITCH) is not None:
        own["performance_insights_enabled"] = params[SWITCH]
        if params[SWITCH] and not own[attribute("PerformanceInsightsRetentionPeriod")]:
            own[attribute("PerformanceInsightsRetentionPeriod")] = RETENTION
    own.setdefault("performance_insights_enabled", False)


def keeping(original: Any, member: str, kept: dict[str, Any]) -> Any:
    """Create or modify, and keep what Moto does not."""

    def call(self: RDSResponse) -> ActionResult:
        sent = copy(self.params)  # which reads either spelling of a name
        answer = original(self)
        keep(answer.result[member], sent, kept)
        return answer

    return call


def scaling_configuration(original: Any) -> Any:
    def read(self: models.DBCluster) -> dict[str, Any] | None:
        return original.fget(self) if self.scaling_configuration else None

    return property(read)


def update_parameters(original: Any) -> Any:
    def update(self: Any, new_parameters: Any) -> None:
        new_parameters = list(new_parameters)
        original(self, new_parameters)
        for parameter in new_parameters:
            self.parameters[parameter["ParameterName"]]["Source"] = "user"

    return update


# ---- Global clusters -------------------------------------------------------------------------


def create_global_cluster(original: Any) -> Any:
    def create(self: RDSResponse) -> ActionResult:
        sent = copy(self.params)  # which reads either spelling of a name
        answer = original(self)
        made = answer.result["GlobalCluster"]
        made.tags = sent.get("Tags")
        vars(made)["database_name"] = sent.get("DatabaseName")
        vars(made)["engine_lifecycle_support"] = sent.get("EngineLifecycleSupport") or "open-source-rds-extended-support"
        return answer

    return create


def modify_global_cluster(self: RDSResponse) -> ActionResult:
    sent = self.params
    name = sent.get("GlobalClusterIdentifier") or ""
    clusters = self.global_backend.global_clusters
    if name not in clusters:
        raise RDSClientError("GlobalClusterNotFoundFault", f"Global cluster {name} not found.")
    cluster = clusters[name]
    if sent.get("DeletionProtection") is not None:
        cluster.deletion_protection = sent["DeletionProtection"]
    if sent.get("EngineVersion"):
        cluster.engine_version = sent["EngineVersion"]
    if sent.get("NewGlobalClusterIdentifier"):
        cluster.global_cluster_identifier = sent["NewGlobalClusterIdentifier"]
        clusters[cluster.global_cluster_identifier] = clusters.pop(name)
    return ActionResult({"GlobalCluster": cluster})


def leave(cluster: models.GlobalCluster, member: models.DBCluster) -> None:
    """Take a member out; it stands for itself from then on and can be written to."""
    cluster.members.remove(member)
    member.global_cluster_identifier = None
    member.is_writer = True


def remove_from_global_cluster(self: RDSResponse) -> ActionResult:
    name, wanted = self.params.get("GlobalClusterIdentifier") or "", self.params.get("DbClusterIdentifier") or ""
    cluster = self.global_backend.global_clusters.get(name)
    if cluster is None:
        raise RDSClientError("GlobalClusterNotFoundFault", f"Global cluster {name} not found.")
    member = next((m for m in cluster.members if wanted in (m.arn, m.resource_id)), None)
    if member is None:
        raise RDSClientError("DBClusterNotFoundFault", f"{wanted} is not a member of {name}.")
    leave(cluster, member)
    return ActionResult({"GlobalCluster": cluster})


def delete_db_cluster(original: Any) -> Any:
    def delete(self: models.RDSBackend, *args: Any, **kwargs: Any) -> Any:
        deleted = original(self, *args, **kwargs)
        for cluster in models.rds_backends[self.account_id]["us-east-1"].global_clusters.values():
            if deleted in cluster.members:
                leave(cluster, deleted)
        return deleted

    return delete


def resource_for_tagging(original: Any) -> Any:
    """The resource of an ARN; a global cluster's is the same in every Region."""

    def find(self: models.RDSBackend, arn: str) -> Any:
        if ":global-cluster:" in arn:
            return models.rds_backends[self.account_id]["us-east-1"].global_clusters.get(arn.split(":")[-1])
        return original(self, arn)

    return find


def install() -> None:
    calls = {
        "create_db_instance": ("DBInstance", OF_INSTANCE),
        "modify_db_instance": ("DBInstance", OF_INSTANCE),
        "create_db_cluster": ("DBCluster", OF_CLUSTER),
        "modify_db_cluster": ("DBCluster", OF_CLUSTER),
    }
    for name, (member, kept) in calls.items():
        setattr(RDSResponse, name, keeping(getattr(RDSResponse, name), member, kept))
    RDSResponse.create_global_cluster = create_global_cluster(RDSResponse.create_global_cluster)
    RDSResponse.modify_global_cluster = modify_global_cluster
    RDSResponse.remove_from_global_cluster = remove_from_global_cluster
    models.RDSBackend.delete_db_cluster = delete_db_cluster(models.RDSBackend.delete_db_cluster)
    backend = models.RDSBackend
    backend._get_resource_for_tagging = resource_for_tagging(backend._get_resource_for_tagging)
    models.DBCluster.scaling_configuration_info = scaling_configuration(models.DBCluster.scaling_configuration_info)
    models.DBParameterGroup.update_parameters = update_parameters(models.DBParameterGroup.update_parameters)
