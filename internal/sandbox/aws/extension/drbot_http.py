"""The sandbox's own door beside AWS: /drbot/...

    GET  /drbot/ready        {"ready": true} once AWS calls are answered
    GET  /drbot/promotions   every SwitchoverGlobalCluster and FailoverGlobalCluster, accepted or refused, in order
    GET  /drbot/faults       the present faults
    POST /drbot/faults       changes those that are named; what they do stands in drbot_state.py
    GET  /drbot/timings      seconds
    POST /drbot/timings      changes those that are named
    GET  /drbot/regions      {"down": [...]}
    POST /drbot/regions      replaces the list: the Regions that a failover cannot count on
    GET  /drbot/health       {"<health check id>": true}: what the DNS server answers by
"""

import json
from collections.abc import Callable
from typing import Any

import moto.backends
import moto.server
from moto.core import DEFAULT_ACCOUNT_ID

import drbot_alarms
import drbot_aurora
import drbot_cbor
import drbot_ecs
import drbot_state as state

# What the sandbox's two Regions use. Loaded before `ready` says so, else the first calls would pay for it.
SERVICES = ("ec2", "rds", "ecs", "elbv2", "cloudwatch", "route53", "sts")

Handler = Callable[[dict[str, Any] | None], Any]


def ready(_: Any) -> dict[str, Any]:
    for service in SERVICES:
        backends = moto.backends.get_backend(service)
        for region in state.PRELOAD:
            if region in backends[DEFAULT_ACCOUNT_ID]:
                backends[DEFAULT_ACCOUNT_ID][region]
    return {"ready": True}


def promotions(_: Any) -> list[dict[str, Any]]:
    return list(drbot_aurora.JOURNAL)


def settled(change: Callable[[], None]) -> None:
    """Make a change; what happened before it and what it does at once are settled, as nobody may look for a while."""
    for act in (drbot_ecs.settle_all, drbot_aurora.settle_all, change, drbot_ecs.settle_all, drbot_aurora.settle_all):
        act()


def faults(changes: dict[str, Any] | None) -> dict[str, Any]:
    if changes is not None:
        settled(lambda: state.set_faults(changes))
    return state.FAULTS


def timings(changes: dict[str, Any] | None) -> dict[str, float]:
    if changes is not None:
        state.set_timings(changes)
    return state.TIMINGS


def regions(changes: dict[str, Any] | None) -> dict[str, Any]:
    if changes is not None:
        settled(lambda: state.set_regions_down(changes.get("down") or []))
    return {"down": sorted(state.REGIONS_DOWN)}


def health(_: Any) -> dict[str, bool]:
    return drbot_alarms.health()


ROUTES: dict[str, Handler] = {
    "/drbot/ready": ready,
    "/drbot/promotions": promotions,
    "/drbot/faults": faults,
    "/drbot/timings": timings,
    "/drbot/regions": regions,
    "/drbot/health": health,
}


def answer(environ: dict[str, Any], start_response: Any) -> list[bytes]:
    handler = ROUTES.get(environ["PATH_INFO"])
    status, body = "404 Not Found", {"error": f"known: {', '.join(ROUTES)}"}
    if handler:
        try:
            changes = None
            if environ["REQUEST_METHOD"] != "GET":
                changes = json.loads(environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0)))
                if not isinstance(changes, dict):
                    raise ValueError("want a JSON object")
            with state.LOCK:
                status, body = "200 OK", handler(changes)
        except ValueError as err:
            status, body = "400 Bad Request", {"error": str(err)}
    content = json.dumps(body).encode()
    start_response(status, [("Content-Type", "application/json"), ("Content-Length", str(len(content)))])
    return [content]


class Application(moto.server.DomainDispatcherApplication):
    """Moto's application with the door, and the translator, in front."""

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        if environ.get("PATH_INFO", "").startswith("/drbot/"):
            return answer(environ, start_response)
        if drbot_cbor.spoken(environ):
            return drbot_cbor.serve(super().__call__, environ, start_response)
        return super().__call__(environ, start_response)


def install() -> None:
    moto.server.DomainDispatcherApplication = Application
