mock_provider "aws" {
  mock_resource "aws_iam_role" {
    defaults = { arn = "arn:aws:iam::123456789012:role/mock" }
  }
  mock_data "aws_ecs_task_definition" {
    defaults = { arn = "arn:aws:ecs:ap-northeast-2:123456789012:task-definition/portal:7" }
  }
}

variables {
  name             = "portal"
  region           = "ap-northeast-2"
  account_id       = "123456789012"
  running          = true
  desired          = 2
  vpc_id           = "vpc-1"
  cidr             = "10.20.0.0/16"
  subnet_ids       = ["subnet-1", "subnet-2"]
  target_group_arn = "arn:aws:elasticloadbalancing:ap-northeast-2:123456789012:targetgroup/portal/1"
  image            = "123456789012.dkr.ecr.ap-northeast-2.amazonaws.com/portal:1"
  secret_arns      = { APP_SETTINGS = "arn:aws:secretsmanager:ap-northeast-2:123456789012:secret:portal/app-AbCdEf" }
  kms_key_arn      = "arn:aws:kms:ap-northeast-2:123456789012:key/mrk-1"
  bucket_arn       = "arn:aws:s3:::acme-files-ap-northeast-2"
  bucket_key_arns  = ["arn:aws:kms:ap-northeast-2:123456789012:key/1"]
  database_user    = "portal_app"

  alb_security_group_id = "sg-alb"
}

run "running" {
  assert {
    condition     = aws_ecs_service.main[0].desired_count == 2 && aws_ecs_service.main[0].name == "portal"
    error_message = "The service does not want its tasks."
  }
  assert {
    condition     = aws_ecs_service.main[0].task_definition == "arn:aws:ecs:ap-northeast-2:123456789012:task-definition/portal:7"
    error_message = "The service does not run the newest revision: ${aws_ecs_service.main[0].task_definition}"
  }
  assert {
    condition     = aws_ecs_service.main[0].deployment_circuit_breaker[0].enable && aws_ecs_service.main[0].deployment_circuit_breaker[0].rollback
    error_message = "No circuit breaker."
  }
  assert {
    condition     = !aws_ecs_service.main[0].wait_for_steady_state && !aws_ecs_service.main[0].network_configuration[0].assign_public_ip
    error_message = "It waits for what the bot gates, or has public addresses."
  }
  assert {
    condition     = aws_vpc_security_group_ingress_rule.alb[0].referenced_security_group_id == "sg-alb" && aws_vpc_security_group_ingress_rule.alb[0].cidr_ipv4 == null
    error_message = "More than the load balancer reaches the tasks."
  }
  assert {
    condition     = alltrue([for r in aws_vpc_security_group_egress_rule.vpc : r.cidr_ipv4 == "10.20.0.0/16"])
    error_message = "Tasks reach more than the VPC and S3."
  }
  assert {
    condition     = jsondecode(aws_ecs_task_definition.app.container_definitions)[0].secrets[0].valueFrom == var.secret_arns["APP_SETTINGS"] && jsondecode(aws_ecs_task_definition.app.container_definitions)[0].readonlyRootFilesystem
    error_message = "Secrets come another way, or the container can change itself."
  }
}

run "not_running" {
  variables {
    running = false
  }

  assert {
    condition     = length(aws_ecs_service.main) == 0 && length(aws_security_group.tasks) == 0
    error_message = "The service stands."
  }
  assert {
    condition     = aws_ecs_cluster.main.name == "portal" && aws_cloudwatch_log_group.app.name == "/portal/app" && aws_ecs_task_definition.app.family == "portal"
    error_message = "What costs nothing does not stand."
  }
  assert {
    condition     = aws_iam_role.task.name == "portal-ap-northeast-2-task" && aws_iam_role.execution.name == "portal-ap-northeast-2-execution"
    error_message = "A failover would have to make roles."
  }
}

run "policies" {
  variables {
    exec = true
  }

  # Where AWS knows no resource the single actions are named.
  assert {
    condition = alltrue([
      for s in concat(jsondecode(aws_iam_role_policy.task.policy).Statement, jsondecode(aws_iam_role_policy.execution.policy).Statement) :
      length([for action in flatten([s.Action]) : action if can(regex("[*]", action))]) == 0
    ])
    error_message = "An action is a wildcard."
  }
  assert {
    condition = toset([
      for s in concat(jsondecode(aws_iam_role_policy.task.policy).Statement, jsondecode(aws_iam_role_policy.execution.policy).Statement) :
      s.Sid if contains(flatten([s.Resource]), "*")
    ]) == toset(["Exec", "SignInToRegistry"])
    error_message = "A resource is a wildcard without need."
  }
}

run "refuses_bad_input" {
  command = plan

  variables {
    region     = "Tokyo"
    account_id = "acme"
    desired    = -1
  }

  expect_failures = [var.region, var.account_id, var.desired]
}
