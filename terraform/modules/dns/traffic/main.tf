# The public name. It points at regional names, which the regional stacks own, so nothing of the target Region need stand while
# this is planned: every value comes out of variables. One of three shapes:
#
#   simple    a CNAME to the active Region's name; a flip changes it
#   weighted  both Regions serve: home shares while it is active and is drained by a failover, the standby always serves
#   failover  as simple, and the standby can take over by a health check, without Route 53's control plane

locals {
  shape = var.weighted ? "weighted" : var.standby_takes_over ? "failover" : "simple"

  regional = {
    for region in [var.home_region, var.standby_region] : region => "${region}.${var.name}"
  }

  weights = {
    (var.home_region)    = var.active_region == var.home_region ? 100 : 0
    (var.standby_region) = 100
  }
}

resource "aws_route53_record" "simple" {
  count = local.shape == "simple" ? 1 : 0

  zone_id = var.zone_id
  name    = var.name
  type    = "CNAME"
  ttl     = var.ttl
  records = [local.regional[var.active_region]]
}

resource "aws_route53_record" "weighted" {
  for_each = local.shape == "weighted" ? local.weights : {}

  zone_id         = var.zone_id
  name            = var.name
  type            = "CNAME"
  ttl             = var.ttl
  records         = [local.regional[each.key]]
  set_identifier  = each.key
  health_check_id = var.health_checks ? aws_route53_health_check.regional[each.key].id : null

  weighted_routing_policy {
    weight = each.value
  }
}

# Route 53's checkers sit on the Internet, so this is for a load balancer that faces it.
resource "aws_route53_health_check" "regional" {
  for_each = local.shape == "weighted" && var.health_checks ? local.regional : {}

  type              = "HTTPS"
  fqdn              = each.value
  port              = 443
  resource_path     = var.health_check_path
  request_interval  = 10
  failure_threshold = 3
  tags              = merge(var.tags, { Name = each.value })
}
