# Standby takes over. The primary record has a health check that turns unhealthy when somebody trips the alarm in the standby Region
# (module dns/takeover); Route 53's data plane then answers with the secondary. The lost Region has no say, and a lost standby
# moves nothing: without data the check keeps its last state.
#
# The primary points at the active Region and the secondary at the standby, always. So once Git says the standby, both
# do, whatever the metric is: no order of tripping and applying sends traffic back to a lost home. Before a failback
# is applied the metric must be 0, else the name stays with the standby.

resource "aws_route53_health_check" "takeover" {
  count = local.shape == "failover" ? 1 : 0

  type                            = "CLOUDWATCH_METRIC"
  cloudwatch_alarm_name           = "${var.service}-standby-takes-over"
  cloudwatch_alarm_region         = var.standby_region
  insufficient_data_health_status = "LastKnownStatus"
  tags                            = merge(var.tags, { Name = "${var.service}-standby-takes-over" })
}

resource "aws_route53_record" "primary" {
  count = local.shape == "failover" ? 1 : 0

  zone_id         = var.zone_id
  name            = var.name
  type            = "CNAME"
  ttl             = var.ttl
  records         = [local.regional[var.active_region]]
  set_identifier  = "primary"
  health_check_id = aws_route53_health_check.takeover[0].id

  failover_routing_policy {
    type = "PRIMARY"
  }
}

resource "aws_route53_record" "secondary" {
  count = local.shape == "failover" ? 1 : 0

  zone_id        = var.zone_id
  name           = var.name
  type           = "CNAME"
  ttl            = var.ttl
  records        = [local.regional[var.standby_region]]
  set_identifier = "secondary"

  failover_routing_policy {
    type = "SECONDARY"
  }
}
