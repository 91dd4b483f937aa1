# What drbot may do in AWS for one service: three roles in each Region, made long before a failover, since IAM's control plane
# is in us-east-1. docs/iam.md says of every action why it is there; a test keeps both equal.
#
#   read     checks, plans, drift. It reads both Regions, because the data stack's plan does.
#   apply    what a flip of active_region changes in its own Region, and the two names in Route 53. Nothing that holds data.
#   promote  moving the writer, and the number of tasks.
#
# What a flip never does is in none of them: creating the stacks for the first time, changing them otherwise, anything of the
# data stack. That is done by people with rights of their own.

locals {
  regions = [var.home_region, var.standby_region]

  ids = { for region in local.regions : region => "${region}:${var.account_id}" }

  roles = merge([for region in local.regions : {
    for purpose in ["read", "apply", "promote"] : "${purpose}-${region}" => { purpose = purpose, region = region }
  }]...)

  # drbot names its sessions; a role that is assumed for another purpose than its own was assumed by something else.
  sessions = {
    read      = ["drbot-read", "drbot-plan"]
    apply     = ["drbot-apply", "drbot-look"] # to look is to plan as the apply will, narrowed to reads
    promote   = ["drbot-promote"]
    terraform = ["drbot-plan", "drbot-apply", "drbot-look"]
  }

  trusts = { for purpose, names in local.sessions : purpose => jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { AWS = var.bot_role_arn }
      Action    = "sts:AssumeRole"
      Condition = { StringEquals = { "sts:RoleSessionName" = names } }
    }]
  }) }

  statements = { apply = local.apply, sftp = local.sftp }

  applying = merge(
    { for region in local.regions : "apply-${region}" => { part = "apply", region = region } },
    { for region in local.regions : "sftp-${region}" => { part = "sftp", region = region } },
  )
}

resource "aws_iam_role" "main" {
  for_each = local.roles

  name               = "${var.prefix}-${each.key}"
  description        = "drbot, ${each.value.purpose} of ${var.service} in ${each.value.region}"
  assume_role_policy = local.trusts[each.value.purpose]
  tags               = var.tags
}

# Policies of their own and not inside the roles: the roles to apply read as well, and a role's inline policies may
# have 10,240 characters in all ("IAM and AWS STS quotas").
resource "aws_iam_policy" "read" {
  for_each = local.read

  name   = "${var.prefix}-read-${each.key}"
  policy = jsonencode({ Version = "2012-10-17", Statement = each.value })
  tags   = var.tags
}

resource "aws_iam_policy" "apply" {
  for_each = local.applying

  name   = "${var.prefix}-${each.key}"
  policy = jsonencode({ Version = "2012-10-17", Statement = local.statements[each.value.part][each.value.region] })
  tags   = var.tags
}

resource "aws_iam_role_policy_attachment" "read" {
  for_each = merge([for key, role in local.roles : {
    for part in keys(local.read) : "${key}/${part}" => { role = key, part = part } if role.purpose != "promote"
  }]...)

  role       = aws_iam_role.main[each.value.role].name
  policy_arn = aws_iam_policy.read[each.value.part].arn
}

resource "aws_iam_role_policy_attachment" "apply" {
  for_each = local.applying

  role       = aws_iam_role.main["apply-${each.value.region}"].name
  policy_arn = aws_iam_policy.apply[each.key].arn
}

resource "aws_iam_role_policy" "promote" {
  for_each = toset(local.regions)

  name   = "promote"
  role   = aws_iam_role.main["promote-${each.value}"].name
  policy = jsonencode({ Version = "2012-10-17", Statement = local.promote[each.value] })
}

# The sum of the roles to read and to apply. See the variable.
resource "aws_iam_role" "terraform" {
  count = var.one_terraform_role ? 1 : 0

  name               = "${var.prefix}-terraform"
  description        = "drbot, Terraform of ${var.service} in both Regions"
  assume_role_policy = local.trusts["terraform"]
  tags               = var.tags
}

resource "aws_iam_role_policy_attachment" "terraform" {
  for_each = var.one_terraform_role ? merge(
    { for key in keys(local.read) : "read/${key}" => aws_iam_policy.read[key].arn },
    { for key in keys(local.applying) : "apply/${key}" => aws_iam_policy.apply[key].arn },
  ) : {}

  role       = aws_iam_role.terraform[0].name
  policy_arn = each.value
}
