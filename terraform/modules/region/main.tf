# One Region of the service, all but its data: what stands here follows from the strategy's table and from whether this is the
# active Region. Nothing here asks the other Region: its API need not answer.
#
# Always: certificate, ECS cluster, task family, roles, log groups. They cost nothing (or nearly so), or a failover must not make them.
# By activity: interface endpoints, load balancer with its regional name, ECS service, SFTP server. None of them holds data.

module "strategy" {
  source = "../strategy"

  strategy = var.strategy
}

locals {
  active  = var.region == var.active_region
  passive = module.strategy.passive

  endpoints = local.active || local.passive.endpoints
  alb       = local.active || local.passive.alb
  sftp      = (local.active || local.passive.sftp) && length(var.sftp_users) > 0
  tasks     = local.active ? "full" : local.passive.tasks
  desired   = { none = 0, least = var.warm_tasks, full = var.desired_tasks }[local.tasks]

  # A service needs the target group of a load balancer, so both come and go together.
  running = local.alb && local.desired > 0

  public_name   = "service-be.${var.zone_name}"
  regional_name = "${var.region}.${local.public_name}"

  account_id = data.aws_caller_identity.current.account_id
  bucket_arn = "arn:aws:s3:::${var.bucket_prefix}-files-${var.region}"
  app_secret = [for arn in data.aws_secretsmanager_secrets.app.arns : arn if can(regex(":secret:${var.name}/app-[A-Za-z0-9]{6}$", arn))]
  image      = "${local.account_id}.dkr.ecr.${var.region}.amazonaws.com/${var.name}:${var.image_tag}"
}

data "aws_caller_identity" "current" {}

# What the data stack copied here: the secrets and the key that reads them.

data "aws_kms_alias" "main" {
  name = "alias/${var.name}"
}

# Listed, not described: reading one secret by the provider's other data source also asks for its resource policy,
# which a replica need not answer. The filter is a prefix; the secret itself ends in six characters that AWS adds.
data "aws_secretsmanager_secrets" "app" {
  filter {
    name   = "name"
    values = ["${var.name}/app"]
  }
}

module "certificate" {
  source = "../certificate"

  certificate_arn = lookup(var.certificate_arns, var.region, null)
  public_name     = local.public_name
  regional_name   = local.regional_name
  zone_id         = var.zone_id
  tags            = var.tags
}

module "endpoints" {
  source = "../endpoints"
  count  = local.endpoints ? 1 : 0

  name       = var.name
  region     = var.region
  vpc_id     = local.network.vpc_id
  subnet_ids = local.network.private_subnet_ids
  cidr       = local.cidr
  exec       = var.exec
  tags       = var.tags
}

module "alb" {
  source = "../alb"
  count  = local.alb ? 1 : 0

  name              = var.name
  vpc_id            = local.network.vpc_id
  cidr              = local.cidr
  subnet_ids        = var.internal ? local.network.private_subnet_ids : local.network.public_subnet_ids
  internal          = var.internal
  client_cidrs      = var.client_cidrs
  certificate_arn   = module.certificate.arn
  health_check_path = var.health_check_path
  container_port    = var.container_port
  access_log_bucket = lookup(var.alb_access_log_buckets, var.region, null)
  tags              = var.tags
}

module "regional_name" {
  source = "../dns/regional"
  count  = local.alb ? 1 : 0

  zone_id = var.zone_id
  name    = local.regional_name
  target  = module.alb[0].dns_name
}

module "service" {
  source = "../ecs-service"

  name               = var.name
  region             = var.region
  account_id         = local.account_id
  running            = local.running
  desired            = local.desired
  vpc_id             = local.network.vpc_id
  cidr               = local.cidr
  subnet_ids         = local.network.private_subnet_ids
  image              = local.image
  cpu                = var.task_cpu
  memory             = var.task_memory
  container_port     = var.container_port
  environment        = var.environment
  secret_arns        = { APP_SETTINGS = local.app_secret[0] } # missing: apply the data stack first
  kms_key_arn        = data.aws_kms_alias.main.target_key_arn
  bucket_arn         = local.bucket_arn
  bucket_key_arns    = [data.aws_kms_alias.main.target_key_arn]
  database_user      = replace("${var.name}_app", "-", "_")
  log_retention_days = var.log_retention_days
  exec               = var.exec
  tags               = var.tags

  alb_security_group_id = local.alb ? module.alb[0].security_group_id : null
  target_group_arn      = local.alb ? module.alb[0].target_group_arn : null
  wait_for              = module.endpoints[*].ids
}

module "sftp" {
  source = "../sftp"

  name                 = var.name
  region               = var.region
  account_id           = local.account_id
  enabled              = local.sftp
  vpc_id               = local.network.vpc_id
  subnet_ids           = local.network.private_subnet_ids
  client_cidrs         = distinct(concat([local.cidr], var.client_cidrs))
  host_key_secret_name = "${var.name}/sftp-host-key"
  bucket_arn           = local.bucket_arn
  bucket_key_arns      = [data.aws_kms_alias.main.target_key_arn]
  users                = var.sftp_users
  kms_key_arn          = data.aws_kms_alias.main.target_key_arn
  log_retention_days   = var.log_retention_days
  tags                 = var.tags
}

# The switch is in the standby Region alone, which has to work when home does not.
module "takeover" {
  source = "../dns/takeover"
  count  = var.standby_takes_over && var.region == var.standby_region ? 1 : 0

  name = var.name
  tags = var.tags
}
