"""CloudWatch alarms that follow their metric, and the Route 53 health checks on them.

Follows
  https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/AlarmThatSendsEmail.html
  https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/dns-failover-determining-health-of-endpoints.html
  https://docs.aws.amazon.com/Route53/latest/APIReference/API_HealthCheckConfig.html

An alarm with one metric and a static threshold is worked out from the data when it
is looked at: of its last EvaluationPeriods periods, back from now, those that
breach must be DatapointsToAlarm or more. Without any data TreatMissingData decides;
`ignore` keeps the state of the last data there was. Other forms (metric math,
percentiles, composite) keep the state that SetAlarmState gave them.

A health check CLOUDWATCH_METRIC watches the data of its alarm, not the alarm's
state, so SetAlarmState does not move it. Moto forgets which alarm that is, and of an
update everything below HealthCheckConfig; here both stay.

Added: AlarmIdentifier, InsufficientDataHealthStatus, Inverted and the rest of
UpdateHealthCheck; the health of a check as the sandbox's DNS server reads it
(/drbot/health: {"id": true}). A check of an endpoint counts as healthy.

Out of reach: alarm actions, history, the 30 s a real health checker takes.
"""

from datetime import datetime, timedelta, timezone
from typing import Any

from moto.cloudwatch.models import Alarm, CloudWatchBackend, cloudwatch_backends
from moto.core.responses import ActionResult
from moto.route53.models import HealthCheck, Route53Backend, route53_backends
from moto.route53.responses import Route53

STATISTICS = {
    "Maximum": max,
    "Minimum": min,
    "Sum": sum,
    "SampleCount": len,
    "Average": lambda values: sum(values) / len(values),
}

COMPARISONS = {
    "GreaterThanOrEqualToThreshold": lambda value, threshold: value >= threshold,
    "GreaterThanThreshold": lambda value, threshold: value > threshold,
    "LessThanThreshold": lambda value, threshold: value < threshold,
    "LessThanOrEqualToThreshold": lambda value, threshold: value <= threshold,
}

OK, ALARM, INSUFFICIENT = "OK", "ALARM", "INSUFFICIENT_DATA"


def simple(alarm: Alarm) -> bool:
    """Whether an alarm is of the form that is worked out here."""
    return bool(alarm.metric_name and alarm.rule is None and alarm.statistic in STATISTICS and not alarm.metric_data_queries)


def utc(moment: datetime) -> datetime:
    return moment.replace(tzinfo=timezone.utc) if moment.tzinfo is None else moment.astimezone(timezone.utc)


def backend_of(alarm: Alarm) -> CloudWatchBackend:
    _, _, _, region, account, *_ = alarm.alarm_arn.split(":")
    return cloudwatch_backends[account][region]


def data(alarm: Alarm) -> list[tuple[datetime, float]]:
    """The moments and values of the alarm's metric, the newest first."""
    wanted = {(d.name, d.value) for d in alarm.dimensions}
    found = [
        (utc(datum.timestamp), float(datum.value))
        for datum in backend_of(alarm).metric_data
        if datum.namespace == alarm.namespace
        and datum.name == alarm.metric_name
        and hasattr(datum, "value")
        and {(d.name, d.value) for d in datum.dimensions} == wanted
    ]
    return sorted(found, reverse=True)


def evaluate(alarm: Alarm) -> str:
    """The state of an alarm by its data alone."""
    points, now = data(alarm), datetime.now(timezone.utc)
    state = state_at(alarm, points, now)
    if state is not None:
        return state
    missing = alarm.treat_missing_data or "missing"
    if missing == "ignore":
        return (state_at(alarm, points, points[0][0]) if points else None) or INSUFFICIENT
    return {"breaching": ALARM, "notBreaching": OK}.get(missing, INSUFFICIENT)


def state_at(alarm: Alarm, points: list[tuple[datetime, float]], at: datetime) -> str | None:
    """The state at a moment; None when there is no data in the periods that count."""
    periods, wanted = int(alarm.evaluation_periods or 1), int(alarm.datapoints_to_alarm or alarm.evaluation_periods or 1)
    length, seen, breaching = timedelta(seconds=int(alarm.period or 60)), 0, 0
    for number in range(periods):
        end, start = at - number * length, at - (number + 1) * length
        values = [value for moment, value in points if start < moment <= end]
        if values:
            seen += 1
            value = STATISTICS[alarm.statistic](values)
            breaching += COMPARISONS[alarm.comparison_operator](value, float(alarm.threshold))
        elif alarm.treat_missing_data == "breaching":
            breaching += 1
    if not seen:
        return None
    return ALARM if breaching >= wanted else OK


def settle(alarm: Alarm) -> None:
    """Give the alarm the state of its data, when that has changed since the last look."""
    if not simple(alarm):
        return
    state = evaluate(alarm)
    if state != vars(alarm).get("drbot_state", alarm.state_value):
        alarm.update_state("Threshold Crossed" if state == ALARM else "Threshold not crossed", "{}", state)
    vars(alarm)["drbot_state"] = state  # so that SetAlarmState lasts until the data say something else


def settled(original: Any) -> Any:
    """A listing of alarms, each worked out before."""

    def listing(self: CloudWatchBackend, *args: Any, **kwargs: Any) -> Any:
        for alarm in list(self.alarms.values()):
            settle(alarm)
        return original(self, *args, **kwargs)

    return listing


# ---- Health checks ---------------------------------------------------------------------------


def alarm_of(account: str, check: HealthCheck) -> Alarm | None:
    identifier = config(check).get("AlarmIdentifier") or {}
    backend = cloudwatch_backends[account][identifier["Region"]] if identifier.get("Region") else None
    return backend.alarms.get(identifier.get("Name")) if backend else None


def config(check: HealthCheck) -> dict[str, Any]:
    """What was sent and Moto does not keep."""
    return vars(check).setdefault("drbot_config", {})


def healthy(account: str, check: HealthCheck) -> bool:
    if check.disabled:
        return True
    good = True
    if check.type_ == "CLOUDWATCH_METRIC":
        good = metric_health(account, check)
    elif check.type_ == "CALCULATED":
        backend = next(iter(route53_backends[account].values()))
        children = [backend.health_checks[c] for c in check.children or [] if c in backend.health_checks]
        good = sum(healthy(account, c) for c in children) >= int(check.health_threshold or 0)
    return good != bool(check.inverted)


def metric_health(account: str, check: HealthCheck) -> bool:
    """Health before it is inverted."""
    alarm = alarm_of(account, check)
    state = (evaluate(alarm) if simple(alarm) else alarm.state_value) if alarm else INSUFFICIENT
    if state == INSUFFICIENT:
        status = config(check).get("InsufficientDataHealthStatus") or "LastKnownStatus"
        state = {"Healthy": OK, "Unhealthy": ALARM}.get(status, vars(check).get("drbot_last", OK))
    vars(check)["drbot_last"] = state
    return state == OK


def health() -> dict[str, bool]:
    """Every health check's health."""
    return {
        check.id: healthy(account, check)
        for account, partitions in list(route53_backends.items())
        for backend in partitions.values()
        for check in list(backend.health_checks.values())
    }


# What Moto keeps itself, by its names for it.
KEPT = {
    "IPAddress": "ip_address",
    "Port": "port",
    "ResourcePath": "resource_path",
    "FullyQualifiedDomainName": "fqdn",
    "SearchString": "search_string",
    "FailureThreshold": "failure_threshold",
    "HealthThreshold": "health_threshold",
    "Inverted": "inverted",
    "Disabled": "disabled",
    "EnableSNI": "enable_sni",
    "ChildHealthChecks": "children",
    "Regions": "regions",
}
ADDED = ("AlarmIdentifier", "InsufficientDataHealthStatus")


def create_health_check(original: Any) -> Any:
    def create(self: Route53) -> ActionResult:
        answer = original(self)
        check, sent = answer.result["HealthCheck"], self._get_param("HealthCheckConfig")
        config(check).update({name: sent[name] for name in ADDED if sent.get(name)})
        return answer

    return create


def update_health_check(self: Route53) -> ActionResult:
    check = self.backend.get_health_check(self._get_param("HealthCheckId"))
    for name, attribute in KEPT.items():
        value = self._get_param(name)
        if value is not None:
            setattr(check, attribute, value)
    for name in self._get_param("ResetElements") or []:
        setattr(check, KEPT.get(name, name), None)
    config(check).update({name: self._get_param(name) for name in ADDED if self._get_param(name)})
    check.health_check_version += 1
    return ActionResult({"HealthCheck": check})


def health_check_config(original: Any) -> Any:
    def shown(self: HealthCheck) -> dict[str, Any]:
        described = original(self)
        if self.type_ == "CLOUDWATCH_METRIC":  # it has neither an endpoint nor an interval
            kept = ("Type", "Inverted", "Disabled")
            described = {name: described[name] for name in kept}
        return {**described, **config(self)}

    return shown


def alarm_configuration(self: HealthCheck) -> dict[str, Any] | None:
    """CloudWatchAlarmConfiguration, a copy of the alarm's own values."""
    alarm = alarm_of(self_account(self), self) if self.type_ == "CLOUDWATCH_METRIC" else None
    if alarm is None or not simple(alarm):
        return None
    return {
        "EvaluationPeriods": alarm.evaluation_periods,
        "Threshold": alarm.threshold,
        "ComparisonOperator": alarm.comparison_operator,
        "Period": alarm.period,
        "MetricName": alarm.metric_name,
        "Namespace": alarm.namespace,
        "Statistic": alarm.statistic,
        "Dimensions": [{"Name": d.name, "Value": d.value} for d in alarm.dimensions],
    }


def self_account(check: HealthCheck) -> str:
    for account, partitions in route53_backends.items():
        if any(backend.health_checks.get(check.id) is check for backend in partitions.values()):
            return account
    return ""


def install() -> None:
    for name in ("describe_alarms", "get_alarms_by_action_prefix", "get_alarms_by_alarm_name_prefix"):
        setattr(CloudWatchBackend, name, settled(getattr(CloudWatchBackend, name)))
    for name in ("get_alarms_by_alarm_names", "get_alarms_by_state_value"):
        setattr(CloudWatchBackend, name, settled(getattr(CloudWatchBackend, name)))
    HealthCheck.health_check_config = property(health_check_config(HealthCheck.health_check_config.fget))
    HealthCheck.cloud_watch_alarm_configuration = property(alarm_configuration)
    Route53.create_health_check = create_health_check(Route53.create_health_check)
    Route53.update_health_check = update_health_check
