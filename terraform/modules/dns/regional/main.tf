# The Region's own name, which lives and dies with the Region's load balancer. The public name points at it and never at a
# load balancer, so the traffic stack plans without one, and no stack changes a record of another's.

resource "aws_route53_record" "regional" {
  zone_id = var.zone_id
  name    = var.name
  type    = "CNAME"
  ttl     = var.ttl
  records = [var.target]

  # The name is this stack's alone. One that an interrupted apply made and did not write down must not stop the next.
  allow_overwrite = true
}
