"""Aurora global databases: switchover, failover, and what can be seen while they last.

Follows
  https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_SwitchoverGlobalCluster.html
  https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_FailoverGlobalCluster.html
  https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_FailoverState.html
  https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_GlobalClusterMember.html
  https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/aurora-global-database-disaster-recovery.html

A switchover is asked of the Region of the current primary, a failover of the
Region to be promoted. AWS names four faults for both calls without saying which
one answers which mistake; the choice made here is marked `choice`.

One promotion lasts TIMINGS["promotion"] seconds, in this order:

    0 %    FailoverState pending, Status switching-over or failing-over
    20 %   FailoverState switching-over or failing-over; the target's instances modifying
    50 %   the target's instances rebooting
    70 %   the writer moves
    85 %   FailoverState empty, Status available
    100 %  the target's instances available

The last three come apart on purpose: a caller that looks at one of them alone is done too early.
"""

from datetime import datetime, timezone
from typing import Any

from moto.core.responses import ActionResult
from moto.rds import models
from moto.rds.exceptions import RDSClientError
from moto.rds.responses import RDSResponse

from drbot_state import FAULTS, LOCK, REGIONS_DOWN, REGIONS_UP_SINCE, TIMINGS, faulty, now

STARTED, REBOOT, FLIP, EMPTY = 0.2, 0.5, 0.7, 0.85
CANCELLING = 0.3

# Every promotion that was asked for, whether it was accepted or not.
JOURNAL: list[dict[str, Any]] = []


class Promotion:
    """One accepted switchover or failover."""

    def __init__(self, source: models.DBCluster, target: models.DBCluster, lossy: bool):
        self.source = source
        self.target = target
        self.lossy = lossy
        self.started = now()
        self.lasts = max(TIMINGS["promotion"], 0.001)
        self.flipped = False  # the writer has moved
        self.noop = False  # by the fault promotion_noop it never will
        self.cancelled: float | None = None
        self.fenced = source.region not in REGIONS_DOWN

    def at(self, share: float) -> float:
        """The moment at which this share of the promotion has passed."""
        return self.started + share * self.lasts

    def progress(self) -> float:
        share = (now() - self.started) / self.lasts
        held = FAULTS["promotion_stuck"] and not (self.flipped or self.noop)
        return min(share, REBOOT) if held else share

    def settle(self) -> None:
        """Bring about what the clock says has happened."""
        if self.flipped or self.noop or self.cancelled is not None:
            return
        down = {self.source.region, self.target.region} & REGIONS_DOWN
        if not self.lossy and down and self.progress() < FLIP:
            self.cancelled = now()
        elif self.progress() >= FLIP and FAULTS["promotion_noop"]:
            self.noop = True
        elif self.progress() >= FLIP:
            vars(self.source)["is_writer"] = False
            vars(self.target)["is_writer"] = True
            self.flipped = True

    def running(self) -> bool:
        if self.cancelled is not None:
            return now() < self.cancelled + CANCELLING * self.lasts
        return self.progress() < EMPTY

    @property
    def verb(self) -> str:
        return "failing-over" if self.lossy else "switching-over"

    def failover_state(self) -> dict[str, Any] | None:
        if not self.running():
            return None
        status = "pending" if self.progress() < STARTED else self.verb
        if self.cancelled is not None:
            status = "cancelling"
        return {
            "Status": FAULTS["promotion_status"] or status,
            "FromDbClusterArn": self.source.arn,
            "ToDbClusterArn": self.target.arn,
            "IsDataLossAllowed": self.lossy,
        }

    def resynced_at(self) -> float:
        """After a failover: when the old primary, rebuilt on new storage, is connected again."""
        if not (self.lossy and self.flipped):
            return 0.0
        if self.source.region in REGIONS_DOWN:
            return float("inf")
        healthy = max(self.at(EMPTY), REGIONS_UP_SINCE.get(self.source.region, 0.0))
        return healthy + TIMINGS["resync"]

    def cluster_status(self, cluster: models.DBCluster) -> str | None:
        if not self.running() or self.cancelled is not None:
            return None
        return {self.target.arn: "promoting", self.source.arn: "modifying"}.get(cluster.arn)

    def instance_status(self, cluster: models.DBCluster) -> str | None:
        share = self.progress()
        if self.cancelled is not None or share < STARTED:
            return None
        if cluster is self.target and share < 1:
            return "modifying" if share < REBOOT else "rebooting"
        if cluster is self.source and not self.lossy and share < EMPTY:
            return "rebooting"
        if cluster is self.source and now() < self.resynced_at():
            return "modifying"
        return None


def promotions(cluster: models.GlobalCluster) -> list[Promotion]:
    return vars(cluster).setdefault("drbot_promotions", [])


def current(cluster: models.GlobalCluster) -> Promotion | None:
    """The latest promotion of a global cluster, settled; None when there was none."""
    with LOCK:
        made = promotions(cluster)
        if not made:
            return None
        made[-1].settle()
        return made[-1]


def settle_all() -> None:
    for regions in list(models.rds_backends.values()):
        for cluster in list(regions["us-east-1"].global_clusters.values()):
            current(cluster)


def global_cluster_of(member: models.DBCluster) -> models.GlobalCluster | None:
    clusters = models.rds_backends[member.account_id]["us-east-1"].global_clusters
    return next((c for c in clusters.values() if any(m is member for m in c.members)), None)


def promotion_of(member: models.DBCluster) -> Promotion | None:
    cluster = global_cluster_of(member)
    return current(cluster) if cluster else None


def synchronization(cluster: models.GlobalCluster, member: models.DBCluster) -> str:
    promotion = current(cluster)
    if promotion and member is promotion.source and now() < promotion.resynced_at():
        return "pending-resync"
    return "connected"


# ---- The calls -------------------------------------------------------------------------------


def promote(response: RDSResponse, operation: str) -> ActionResult:
    """Answer one of the two calls and write it down, accepted or refused."""
    params = response.params
    entry = {
        "time": datetime.now(timezone.utc).isoformat(),
        "operation": operation,
        "region": response.region,
        "global_cluster": params.get("GlobalClusterIdentifier") or "",
        "target": params.get("TargetDbClusterIdentifier") or "",
        "allow_data_loss": bool(params.get("AllowDataLoss")),
        "accepted": False,
        "error": "",
    }
    with LOCK:
        JOURNAL.append(entry)
        try:
            cluster = accept(response, entry)
        except RDSClientError as refused:
            entry["error"] = f"{refused.code}: {refused.message}"
            raise
        entry["accepted"] = True
        return ActionResult({"GlobalCluster": cluster})


def accept(response: RDSResponse, entry: dict[str, Any]) -> models.GlobalCluster:
    for name, key in (("GlobalClusterIdentifier", "global_cluster"), ("TargetDbClusterIdentifier", "target")):
        if not entry[key]:
            raise RDSClientError("MissingParameter", f"The request must contain the parameter {name}.")
    if entry["allow_data_loss"] and response.params.get("Switchover"):
        raise RDSClientError(
            "InvalidParameterCombination", "AllowDataLoss and Switchover can't be specified in the same request."
        )
    cluster = response.global_backend.global_clusters.get(entry["global_cluster"])
    if cluster is None:
        raise RDSClientError("GlobalClusterNotFoundFault", f"Global cluster {entry['global_cluster']} not found.")
    target = next((m for m in cluster.members if m.arn == entry["target"]), None)
    if target is None:
        raise RDSClientError(
            "DBClusterNotFoundFault", f"{entry['target']} is not the ARN of a member of {cluster.resource_id}."
        )
    latest = current(cluster)
    if latest and latest.running():
        raise RDSClientError(
            "InvalidGlobalClusterStateFault", f"Global cluster {cluster.resource_id} is {latest.verb} already."
        )
    source = next((m for m in cluster.members if m.is_writer), None)
    check_region(response.region, cluster, source, target, entry["allow_data_loss"])
    check_target(cluster, source, target, entry["allow_data_loss"])
    promotions(cluster).append(Promotion(source, target, lossy=entry["allow_data_loss"]))
    return cluster


def check_region(region: str, cluster: Any, source: Any, target: Any, lossy: bool) -> None:
    if source is None:
        raise RDSClientError("InvalidGlobalClusterStateFault", f"{cluster.resource_id} has no primary DB cluster.")
    if lossy and region != target.region:  # choice
        raise RDSClientError(
            "InvalidGlobalClusterStateFault",
            f"A failover to {target.arn} must be requested in {target.region}, not in {region}.",
        )
    if not lossy and region != source.region:  # choice
        raise RDSClientError(
            "InvalidGlobalClusterStateFault",
            f"A switchover must be requested in {source.region}, the Region of the primary, not in {region}.",
        )


def check_target(cluster: Any, source: Any, target: Any, lossy: bool) -> None:
    if target is source:  # choice
        raise RDSClientError("InvalidDBClusterStateFault", f"{target.arn} is the primary DB cluster already.")
    if not any(i.status == "available" for i in target.members):
        raise RDSClientError("InvalidDBClusterStateFault", f"{target.arn} has no available DB instance.")
    if synchronization(cluster, target) != "connected":
        raise RDSClientError("InvalidDBClusterStateFault", f"{target.arn} is not connected to the primary.")
    if not lossy and any(m.region in REGIONS_DOWN for m in cluster.members):  # choice
        raise RDSClientError("InvalidGlobalClusterStateFault", "A switchover needs all DB clusters to be healthy.")


def describe_global_clusters(response: RDSResponse) -> ActionResult:
    """DescribeGlobalClusters of the one that is asked for, which Moto leaves out."""
    found = response.global_backend.describe_global_clusters()
    wanted = response.params.get("GlobalClusterIdentifier")
    if wanted:
        # The API takes an ARN, too.
        found = [c for c in found if wanted.lower() in (c.global_cluster_identifier, c.arn.lower())]
        if not found:
            raise RDSClientError("GlobalClusterNotFoundFault", f"Global cluster {wanted} not found.")
    return ActionResult({"GlobalClusters": found})


# ---- Patches ---------------------------------------------------------------------------------


def stored(name: str, read: Any) -> property:
    """A property kept in the instance's own dictionary, read through `read(self, kept value)`."""

    def getter(self: Any) -> Any:
        return read(self, vars(self).get(name))

    def setter(self: Any, value: Any) -> None:
        vars(self)[name] = value

    return property(getter, setter)


def read_writer(self: models.DBCluster, _: Any) -> bool:
    promotion_of(self)  # settles: the writer moves when it is looked at
    return bool(vars(self).get("is_writer"))


def read_global_status(self: models.GlobalCluster, kept: str) -> str:
    promotion = current(self)
    state = promotion.verb if promotion and promotion.running() else kept
    return FAULTS["global_status"] or state


def read_instance_status(self: models.DBInstanceClustered, kept: str) -> str:
    if faulty("instance_unavailable", self.region):
        return "failed"
    promotion = promotion_of(self.cluster) if kept == "available" else None
    return (promotion and promotion.instance_status(self.cluster)) or kept


def install() -> None:
    cluster_status = models.DBCluster.status
    members = models.GlobalCluster.global_cluster_members

    def read_cluster_status(self: models.DBCluster) -> str:
        promotion = promotion_of(self)
        return (promotion and promotion.cluster_status(self)) or cluster_status.fget(self)

    def read_failover_state(self: models.GlobalCluster) -> dict[str, Any] | None:
        promotion = current(self)
        return promotion.failover_state() if promotion else None

    def read_members(self: models.GlobalCluster) -> list[dict[str, Any]]:
        with LOCK:
            described = members.fget(self)
            for entry, member in zip(described, self.members):
                entry["SynchronizationStatus"] = synchronization(self, member)
            return described

    models.DBCluster.is_writer = stored("is_writer", read_writer)
    models.DBCluster.status = property(read_cluster_status, cluster_status.fset)
    models.DBInstanceClustered.status = stored("status", read_instance_status)
    models.GlobalCluster.status = stored("status", read_global_status)
    models.GlobalCluster.failover_state = property(read_failover_state)
    models.GlobalCluster.global_cluster_members = property(read_members)
    RDSResponse.describe_global_clusters = describe_global_clusters
    RDSResponse.switchover_global_cluster = lambda self: promote(self, "SwitchoverGlobalCluster")
    RDSResponse.failover_global_cluster = lambda self: promote(self, "FailoverGlobalCluster")
