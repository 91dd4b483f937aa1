# Tokyo: everything but the data. The two regional stacks differ in this one line alone.

locals {
  region = "ap-northeast-1"
}

module "region" {
  source = "../../../modules/region"

  region         = local.region
  active_region  = var.active_region
  standby_region = var.standby_region
  strategy       = var.strategy

  name               = var.name
  bucket_prefix      = var.bucket_prefix
  zone_name          = var.zone_name
  zone_id            = var.zone_id
  certificate_arns   = var.certificate_arns
  standby_takes_over = var.standby_takes_over

  cidrs        = var.cidrs
  internal     = var.internal
  client_cidrs = var.client_cidrs

  image_tag         = var.image_tag
  container_port    = var.container_port
  health_check_path = var.health_check_path
  task_cpu          = var.task_cpu
  task_memory       = var.task_memory
  environment       = var.environment
  desired_tasks     = var.desired_tasks
  warm_tasks        = var.warm_tasks

  log_retention_days     = var.log_retention_days
  alb_access_log_buckets = var.alb_access_log_buckets
  sftp_users             = var.sftp_users
}
