# The role that drbot runs under can nearly nothing: take the roles of its services, and reach what it runs on. On an instance
# not even that: there the instance has a role of its own, by which root fetches image and secrets, and gives the bot its role.

resource "aws_iam_role" "bot" {
  name = var.name
  tags = var.tags

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Effect    = "Allow"
        Principal = local.ecs == 1 ? { Service = "ecs-tasks.amazonaws.com" } : { AWS = one(aws_iam_role.instance[*].arn) }
        Action    = "sts:AssumeRole"
        Condition = local.ecs == 1 ? local.tasks_of_this_account : { StringEquals = { "sts:RoleSessionName" = "drbot" } }
      },
    ]
  })
}

resource "aws_iam_role" "instance" {
  count = local.ec2

  name = "${var.name}-instance"
  tags = var.tags

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "ec2.amazonaws.com" } # which sends no key that names the instance
      Action    = "sts:AssumeRole"
    }]
  })
}

locals {
  # Against a service that is tricked into using another account's role ("confused deputy").
  tasks_of_this_account = {
    ArnLike      = { "aws:SourceArn" = "arn:aws:ecs:${var.region}:${var.account_id}:*" }
    StringEquals = { "aws:SourceAccount" = var.account_id }
  }

  pull_image = concat(
    [for arn in [var.ecr_repository_arn] : {
      Sid      = "SignInToRegistry"
      Effect   = "Allow"
      Action   = "ecr:GetAuthorizationToken"
      Resource = "*" # the action knows no resource
    } if arn != null],
    [for arn in [var.ecr_repository_arn] : {
      Sid      = "PullImage"
      Effect   = "Allow"
      Action   = ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
      Resource = arn
    } if arn != null],
  )

  write_log = [{
    Sid      = "WriteLog"
    Effect   = "Allow"
    Action   = ["logs:CreateLogStream", "logs:PutLogEvents"]
    Resource = "${aws_cloudwatch_log_group.main.arn}:*"
  }]

  read_secrets = [
    {
      Sid    = "ReadSecrets"
      Effect = "Allow"
      Action = "secretsmanager:GetSecretValue"
      Resource = concat(
        [aws_secretsmanager_secret.main.arn],
        local.ecs == 1 ? [local.database_secret_arn] : [],
      )
    },
    {
      Sid       = "DecryptSecrets"
      Effect    = "Allow"
      Action    = "kms:Decrypt"
      Resource  = local.kms_key_arn
      Condition = { StringEquals = { "kms:ViaService" = "secretsmanager.${var.region}.amazonaws.com" } }
    },
  ]
}

module "roles" {
  source   = "./roles"
  for_each = var.services

  bot_role_arn       = aws_iam_role.bot.arn
  account_id         = var.account_id
  service            = each.key
  prefix             = each.value.prefix
  home_region        = each.value.home_region
  standby_region     = each.value.standby_region
  zone_name          = each.value.zone_name
  zone_id            = each.value.zone_id
  bucket_prefix      = each.value.bucket_prefix
  one_terraform_role = var.one_terraform_role
  tags               = var.tags

  state = {
    bucket      = var.state.bucket
    region      = var.state.region
    folder      = each.value.state_folder
    kms_key_arn = var.state.kms_key_arn
    lock_table  = var.state.lock_table
  }
}

resource "aws_iam_role_policy" "bot" {
  name = "bot"
  role = aws_iam_role.bot.id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat(
      [{
        Sid      = "TakeRoles"
        Effect   = "Allow"
        Action   = "sts:AssumeRole"
        Resource = sort(flatten([for roles in values(module.roles) : values(roles.arns)]))
      }],
      [for files in aws_efs_file_system.work : {
        Sid       = "WorkFolder"
        Effect    = "Allow"
        Action    = ["elasticfilesystem:ClientMount", "elasticfilesystem:ClientWrite"]
        Resource  = files.arn
        Condition = { StringEquals = { "elasticfilesystem:AccessPointArn" = aws_efs_access_point.work[0].arn } }
      }],
    )
  })
}

# What starts the bot on an instance. People reach it without SSH.
resource "aws_iam_role_policy" "instance" {
  count = local.ec2

  name = "start"
  role = aws_iam_role.instance[0].id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat(
      [{
        Sid      = "GiveTheBotItsRole"
        Effect   = "Allow"
        Action   = "sts:AssumeRole"
        Resource = aws_iam_role.bot.arn
      }],
      local.pull_image, local.read_secrets, local.write_log, local.session_manager,
    )
  })
}

locals {
  # "Add Session Manager permissions to an existing IAM role"; the actions know no resource.
  session_manager = [{
    Sid    = "SessionManager"
    Effect = "Allow"
    Action = [
      "ssm:UpdateInstanceInformation",
      "ssmmessages:CreateControlChannel", "ssmmessages:CreateDataChannel",
      "ssmmessages:OpenControlChannel", "ssmmessages:OpenDataChannel",
    ]
    Resource = "*"
  }]
}

# What ECS needs to start the task.
resource "aws_iam_role" "execution" {
  count = local.ecs

  name = "${var.name}-execution"
  tags = var.tags

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "ecs-tasks.amazonaws.com" }
      Action    = "sts:AssumeRole"
      Condition = local.tasks_of_this_account
    }]
  })
}

resource "aws_iam_role_policy" "execution" {
  count = local.ecs

  name   = "start-task"
  role   = aws_iam_role.execution[0].id
  policy = jsonencode({ Version = "2012-10-17", Statement = concat(local.pull_image, local.read_secrets, local.write_log) })
}
