# The task family. Terraform registers a revision when something here changes; a deploy pipeline registers more, in
# both Regions. The service runs the newest ACTIVE revision of the family in its own Region, whoever registered it, so a failover never
# brings an old image back. What follows:
#   - a change here takes `image` with it: set image_tag to what runs before changing the task's shape. The same goes for
#     deregistering Terraform's own revision: the provider takes it for gone and registers another;
#   - a revision that the circuit breaker rolled back shows as a difference until it is deregistered or followed by a good one.

locals {
  container = "app"
}

resource "aws_ecs_task_definition" "app" {
  family                   = var.name
  requires_compatibilities = ["FARGATE"]
  network_mode             = "awsvpc"
  cpu                      = var.cpu
  memory                   = var.memory
  execution_role_arn       = aws_iam_role.execution.arn
  task_role_arn            = aws_iam_role.task.arn
  skip_destroy             = true # an old revision stays ACTIVE, for a rollback
  tags                     = var.tags

  runtime_platform {
    operating_system_family = "LINUX"
    cpu_architecture        = "X86_64"
  }

  volume {
    name = "tmp"
  }

  # Every list that ECS would add stands here empty, else the plan shows it as a difference.
  container_definitions = jsonencode([{
    name                   = local.container
    image                  = var.image
    essential              = true
    readonlyRootFilesystem = true # all but /tmp
    environment            = [for key in sort(keys(var.environment)) : { name = key, value = var.environment[key] }]
    secrets                = [for key in sort(keys(var.secret_arns)) : { name = key, valueFrom = var.secret_arns[key] }]
    mountPoints            = [{ sourceVolume = "tmp", containerPath = "/tmp", readOnly = false }]
    volumesFrom            = []
    systemControls         = []
    portMappings = [{
      containerPort = var.container_port
      hostPort      = var.container_port
      protocol      = "tcp"
    }]
    logConfiguration = {
      logDriver = "awslogs"
      options = {
        awslogs-group         = aws_cloudwatch_log_group.app.name
        awslogs-region        = var.region
        awslogs-stream-prefix = "app"
      }
    }
  }])
}

# Asked by family, ECS answers with the newest ACTIVE revision (API reference, DescribeTaskDefinition). It is read while
# planning unless a revision is about to be registered, so a flip's plan names the revision that will run.
data "aws_ecs_task_definition" "newest" {
  task_definition = var.name
  depends_on      = [aws_ecs_task_definition.app]
}
