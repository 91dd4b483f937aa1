# The bot, in the control Region. One server acts at a time: it holds a lock in its database, and a second one would wait for it. So
# the old task ends before the new one starts (ecs.tf), and there is one instance (ec2.tf).
#
# An apply is Terraform under a supervisor, which outlives a bot that dies. On an instance it also outlives a restart of the bot. On Fargate
# it ends with the task: ECS kills what still runs 120 s after it asked, and the next task finds in the work folder that an
# apply was lost and asks what to do. Do not deploy while a run is under way; `drbot` has no call for ECS task
# protection.

locals {
  ecs = var.platform == "ecs" ? 1 : 0
  ec2 = var.platform == "ec2" ? 1 : 0

  kms_key_arn = var.kms_key_arn == null ? aws_kms_key.main[0].arn : var.kms_key_arn
  port        = 8080 # `listen` in drbot.yaml, which is its default

  # One secret with a JSON object, so that there is one value to put:
  #   aws secretsmanager put-secret-value --secret-id drbot --secret-string file://secrets.json
  secrets = ["DRBOT_GITHUB_TOKEN", "DRBOT_GITHUB_WEBHOOK_SECRET", "DRBOT_HASH_KEY", "DRBOT_SLACK_SIGNING_SECRET", "DRBOT_SLACK_TOKEN"]

  environment = merge(
    {
      AWS_REGION   = var.region
      DRBOT_CONFIG = "/etc/drbot/drbot.yaml"
    },
    # What is in the instance's metadata is kept from the bot (ec2.tf): it reads its credentials where they are put for it.
    local.ec2 == 1 ? { AWS_CONFIG_FILE = "/etc/drbot/aws-config", AWS_EC2_METADATA_DISABLED = "true" } : {},
    var.proxy == null ? {} : {
      HTTPS_PROXY = var.proxy
      NO_PROXY    = "169.254.169.254,169.254.170.2,localhost,127.0.0.1,${var.vpc_cidr}"
    },
  )
}

# People put the value; until then the bot does not start.
resource "aws_secretsmanager_secret" "main" {
  name                    = var.name
  description             = "JSON object: ${join(", ", local.secrets)}"
  kms_key_id              = local.kms_key_arn
  recovery_window_in_days = 30
  tags                    = var.tags
}

resource "aws_cloudwatch_log_group" "main" {
  name              = "/${var.name}/server"
  retention_in_days = var.log_retention_days
  kms_key_id        = local.kms_key_arn
  tags              = var.tags
}

resource "aws_security_group" "bot" {
  name        = "${var.name}-bot"
  description = "The bot"
  vpc_id      = var.vpc_id
  tags        = merge(var.tags, { Name = "${var.name}-bot" })
}

resource "aws_vpc_security_group_ingress_rule" "alb" {
  security_group_id            = aws_security_group.bot.id
  description                  = "Load balancer"
  referenced_security_group_id = aws_security_group.alb.id
  ip_protocol                  = "tcp"
  from_port                    = local.port
  to_port                      = local.port
  tags                         = var.tags
}

resource "aws_vpc_security_group_egress_rule" "https" {
  for_each = toset(concat([var.vpc_cidr], var.egress_cidrs))

  security_group_id = aws_security_group.bot.id
  description       = "HTTPS"
  cidr_ipv4         = each.value
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443
  tags              = var.tags
}

resource "aws_vpc_security_group_egress_rule" "proxy" {
  count = var.proxy == null ? 0 : 1

  security_group_id = aws_security_group.bot.id
  description       = "Proxy in the VPC"
  cidr_ipv4         = var.vpc_cidr
  ip_protocol       = "tcp"
  from_port         = tonumber(element(split(":", var.proxy), 2))
  to_port           = tonumber(element(split(":", var.proxy), 2))
  tags              = var.tags
}

# The image's layers and the packages of Amazon Linux, where the VPC has a gateway endpoint for S3.
data "aws_prefix_list" "s3" {
  name = "com.amazonaws.${var.region}.s3"
}

resource "aws_vpc_security_group_egress_rule" "s3" {
  security_group_id = aws_security_group.bot.id
  description       = "S3"
  prefix_list_id    = data.aws_prefix_list.s3.id
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443
  tags              = var.tags
}

# What only asks names: probes look up the service at its own name servers (internal/aws, names.servers).
resource "aws_vpc_security_group_egress_rule" "dns" {
  for_each = merge([for cidr in concat([var.vpc_cidr], var.egress_cidrs) : {
    for protocol in ["tcp", "udp"] : "${cidr}/${protocol}" => { cidr = cidr, protocol = protocol }
  }]...)

  security_group_id = aws_security_group.bot.id
  description       = "DNS"
  cidr_ipv4         = each.value.cidr
  ip_protocol       = each.value.protocol
  from_port         = 53
  to_port           = 53
  tags              = var.tags
}
