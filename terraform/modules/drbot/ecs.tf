# platform = "ecs". Set in drbot.yaml: state.database need not be (DRBOT_DATABASE_URL goes before it), timing.drain: 100s (Fargate
# waits no longer than 120 s, the default of 30 minutes is for an instance). The address of the task's own credentials is in the bot's
# environment alone, and nobody guesses it: it is not to be among terraform.pass_env, and drbot refuses it there. The wall around Terraform is
# Landlock here: on EFS, through its access point, everybody is one user, so that drbot finds that other users keep nothing and goes on without.
# Whether Fargate's kernel has Landlock was not tried: drbot says at its start, and wants terraform.isolation: none written where there is none.
#
# The command line is not for here: the kernel tells the bot who calls, and in a container everybody is the same user.

resource "aws_ecs_cluster" "main" {
  count = local.ecs

  name = var.name
  tags = var.tags

  setting {
    name  = "containerInsights"
    value = "enabled"
  }
}

resource "aws_ecs_service" "main" {
  count = local.ecs

  name                   = var.name
  cluster                = aws_ecs_cluster.main[0].arn
  task_definition        = aws_ecs_task_definition.main[0].arn
  launch_type            = "FARGATE"
  platform_version       = "1.4.0"
  propagate_tags         = "SERVICE"
  desired_count          = 1
  enable_execute_command = false

  # One at a time: the old task ends before the new one starts. A second would only wait for the first one's lock, not be
  # healthy, and hold the deployment up.
  deployment_minimum_healthy_percent = 0
  deployment_maximum_percent         = 100
  health_check_grace_period_seconds  = 60

  load_balancer {
    target_group_arn = aws_lb_target_group.main.arn
    container_name   = "drbot"
    container_port   = local.port
  }

  network_configuration {
    subnets          = var.subnet_ids
    security_groups  = [aws_security_group.bot.id]
    assign_public_ip = false
  }

  tags = var.tags

  depends_on = [
    aws_lb_listener_rule.bot,
    aws_iam_role_policy.execution,
    aws_iam_role_policy.bot,
    aws_efs_mount_target.work,
    aws_vpc_security_group_ingress_rule.alb,
    aws_vpc_security_group_egress_rule.https,
    aws_vpc_security_group_egress_rule.s3,
  ]
}

locals {
  # ECS mounts no text as a file, so a container of the same image writes those that drbot reads and ends. What it mounts
  # belongs to root at first; 10001 is the user of the image (Dockerfile).
  write_files = <<-EOT
    set -eu
    printf %s "$DRBOT_YAML" > /etc/drbot/drbot.yaml
    printf %s "$DATABASE_CA" > /etc/drbot/rds-ca.pem
    chown 10001 /run/drbot
    chmod 1777 /tmp
  EOT

  mounts = {
    config = "/etc/drbot"
    socket = "/run/drbot"
    tmp    = "/tmp"
  }

  log_configuration = {
    logDriver = "awslogs"
    options = {
      awslogs-group         = aws_cloudwatch_log_group.main.name
      awslogs-region        = var.region
      awslogs-stream-prefix = "ecs"
    }
  }
}

resource "aws_ecs_task_definition" "main" {
  count = local.ecs

  family                   = var.name
  requires_compatibilities = ["FARGATE"]
  network_mode             = "awsvpc"
  cpu                      = var.cpu
  memory                   = var.memory
  execution_role_arn       = aws_iam_role.execution[0].arn
  task_role_arn            = aws_iam_role.bot.arn
  tags                     = var.tags

  runtime_platform {
    operating_system_family = "LINUX"
    cpu_architecture        = "X86_64"
  }

  dynamic "volume" {
    for_each = local.mounts

    content {
      name = volume.key
    }
  }

  volume {
    name = "work"

    efs_volume_configuration {
      file_system_id     = aws_efs_file_system.work[0].id
      transit_encryption = "ENABLED"

      authorization_config {
        access_point_id = aws_efs_access_point.work[0].id
        iam             = "ENABLED"
      }
    }
  }

  # Every list that ECS would add stands here empty, else the plan shows it as a difference.
  container_definitions = jsonencode([
    {
      name                   = "files"
      image                  = var.image
      essential              = false
      user                   = "0"
      readonlyRootFilesystem = true
      entryPoint             = ["/bin/sh", "-c"]
      command                = [local.write_files]
      environment            = [{ name = "DATABASE_CA", value = local.database_ca == null ? "" : local.database_ca }, { name = "DRBOT_YAML", value = var.config }]
      mountPoints            = [for volume, path in local.mounts : { sourceVolume = volume, containerPath = path, readOnly = false }]
      portMappings           = []
      volumesFrom            = []
      systemControls         = []
      logConfiguration       = local.log_configuration
    },
    {
      name                   = "drbot"
      image                  = var.image
      essential              = true
      user                   = "10001"
      readonlyRootFilesystem = true
      stopTimeout            = 120 # the most Fargate gives
      dependsOn              = [{ containerName = "files", condition = "SUCCESS" }]
      environment            = [for key, value in merge(local.environment, local.database_environment) : { name = key, value = value }]
      mountPoints = concat(
        [for volume, path in local.mounts : { sourceVolume = volume, containerPath = path, readOnly = volume == "config" }],
        [{ sourceVolume = "work", containerPath = "/var/lib/drbot", readOnly = false }],
      )
      secrets = concat(
        [for key in local.secrets : { name = key, valueFrom = "${aws_secretsmanager_secret.main.arn}:${key}::" }],
        [local.database_secret],
      )
      portMappings     = [{ containerPort = local.port, hostPort = local.port, protocol = "tcp" }]
      volumesFrom      = []
      systemControls   = []
      linuxParameters  = { initProcessEnabled = true } # reaps what Terraform leaves
      logConfiguration = local.log_configuration
    },
  ])
}

# The work folder: checkouts, and the folders of applies, by which the next task finds an apply that ended with the last one. So it must
# outlive the task. NFS is fine for it (not for SQLite, which drbot refuses there).

resource "aws_efs_file_system" "work" {
  count = local.ecs

  encrypted       = true
  kms_key_id      = local.kms_key_arn
  throughput_mode = "elastic"
  tags            = merge(var.tags, { Name = "${var.name}-work" })

  lifecycle {
    prevent_destroy = true
  }
}

resource "aws_efs_access_point" "work" {
  count = local.ecs

  file_system_id = aws_efs_file_system.work[0].id
  tags           = merge(var.tags, { Name = "${var.name}-work" })

  posix_user {
    uid = 10001
    gid = 10001
  }

  root_directory {
    path = "/drbot"

    creation_info {
      owner_uid   = 10001
      owner_gid   = 10001
      permissions = "0700"
    }
  }
}

resource "aws_efs_mount_target" "work" {
  count = local.ecs == 1 ? length(var.subnet_ids) : 0

  file_system_id  = aws_efs_file_system.work[0].id
  subnet_id       = var.subnet_ids[count.index]
  security_groups = [aws_security_group.work[0].id]
}

resource "aws_security_group" "work" {
  count = local.ecs

  name        = "${var.name}-work"
  description = "Work folder of the bot"
  vpc_id      = var.vpc_id
  tags        = merge(var.tags, { Name = "${var.name}-work" })
}

resource "aws_vpc_security_group_ingress_rule" "work" {
  count = local.ecs

  security_group_id            = aws_security_group.work[0].id
  description                  = "NFS from the bot"
  referenced_security_group_id = aws_security_group.bot.id
  ip_protocol                  = "tcp"
  from_port                    = 2049
  to_port                      = 2049
  tags                         = var.tags
}

resource "aws_vpc_security_group_egress_rule" "work" {
  count = local.ecs

  security_group_id            = aws_security_group.bot.id
  description                  = "Work folder"
  referenced_security_group_id = aws_security_group.work[0].id
  ip_protocol                  = "tcp"
  from_port                    = 2049
  to_port                      = 2049
  tags                         = var.tags
}
