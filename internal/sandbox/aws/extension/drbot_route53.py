"""The SOA record of a new hosted zone.

Follows https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/SOA-NSrecords.html

Moto makes the record but shows its value as a Python dictionary; here it is the value alone.

Health checks stand in drbot_alarms.py; weights and failover are the work of the
sandbox's DNS server. Out of reach: latency, geographic and IP routing, traffic
policies, EvaluateTargetHealth, DNSSEC, answers of a private zone.
"""

from typing import Any

from moto.route53.models import Route53Backend


def create_hosted_zone(original: Any) -> Any:
    def create(self: Route53Backend, *args: Any, **kwargs: Any) -> Any:
        zone = original(self, *args, **kwargs)
        for record_set in zone.rrsets:
            record_set.records = [r["Value"] if isinstance(r, dict) else r for r in record_set.records]
        return zone

    return create


def install() -> None:
    Route53Backend.create_hosted_zone = create_hosted_zone(Route53Backend.create_hosted_zone)
