# platform = "ec2": the program of the same image under systemd, its database and work folder on a volume of their own. The instance can be
# replaced at any time; the volume never is. People reach it by Session Manager; with "Run As" each is a user of their own, which is
# what people[].local_users in drbot.yaml names.
#
# The instance's metadata, and with it the instance's role, is root's alone: the unit of the bot, and all that the bot ever starts, is kept
# from it by systemd's firewall, and does not start where that does not hold. Root fetches the secrets when the bot is started, and every
# quarter of an hour a session of the bot's role, which cannot read them: what has come to be the bot's later cannot fetch them again.
#
# Set in drbot.yaml: nothing but the defaults; drain as long as systemd waits (35 minutes).

locals {
  # By the parameter that AWS keeps for the newest Amazon Linux 2023.
  ami_id = var.ami_id == null ? one(data.aws_ssm_parameter.ami[*].insecure_value) : var.ami_id
}

data "aws_ssm_parameter" "ami" {
  count = local.ec2 == 1 && var.ami_id == null ? 1 : 0

  name = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64"
}

resource "aws_iam_instance_profile" "main" {
  count = local.ec2

  name = var.name
  role = aws_iam_role.instance[0].name
  tags = var.tags
}

resource "aws_instance" "main" {
  count = local.ec2

  ami                    = local.ami_id
  instance_type          = var.instance_type
  subnet_id              = var.subnet_ids[0]
  vpc_security_group_ids = [aws_security_group.bot.id]
  iam_instance_profile   = aws_iam_instance_profile.main[0].name
  ebs_optimized          = true
  monitoring             = true
  tags                   = merge(var.tags, { Name = var.name })

  # IMDSv2 only, and for the host alone: nothing on it runs in a network of its own. The bot has not even that.
  metadata_options {
    http_endpoint               = "enabled"
    http_tokens                 = "required"
    http_put_response_hop_limit = 1
  }

  root_block_device {
    volume_type = "gp3"
    volume_size = 16
    encrypted   = true
    kms_key_id  = local.kms_key_arn
  }

  # Compressed: user data may have 16 KB. It names secrets and holds none.
  user_data_base64 = base64gzip(templatefile("${path.module}/user_data.sh.tftpl", {
    name        = var.name
    region      = var.region
    image       = var.image
    registry    = var.ecr_repository_arn == null ? "" : split("/", var.image)[0]
    volume      = aws_ebs_volume.data[0].id
    config      = var.config
    role        = aws_iam_role.bot.arn
    environment = local.environment
    secret      = aws_secretsmanager_secret.main.name
    log_group   = aws_cloudwatch_log_group.main.name
  }))
  user_data_replace_on_change = true

  lifecycle {
    ignore_changes = [ami] # AWS moves the parameter every few weeks; replace the instance when you mean to
  }

  depends_on = [
    aws_iam_role_policy.bot,
    aws_iam_role_policy.instance,
    aws_vpc_security_group_egress_rule.https,
    aws_vpc_security_group_egress_rule.s3,
  ]
}

# The memory of every run, and the audit log.
resource "aws_ebs_volume" "data" {
  count = local.ec2

  availability_zone = var.availability_zone
  type              = "gp3"
  size              = var.volume_gib
  encrypted         = true
  kms_key_id        = local.kms_key_arn
  tags              = merge(var.tags, { Name = "${var.name}-data", Snapshots = var.name })

  lifecycle {
    prevent_destroy = true
  }
}

resource "aws_volume_attachment" "data" {
  count = local.ec2

  device_name                    = "/dev/sdf"
  volume_id                      = aws_ebs_volume.data[0].id
  instance_id                    = aws_instance.main[0].id
  stop_instance_before_detaching = true # so that the file system is clean when another instance mounts it
}

resource "aws_lb_target_group_attachment" "main" {
  count = local.ec2

  target_group_arn = aws_lb_target_group.main.arn
  target_id        = aws_instance.main[0].id
  port             = local.port
}

resource "aws_dlm_lifecycle_policy" "data" {
  count = local.ec2

  description        = "Snapshots of the volume of ${var.name}"
  execution_role_arn = aws_iam_role.snapshots[0].arn
  state              = "ENABLED"
  tags               = var.tags

  policy_details {
    resource_types = ["VOLUME"]
    target_tags    = { Snapshots = var.name }

    schedule {
      name      = "every ${var.snapshot_hours} hours"
      copy_tags = true

      create_rule {
        interval      = var.snapshot_hours
        interval_unit = "HOURS"
        times         = ["03:00"]
      }

      retain_rule {
        interval      = 14
        interval_unit = "DAYS"
      }
    }
  }
}

resource "aws_iam_role" "snapshots" {
  count = local.ec2

  name = "${var.name}-snapshots"
  tags = var.tags

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "dlm.amazonaws.com" }
      Action    = "sts:AssumeRole"
      Condition = {
        ArnLike      = { "aws:SourceArn" = "arn:aws:dlm:${var.region}:${var.account_id}:policy/*" }
        StringEquals = { "aws:SourceAccount" = var.account_id }
      }
    }]
  })
}

# AWSDataLifecycleManagerServiceRole, for this one volume.
resource "aws_iam_role_policy" "snapshots" {
  count = local.ec2

  name = "snapshots"
  role = aws_iam_role.snapshots[0].id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid      = "Find"
        Effect   = "Allow"
        Action   = ["ec2:DescribeInstances", "ec2:DescribeSnapshots", "ec2:DescribeVolumes"]
        Resource = "*" # the actions know no resource
      },
      {
        Sid      = "Make"
        Effect   = "Allow"
        Action   = "ec2:CreateSnapshot"
        Resource = [aws_ebs_volume.data[0].arn, "arn:aws:ec2:${var.region}::snapshot/*"]
      },
      {
        Sid       = "Tag"
        Effect    = "Allow"
        Action    = "ec2:CreateTags"
        Resource  = "arn:aws:ec2:${var.region}::snapshot/*"
        Condition = { StringEquals = { "ec2:CreateAction" = "CreateSnapshot" } }
      },
      {
        Sid       = "Expire"
        Effect    = "Allow"
        Action    = "ec2:DeleteSnapshot"
        Resource  = "arn:aws:ec2:${var.region}::snapshot/*"
        Condition = { StringEquals = { "aws:ResourceTag/Snapshots" = var.name } }
      },
    ]
  })
}
