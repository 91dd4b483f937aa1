# An Aurora global database. Which member writes is decided by RDS (drbot promotes), never by Terraform: the provider
# has no way to promote, and this module shows no difference after it was done.
#
# After SwitchoverGlobalCluster or FailoverGlobalCluster the members stay what they were by name; replication_source,
# and what the global cluster lists of its members, change sides. All of it is computed or ignored here and in member/.

locals {
  engine = "aurora-mysql"
  family = "aurora-mysql8.0"
}

resource "aws_rds_global_cluster" "main" {
  provider = aws.home

  global_cluster_identifier = var.name
  engine                    = local.engine
  engine_version            = var.engine_version
  storage_encrypted         = true
  deletion_protection       = var.deletion_protection

  lifecycle {
    prevent_destroy = true

    # RDS may report the first member's, and a difference from nothing would replace the global cluster.
    ignore_changes = [database_name]
  }
}

module "home" {
  source = "./member"
  providers = {
    aws = aws.home
  }

  name              = var.name
  region            = var.home_region
  global_cluster_id = aws_rds_global_cluster.main.id

  database        = var.database
  master_username = var.master_username
  master_password = var.bootstrap_password

  vpc_id       = var.home.vpc_id
  subnet_group = var.home.subnet_group
  client_cidrs = var.home.client_cidrs
  kms_key_arn  = var.home.kms_key_arn
  instances    = var.instances
  min_acu      = var.min_acu

  engine                = local.engine
  engine_version        = var.engine_version
  family                = local.family
  max_acu               = var.max_acu
  cluster_parameters    = var.cluster_parameters
  instance_parameters   = var.instance_parameters
  write_forwarding      = var.write_forwarding
  backup_retention_days = var.backup_retention_days
  log_retention_days    = var.log_retention_days
  deletion_protection   = var.deletion_protection
  skip_final_snapshot   = var.skip_final_snapshot
  tags                  = var.tags
}

module "standby" {
  source = "./member"
  count  = var.standby == null ? 0 : 1
  providers = {
    aws = aws.standby
  }

  name              = var.name
  region            = var.standby_region
  global_cluster_id = module.home.global_cluster_id
  source_region     = var.home_region

  vpc_id       = var.standby.vpc_id
  subnet_group = var.standby.subnet_group
  client_cidrs = var.standby.client_cidrs
  kms_key_arn  = var.standby.kms_key_arn
  instances    = var.headless_standby ? 0 : var.standby_instances
  min_acu      = var.standby_min_acu

  engine                = local.engine
  engine_version        = var.engine_version
  family                = local.family
  max_acu               = var.max_acu
  cluster_parameters    = var.cluster_parameters
  instance_parameters   = var.instance_parameters
  write_forwarding      = var.write_forwarding
  backup_retention_days = var.backup_retention_days
  log_retention_days    = var.log_retention_days
  deletion_protection   = var.deletion_protection
  skip_final_snapshot   = var.skip_final_snapshot
  tags                  = var.tags
}
