# The SFTP server of one Region, with private addresses in the VPC, and its users, whose homes are prefixes of the Region's
# files bucket. A server costs by the hour even when stopped, so it stands only where the strategy says so;
# it keeps nothing itself. Roles and the log group stand always.

resource "aws_transfer_server" "main" {
  count = var.enabled ? 1 : 0

  domain                      = "S3"
  protocols                   = ["SFTP"]
  identity_provider_type      = "SERVICE_MANAGED"
  endpoint_type               = "VPC"
  security_policy_name        = "TransferSecurityPolicy-2025-03"
  structured_log_destinations = ["${aws_cloudwatch_log_group.sftp.arn}:*"]
  tags                        = merge(var.tags, { Name = var.name })

  # Both Regions present the same key: clients refuse a server whose key has changed.
  # The exception from "no secret in Terraform's state": hashicorp/aws 5 takes a host key no other way.
  host_key = one(data.aws_secretsmanager_secret_version.host_key[*].secret_string)

  endpoint_details {
    vpc_id             = var.vpc_id
    subnet_ids         = var.subnet_ids
    security_group_ids = [aws_security_group.sftp[0].id]
  }
}

# Read in the server's own Region and only where a server stands. People put the value; without one the plan fails,
# which is before anybody approves.
data "aws_secretsmanager_secret_version" "host_key" {
  count = var.enabled && var.host_key_secret_name != null ? 1 : 0

  secret_id = var.host_key_secret_name
}

resource "aws_transfer_user" "main" {
  for_each = local.users

  server_id           = aws_transfer_server.main[0].id
  user_name           = each.key
  role                = aws_iam_role.user.arn
  policy              = local.session_policies[each.key]
  home_directory_type = "LOGICAL" # a user sees the home as / and nothing above it
  tags                = var.tags

  home_directory_mappings {
    entry  = "/"
    target = "/${local.bucket}/${each.value.home}"
  }
}

resource "aws_transfer_ssh_key" "main" {
  for_each = {
    for key in flatten([
      for name, user in local.users : [for body in user.public_keys : { user = name, body = body }]
    ]) : "${key.user}/${substr(sha256(key.body), 0, 8)}" => key
  }

  server_id = aws_transfer_server.main[0].id
  user_name = aws_transfer_user.main[each.value.user].user_name
  body      = each.value.body
}

resource "aws_security_group" "sftp" {
  count = var.enabled ? 1 : 0

  name        = "${var.name}-sftp"
  description = "SFTP of ${var.name}"
  vpc_id      = var.vpc_id
  tags        = merge(var.tags, { Name = "${var.name}-sftp" })
}

resource "aws_vpc_security_group_ingress_rule" "clients" {
  for_each = toset(var.enabled ? var.client_cidrs : [])

  security_group_id = aws_security_group.sftp[0].id
  description       = "SFTP from clients"
  cidr_ipv4         = each.value
  ip_protocol       = "tcp"
  from_port         = 22
  to_port           = 22
  tags              = var.tags
}

resource "aws_cloudwatch_log_group" "sftp" {
  name              = "/${var.name}/sftp"
  retention_in_days = var.log_retention_days
  kms_key_id        = var.kms_key_arn
  tags              = var.tags
}
