"""What the pieces of the extension share: one lock, one clock, the timings and the faults."""

import json
import os
import threading
import time
from datetime import datetime, timedelta, timezone
from typing import Any

# Moto's server answers every request in a thread of its own.
LOCK = threading.RLock()

NEVER = float("inf")

# The Regions whose parts are loaded before the server says that it is ready.
PRELOAD = [region for region in os.environ.get("DRBOT_REGIONS", "").split(",") if region]

# Seconds. The caller may set them at the start (DRBOT_TIMINGS, JSON) and later (POST /drbot/timings).
TIMINGS: dict[str, float] = {
    "promotion": 1.5,  # from the call to the last transition of a switchover or failover
    "resync": 1.5,  # after a failover, until the old primary is connected again
    "task_start": 0.7,  # from desired to running, and from not desired to stopped
    "target_healthy": 0.7,  # from registered to healthy
}

# Faults that are simply on or off, or a string to report.
SWITCHES: dict[str, Any] = {
    "promotion_noop": False,  # accepted, goes through its states, ends; the writer has not moved
    "promotion_stuck": False,  # never leaves switching-over or failing-over
    "promotion_status": "",  # this string instead of FailoverState.Status
    "global_status": "",  # this string instead of GlobalCluster.Status
    "lag_missing": False,  # read by the feeder of the lag metrics
}

# Faults of a Region: a list of Region names, "*" for all.
REGIONAL = (
    "instance_unavailable",  # database instances are `failed`
    "targets_empty",  # running tasks are in no target group
    "targets_unhealthy",  # registered targets fail their health checks
    "running_never",  # wanted tasks stay pending
    "breaker_trips",  # new deployments fail, by the circuit breaker
    "direct_connect_down",  # virtual interfaces and their BGP sessions are down
)

FAULTS: dict[str, Any] = {**SWITCHES, **{name: [] for name in REGIONAL}}

# Regions in an outage, and when each came back: the old primary of a failover
# is rebuilt only once its Region is healthy.
REGIONS_DOWN: set[str] = set()
REGIONS_UP_SINCE: dict[str, float] = {}


def now() -> float:
    return time.monotonic()


def wall(moment: float) -> datetime:
    """The time of day of a moment of now(), without a zone, as Moto keeps its times."""
    utc = datetime.now(timezone.utc) - timedelta(seconds=now() - moment)
    return utc.replace(tzinfo=None)


def faulty(fault: str, region: str) -> bool:
    """Whether the Regional fault is on in this Region."""
    return region in FAULTS[fault] or "*" in FAULTS[fault]


def set_faults(changes: dict[str, Any]) -> None:
    """Change the faults that are named and leave the others. Raises ValueError and then changes nothing."""
    checked = {}
    for name, value in changes.items():
        if name in REGIONAL:
            checked[name] = _regions(name, value)
        elif name in SWITCHES:
            kind = type(SWITCHES[name])
            value = SWITCHES[name] if value is None else value
            if not isinstance(value, kind):
                raise ValueError(f"{name}: want a {kind.__name__}, got {value!r}")
            checked[name] = value
        else:
            raise ValueError(f"unknown fault {name!r}; known: {', '.join(sorted(FAULTS))}")
    FAULTS.update(checked)


def _regions(name: str, value: Any) -> list[str]:
    if value in (None, False):
        return []
    if value is True:
        return ["*"]
    if isinstance(value, str):
        return [value]
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return value
    raise ValueError(f"{name}: want a list of Regions, got {value!r}")


def set_timings(changes: dict[str, Any]) -> None:
    for name, value in changes.items():
        if name not in TIMINGS or not isinstance(value, (int, float)) or value < 0:
            raise ValueError(f"timing {name!r}: {value!r}; known: {', '.join(sorted(TIMINGS))}, in seconds")
    TIMINGS.update({name: float(value) for name, value in changes.items()})


def set_regions_down(regions: list[str]) -> None:
    down = set(regions)
    for region in REGIONS_DOWN - down:
        REGIONS_UP_SINCE[region] = now()
    REGIONS_DOWN.clear()
    REGIONS_DOWN.update(down)


set_timings(json.loads(os.environ.get("DRBOT_TIMINGS", "{}")))
