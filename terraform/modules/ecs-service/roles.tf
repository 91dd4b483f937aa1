# Roles stand in both Regions always: a failover makes none, since IAM's control plane is in us-east-1.

locals {
  # AWS sets the condition against a service that is tricked into using another account's role ("confused deputy").
  tasks_assume = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "ecs-tasks.amazonaws.com" }
      Action    = "sts:AssumeRole"
      Condition = {
        ArnLike      = { "aws:SourceArn" = "arn:aws:ecs:${var.region}:${var.account_id}:*" }
        StringEquals = { "aws:SourceAccount" = var.account_id }
      }
    }]
  })

  log_streams = "arn:aws:logs:${var.region}:${var.account_id}:log-group:/${var.name}/app:*"
}

# What ECS needs to start a task.
resource "aws_iam_role" "execution" {
  name               = "${var.name}-${var.region}-execution"
  assume_role_policy = local.tasks_assume
  tags               = var.tags
}

resource "aws_iam_role_policy" "execution" {
  name = "start-tasks"
  role = aws_iam_role.execution.id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat([
      {
        Sid      = "SignInToRegistry"
        Effect   = "Allow"
        Action   = "ecr:GetAuthorizationToken"
        Resource = "*" # the action knows no resource
      },
      {
        Sid      = "PullImage"
        Effect   = "Allow"
        Action   = ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
        Resource = "arn:aws:ecr:${var.region}:${var.account_id}:repository/${var.name}"
      },
      {
        Sid      = "WriteLogs"
        Effect   = "Allow"
        Action   = ["logs:CreateLogStream", "logs:PutLogEvents"]
        Resource = local.log_streams
      },
      ], length(var.secret_arns) == 0 ? [] : [{
        Sid      = "ReadSecrets"
        Effect   = "Allow"
        Action   = "secretsmanager:GetSecretValue"
        Resource = sort(distinct(values(var.secret_arns)))
        }], var.kms_key_arn == null ? [] : [{
        Sid      = "DecryptSecrets"
        Effect   = "Allow"
        Action   = "kms:Decrypt"
        Resource = var.kms_key_arn
    }])
  })
}

# What the application may do.
resource "aws_iam_role" "task" {
  name               = "${var.name}-${var.region}-task"
  assume_role_policy = local.tasks_assume
  tags               = var.tags
}

resource "aws_iam_role_policy" "task" {
  name = "application"
  role = aws_iam_role.task.id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat([
      {
        Sid      = "ListFiles"
        Effect   = "Allow"
        Action   = ["s3:GetBucketLocation", "s3:ListBucket"]
        Resource = var.bucket_arn
      },
      {
        Sid      = "Files"
        Effect   = "Allow"
        Action   = ["s3:AbortMultipartUpload", "s3:DeleteObject", "s3:GetObject", "s3:PutObject"]
        Resource = "${var.bucket_arn}/*"
      },
      {
        # Signs in to the database without a password. The cluster's resource id changes with a restore, so it stays open.
        Sid      = "Database"
        Effect   = "Allow"
        Action   = "rds-db:connect"
        Resource = "arn:aws:rds-db:${var.region}:${var.account_id}:dbuser:*/${var.database_user}"
      },
      ], length(var.bucket_key_arns) == 0 ? [] : [{
        Sid      = "FilesKey"
        Effect   = "Allow"
        Action   = ["kms:Decrypt", "kms:GenerateDataKey"]
        Resource = var.bucket_key_arns
        }], var.exec ? [{
        Sid    = "Exec"
        Effect = "Allow"
        Action = [
          "ssmmessages:CreateControlChannel", "ssmmessages:CreateDataChannel",
          "ssmmessages:OpenControlChannel", "ssmmessages:OpenDataChannel",
        ]
        Resource = "*" # the actions know no resource
    }] : [])
  })
}
