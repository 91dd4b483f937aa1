# The ALB's certificate, in the ALB's own Region: ACM certificates do not leave theirs. It costs nothing and
# stands in both Regions always, as issuing one takes minutes and its renewal needs the record below for good.
#
# Both names in both Regions: the public name moves, and the regional one is asked by probes.

locals {
  names = [var.public_name, var.regional_name]
  make  = var.certificate_arn == null
}

resource "aws_acm_certificate" "main" {
  count = local.make ? 1 : 0

  domain_name               = local.names[0]
  subject_alternative_names = slice(local.names, 1, length(local.names))
  validation_method         = "DNS"
  tags                      = var.tags

  lifecycle {
    create_before_destroy = true # a listener holds it
  }
}

# ACM makes this record out of account and name, so both Regions' certificates want the very same one for the
# public name (ACM FAQ, "DNS validation"). Whoever comes second writes it once more; no flip removes it.
resource "aws_route53_record" "validation" {
  for_each = toset([for name in local.names : name if local.make])

  zone_id         = var.zone_id
  name            = local.options[each.key].resource_record_name
  type            = local.options[each.key].resource_record_type
  records         = [local.options[each.key].resource_record_value]
  ttl             = 300
  allow_overwrite = true
}

locals {
  options = {
    for option in flatten(aws_acm_certificate.main[*].domain_validation_options) : option.domain_name => option
  }
}

resource "aws_acm_certificate_validation" "main" {
  count = local.make ? 1 : 0

  certificate_arn         = aws_acm_certificate.main[0].arn
  validation_record_fqdns = [for record in aws_route53_record.validation : record.fqdn]
}
