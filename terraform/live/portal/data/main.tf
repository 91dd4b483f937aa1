# Everything of the service that holds data, and the networks it lives in. It is the same whichever Region serves:
# nothing below reads active_region, not even an output, so a flip leaves no difference here. The variable is declared
# all the same, so that a missing link fails in this stack too.
#
# The first time, in this order:
#   terraform apply -target=module.secrets -target=module.network_home -target=module.network_standby
#   put a value into each secret (aws secretsmanager put-secret-value)
#   terraform apply, then change the database administrator's password
# and only then the regional stacks and traffic.

data "aws_caller_identity" "current" {}

locals {
  account_id = data.aws_caller_identity.current.account_id
  passive    = module.strategy.passive
}

module "strategy" {
  source = "../../../modules/strategy"

  strategy = var.strategy
}

module "secrets" {
  source = "../../../modules/secrets"
  providers = {
    aws.home    = aws
    aws.standby = aws.standby
  }

  name           = var.name
  account_id     = local.account_id
  home_region    = var.home_region
  standby_region = var.standby_region
  tags           = var.tags
}

module "network_home" {
  source = "../../../modules/network"

  name           = var.name
  region         = var.home_region
  cidr           = var.cidrs[var.home_region]
  zones          = var.zones[var.home_region]
  public         = !var.internal
  dx_gateway_id  = var.dx_gateway_id
  kms_key_arn    = module.secrets.key_arns[var.home_region]
  s3_bucket_arns = ["arn:aws:s3:::${var.bucket_prefix}-files-${var.home_region}"]
  tags           = var.tags
}

module "network_standby" {
  source = "../../../modules/network"
  providers = {
    aws = aws.standby
  }

  name           = var.name
  region         = var.standby_region
  cidr           = var.cidrs[var.standby_region]
  zones          = var.zones[var.standby_region]
  public         = !var.internal
  dx_gateway_id  = var.dx_gateway_id
  kms_key_arn    = module.secrets.key_arns[var.standby_region]
  s3_bucket_arns = ["arn:aws:s3:::${var.bucket_prefix}-files-${var.standby_region}"]
  tags           = var.tags
}

module "database" {
  source = "../../../modules/aurora-global"
  providers = {
    aws.home    = aws
    aws.standby = aws.standby
  }

  name           = var.name
  home_region    = var.home_region
  standby_region = var.standby_region

  home = {
    vpc_id       = module.network_home.vpc_id
    subnet_group = module.network_home.db_subnet_group_name
    client_cidrs = [module.network_home.cidr]
    kms_key_arn  = module.secrets.key_arns[var.home_region]
  }
  standby = !local.passive.database ? null : {
    vpc_id       = module.network_standby.vpc_id
    subnet_group = module.network_standby.db_subnet_group_name
    client_cidrs = [module.network_standby.cidr]
    kms_key_arn  = module.secrets.key_arns[var.standby_region]
  }

  engine_version        = var.aurora_engine_version
  database              = var.aurora_database
  master_username       = var.aurora_master_username
  bootstrap_password    = var.aurora_bootstrap_password
  instances             = var.aurora_instances
  standby_instances     = var.aurora_standby_instances
  min_acu               = var.aurora_min_acu
  standby_min_acu       = var.aurora_standby_min_acu
  max_acu               = var.aurora_max_acu
  write_forwarding      = local.passive.traffic # tasks on both sides, one writer
  backup_retention_days = var.backup_retention_days
  log_retention_days    = var.log_retention_days
  deletion_protection   = var.aurora_deletion_protection
  skip_final_snapshot   = var.aurora_skip_final_snapshot
  tags                  = var.tags
}

module "files" {
  source = "../../../modules/s3-replicated"
  providers = {
    aws.home    = aws
    aws.standby = aws.standby
  }

  name                     = var.name
  bucket_prefix            = var.bucket_prefix
  home_region              = var.home_region
  standby_region           = var.standby_region
  kms_key_arns             = module.secrets.key_arns
  replicate                = local.passive.database
  time_control             = var.files_replication_time_control
  replicate_delete_markers = var.files_replicate_delete_markers
  noncurrent_days          = var.files_noncurrent_days
  tags                     = var.tags
}

module "images" {
  source = "../../../modules/ecr"
  providers = {
    aws.home    = aws
    aws.standby = aws.standby
  }

  name            = var.name
  account_id      = local.account_id
  home_region     = var.home_region
  standby_region  = var.standby_region
  kms_key_arns    = module.secrets.key_arns
  manage_registry = var.ecr_manage_registry
  tags            = var.tags
}

module "backups" {
  source = "../../../modules/backup"
  count  = local.passive.backups ? 1 : 0
  providers = {
    aws.home    = aws
    aws.standby = aws.standby
  }

  name                 = var.name
  home_region          = var.home_region
  standby_region       = var.standby_region
  kms_key_arns         = module.secrets.key_arns
  cluster_arns         = [module.database.cluster_arns[var.home_region]]
  bucket_names         = [module.files.bucket_names[var.home_region]]
  restore_bucket_names = [module.files.bucket_names[var.standby_region]]
  schedule             = var.backup_schedule
  retention_days       = var.backup_retention_days
  tags                 = var.tags
}
