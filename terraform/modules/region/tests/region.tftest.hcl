mock_provider "aws" {
  mock_data "aws_caller_identity" {
    defaults = { account_id = "123456789012" }
  }
  mock_data "aws_kms_alias" {
    defaults = { target_key_arn = "arn:aws:kms:ap-northeast-1:123456789012:key/mrk-1" }
  }
  mock_data "aws_secretsmanager_secrets" {
    defaults = {
      arns = [
        "arn:aws:secretsmanager:ap-northeast-1:123456789012:secret:portal/app-old-GhIjKl",
        "arn:aws:secretsmanager:ap-northeast-1:123456789012:secret:portal/app-AbCdEf",
      ]
    }
  }
  mock_data "aws_vpc" {
    defaults = { id = "vpc-1" }
  }
  mock_data "aws_subnets" {
    defaults = { ids = ["subnet-1", "subnet-2"] }
  }
  mock_data "aws_ecs_task_definition" {
    defaults = { arn = "arn:aws:ecs:ap-northeast-1:123456789012:task-definition/portal:1" }
  }
  mock_resource "aws_iam_role" {
    defaults = { arn = "arn:aws:iam::123456789012:role/mock" }
  }
  mock_resource "aws_cloudwatch_log_group" {
    defaults = { arn = "arn:aws:logs:ap-northeast-1:123456789012:log-group:mock" }
  }
  mock_resource "aws_lb" {
    defaults = { arn = "arn:aws:elasticloadbalancing:ap-northeast-1:123456789012:loadbalancer/app/portal/1" }
  }
  mock_resource "aws_lb_target_group" {
    defaults = { arn = "arn:aws:elasticloadbalancing:ap-northeast-1:123456789012:targetgroup/portal/1" }
  }
  mock_resource "aws_transfer_server" {
    defaults = { id = "s-01234567890abcdef" }
  }
}

variables {
  region         = "ap-northeast-1"
  active_region  = "ap-northeast-2"
  standby_region = "ap-northeast-1"
  strategy       = "pilot-light"
  name           = "portal"
  bucket_prefix  = "acme"
  zone_name      = "acme.example"
  zone_id        = "Z1"
  certificate_arns = {
    ap-northeast-2 = "arn:aws:acm:ap-northeast-2:123456789012:certificate/1"
    ap-northeast-1 = "arn:aws:acm:ap-northeast-1:123456789012:certificate/1"
  }
  cidrs         = { ap-northeast-2 = "10.20.0.0/16", ap-northeast-1 = "10.21.0.0/16" }
  client_cidrs  = ["10.0.0.0/16"]
  image_tag     = "1"
  desired_tasks = 2
  warm_tasks    = 1
  sftp_users    = { partner = { public_keys = ["ssh-ed25519 AAAA"], home = "partner" } }
}

# The passive standby, by strategy

run "backup_restore_passive" {
  variables {
    strategy = "backup-restore"
  }

  assert {
    condition     = output.stands == { endpoints = false, alb = false, tasks = 0, sftp = false }
    error_message = "stands: ${jsonencode(output.stands)}"
  }
  assert {
    condition     = length(data.aws_vpc.main) == 0
    error_message = "A network is looked for that nothing needs."
  }
  assert {
    condition     = output.task_definition_arn != null && length(module.certificate) > 0
    error_message = "What costs nothing does not stand."
  }
}

run "pilot_light_passive" {
  assert {
    condition     = output.stands == { endpoints = false, alb = false, tasks = 0, sftp = false }
    error_message = "stands: ${jsonencode(output.stands)}"
  }
  assert {
    condition     = output.regional_name == null && output.alb_arn == null && output.sftp_server_id == null
    error_message = "Something stands that costs by the hour."
  }
}

run "warm_standby_passive" {
  variables {
    strategy = "warm-standby"
  }

  assert {
    condition     = output.stands == { endpoints = true, alb = true, tasks = 1, sftp = true }
    error_message = "stands: ${jsonencode(output.stands)}"
  }
}

run "active_active_passive" {
  variables {
    strategy = "active-active"
  }

  assert {
    condition     = output.stands == { endpoints = true, alb = true, tasks = 2, sftp = true }
    error_message = "stands: ${jsonencode(output.stands)}"
  }
}

# The active standby: everything, in every strategy

run "backup_restore_active" {
  variables {
    strategy      = "backup-restore"
    active_region = "ap-northeast-1"
  }

  assert {
    condition     = output.stands == { endpoints = true, alb = true, tasks = 2, sftp = true }
    error_message = "stands: ${jsonencode(output.stands)}"
  }
}

run "pilot_light_active" {
  variables {
    active_region = "ap-northeast-1"
  }

  assert {
    condition     = output.stands == { endpoints = true, alb = true, tasks = 2, sftp = true }
    error_message = "stands: ${jsonencode(output.stands)}"
  }
  assert {
    condition     = length(data.aws_vpc.main) == 1
    error_message = "The network of the data stack is not looked for."
  }
  assert {
    condition     = length(module.takeover) == 0
    error_message = "An alarm that nobody asked for."
  }
}

# Home, passive after a failover, is as the standby was

run "backup_restore_home_passive" {
  variables {
    strategy       = "backup-restore"
    region         = "ap-northeast-2"
    active_region  = "ap-northeast-1"
    standby_region = "ap-northeast-1"
  }

  assert {
    condition     = output.stands == { endpoints = false, alb = false, tasks = 0, sftp = false }
    error_message = "stands: ${jsonencode(output.stands)}"
  }
}

run "public" {
  variables {
    active_region = "ap-northeast-1"
    internal      = false
  }

  assert {
    condition     = length(data.aws_subnets.public) == 1 && data.aws_subnets.public[0].tags["Tier"] == "public"
    error_message = "An Internet-facing load balancer has no public subnets."
  }
}

run "without_sftp_users" {
  variables {
    active_region = "ap-northeast-1"
    sftp_users    = {}
  }

  assert {
    condition     = !output.stands.sftp && output.sftp_server_id == null
    error_message = "A server for nobody."
  }
}

run "takeover" {
  variables {
    strategy           = "warm-standby"
    standby_takes_over = true
  }

  assert {
    condition     = module.takeover[0].alarm_name == "portal-standby-takes-over"
    error_message = "The standby has no switch."
  }
}

run "takeover_not_at_home" {
  variables {
    region             = "ap-northeast-2"
    strategy           = "warm-standby"
    standby_takes_over = true
  }

  assert {
    condition     = length(module.takeover) == 0
    error_message = "The switch is in the Region that may be gone."
  }
}

# Refusals

run "refuses_an_unknown_region" {
  command = plan

  variables {
    region        = "us-east-1"
    active_region = "us-east-1"
  }

  expect_failures = [var.region, var.active_region]
}

run "refuses_an_unknown_strategy" {
  command = plan

  variables {
    strategy = "hot-standby"
  }

  expect_failures = [var.strategy]
}

run "refuses_no_tasks" {
  command = plan

  variables {
    desired_tasks = 0
    warm_tasks    = 0
  }

  expect_failures = [var.desired_tasks, var.warm_tasks]
}
