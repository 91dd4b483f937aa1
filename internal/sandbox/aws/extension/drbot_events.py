"""RDS events of switchovers and failovers, as DescribeEvents shows them.

Follows
  https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DescribeEvents.html
  https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/USER_Events.Messages.html

An event stands in the Region of the cluster or instance that it is about. The
messages are in the manner of AWS's, those of the fencing events in other words.
"""

from datetime import datetime, timedelta, timezone
from typing import Any

from moto.rds import models

from drbot_aurora import EMPTY, FLIP, REBOOT, STARTED, Promotion, current, promotions
from drbot_state import LOCK, now, wall


class PromotionEvent:
    """An event of DescribeEvents. The API has no event ids, so neither has this."""

    def __init__(self, moment: float, resource: Any, source_type: str, category: list[str], message: str):
        self.source_identifier = resource.resource_id
        self.source_type = source_type
        self.source_arn = resource.arn
        self.event_categories = category
        self.message = message
        self.moment = moment

    @property
    def date(self) -> datetime:
        return wall(self.moment)


def events_of(promotion: Promotion) -> list[PromotionEvent]:
    """RDS-EVENT-0181 to 0187 for a switchover; 0238, 0240, 0241 and the fencing events 0390, 0391 for a failover."""
    target = f"DB cluster {promotion.target.resource_id} in Region {promotion.target.region}"
    source = f"DB cluster {promotion.source.resource_id} in Region {promotion.source.region}"

    def event(moment: float, resource: Any, message: str) -> PromotionEvent:
        return PromotionEvent(moment, resource, "db-cluster", ["global failover"], message)

    if not promotion.lossy:
        events = [
            event(promotion.started, promotion.target, f"Global switchover to {target} started."),
            event(promotion.at(STARTED), promotion.source, f"Old primary {source} successfully shut down."),
            event(promotion.at(FLIP), promotion.target, f"New primary {target} was successfully promoted."),
            event(promotion.at(EMPTY), promotion.target, f"Global switchover to {target} finished."),
        ]
        if promotion.cancelled is not None:
            events = [e for e in events if e.moment < promotion.cancelled]
            events.append(event(promotion.cancelled, promotion.target, f"Global switchover to {target} is cancelled."))
        return events
    events = [event(promotion.at(EMPTY), promotion.target, f"Global failover to {target} completed.")]
    if promotion.flipped:
        resync = f"resynchronizing members of {source} following global failover."
        events.append(event(promotion.at(EMPTY), promotion.source, f"Started {resync}"))
        events.append(event(promotion.resynced_at(), promotion.source, f"Finished {resync}"))
    return events + fencing(promotion)


def fencing(promotion: Promotion) -> list[PromotionEvent]:
    """Whether the old primary was cut off; written by its own Region when it can be reached, else by the new one."""
    cluster = promotion.source if promotion.fenced else promotion.target
    message = f"Aurora blocked writes to the old primary DB cluster {promotion.source.resource_id}."
    if not promotion.fenced:
        message = (
            f"Aurora could not confirm in time that writes to the old primary DB cluster "
            f"{promotion.source.resource_id} are blocked."
        )
    category = ["notification", "global database"]
    return [PromotionEvent(promotion.at(REBOOT), i, "db-instance", category, message) for i in cluster.members]


def describe_events(original: Any) -> Any:
    """DescribeEvents with the events of promotions; of these the last hour, or the time that is asked for."""

    def describe(self: models.RDSBackend, **params: Any) -> list[Any]:
        found = list(original(self, **params))
        horizon = datetime.now(timezone.utc).replace(tzinfo=None) - timedelta(minutes=int(params.get("duration") or 60))
        start, end = params.get("start_time"), params.get("end_time")
        start = start.replace(tzinfo=None) if start else horizon
        wanted = {"source_identifier": params.get("source_identifier"), "source_type": params.get("source_type")}
        for event in promotion_events(self):
            if event.date < start or (end and event.date > end.replace(tzinfo=None)):
                continue
            categories = params.get("event_categories")
            if categories and not set(categories) & set(event.event_categories):
                continue
            if all(value is None or getattr(event, key) == value for key, value in wanted.items()):
                found.append(event)
        return found

    return describe


def promotion_events(backend: models.RDSBackend) -> list[PromotionEvent]:
    found = []
    with LOCK:
        for cluster in models.rds_backends[backend.account_id]["us-east-1"].global_clusters.values():
            current(cluster)
            for promotion in promotions(cluster):
                found += [e for e in events_of(promotion) if f":{backend.region_name}:" in e.source_arn]
    return [event for event in found if event.moment <= now()]


def install() -> None:
    models.RDSBackend.describe_events = describe_events(models.RDSBackend.describe_events)
