"""EC2: routes that a virtual private gateway propagates, detailed monitoring, and descriptions of security group rules.

Follows
  https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_EnableVgwRoutePropagation.html
  https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_MonitorInstances.html
  https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_SecurityGroupRule.html

Added: {Enable,Disable}VgwRoutePropagation, {Monitor,Unmonitor}Instances. Moto forgets the description of a rule about
a prefix list or another group, which a second plan would show as a change; it is kept.

Out of reach: the propagated routes themselves, packets of any kind, metrics of instances.
"""

from typing import Any

from moto.core.responses import ActionResult, EmptyResult
from moto.ec2.models.route_tables import RouteTable
from moto.ec2.models.security_groups import SecurityGroupRule
from moto.ec2.responses.monitoring import Monitoring
from moto.ec2.responses.route_tables import RouteTables


def gateways(table: RouteTable) -> list[str]:
    return vars(table).setdefault("drbot_gateways", [])


def enable_vgw_route_propagation(self: RouteTables) -> EmptyResult:
    table = self.ec2_backend.get_route_table(self._get_param("RouteTableId"))
    gateway = self.ec2_backend.get_vpn_gateway(self._get_param("GatewayId"))
    if gateway.id not in gateways(table):
        gateways(table).append(gateway.id)
    return EmptyResult()


def disable_vgw_route_propagation(self: RouteTables) -> EmptyResult:
    table = self.ec2_backend.get_route_table(self._get_param("RouteTableId"))
    gateways(table)[:] = [g for g in gateways(table) if g != self._get_param("GatewayId")]
    return EmptyResult()


def monitoring(state: str) -> Any:
    def change(self: Monitoring) -> ActionResult:
        ids = self._get_param("InstanceIds", [])
        for instance in self.ec2_backend.get_multi_instances_by_id(ids):
            instance.monitoring_state = state
        return ActionResult(
            {"InstanceMonitorings": [{"InstanceId": i, "Monitoring": {"State": state}} for i in ids]}
        )

    return change


def remembering(original: Any) -> Any:
    """A rule that keeps the description of its prefix list."""

    def init(self: SecurityGroupRule, *args: Any, **kwargs: Any) -> None:
        original(self, *args, **kwargs)
        given = kwargs.get("prefix_list_id") or (args[7] if len(args) > 7 else None) or {}
        vars(self)["drbot_description"] = given.get("Description")

    return init


def described(self: SecurityGroupRule) -> str | None:
    """The description of a rule; Moto knows that of a rule about addresses only."""
    return (
        self.ip_range.get("Description")
        or self.source_group.get("Description")
        or vars(self).get("drbot_description")
    )


def install() -> None:
    SecurityGroupRule.__init__ = remembering(SecurityGroupRule.__init__)
    SecurityGroupRule.description = property(described)
    RouteTable.propagating_vgws = property(lambda self: [{"GatewayId": g} for g in gateways(self)])
    RouteTables.enable_vgw_route_propagation = enable_vgw_route_propagation
    RouteTables.disable_vgw_route_propagation = disable_vgw_route_propagation
    Monitoring.monitor_instances = monitoring("enabled")
    Monitoring.unmonitor_instances = monitoring("disabled")
