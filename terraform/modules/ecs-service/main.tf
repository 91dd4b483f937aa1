# The application on Fargate. What costs nothing stands always and in both Regions: cluster, task family, log group
# and roles. The service itself stands only with its target group (`running`).

resource "aws_ecs_cluster" "main" {
  name = var.name
  tags = var.tags

  setting {
    name  = "containerInsights"
    value = var.container_insights ? "enabled" : "disabled"
  }
}

resource "aws_cloudwatch_log_group" "app" {
  name              = "/${var.name}/app"
  retention_in_days = var.log_retention_days
  kms_key_id        = var.kms_key_arn
  tags              = var.tags
}

resource "aws_ecs_service" "main" {
  count = var.running ? 1 : 0

  name            = var.name
  cluster         = aws_ecs_cluster.main.arn
  task_definition = data.aws_ecs_task_definition.newest.arn
  launch_type     = "FARGATE"

  # Not ignored: the bot scales the source of a planned run to zero before the writer moves, and the apply of that
  # stack afterwards sets what Git says for it (the least, or full where both Regions serve) or removes the service.
  desired_count = var.desired

  enable_execute_command             = var.exec
  enable_ecs_managed_tags            = true
  propagate_tags                     = "SERVICE"
  health_check_grace_period_seconds  = 60
  deployment_minimum_healthy_percent = 100
  deployment_maximum_percent         = 200

  # The bot counts running tasks and healthy targets itself, with a limit of its own. An apply that waits as well would hold
  # the state lock for as long as the tasks need and fail for what the bot would report.
  wait_for_steady_state = false

  deployment_circuit_breaker {
    enable   = true
    rollback = true
  }

  load_balancer {
    target_group_arn = var.target_group_arn
    container_name   = local.container
    container_port   = var.container_port
  }

  network_configuration {
    subnets          = var.subnet_ids
    security_groups  = [aws_security_group.tasks[0].id]
    assign_public_ip = false
  }

  tags = var.tags

  # Tasks that start before these stand fail to pull their image, and the circuit breaker gives up on the service.
  depends_on = [
    var.wait_for,
    aws_iam_role_policy.execution,
    aws_iam_role_policy.task,
    aws_vpc_security_group_ingress_rule.alb,
    aws_vpc_security_group_egress_rule.vpc,
    aws_vpc_security_group_egress_rule.s3,
  ]
}
