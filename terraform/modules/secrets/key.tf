# One multi-Region key for all of the service: secrets, buckets, Aurora, ECR, logs, backups. The replica has the same
# key material and works alone when the primary's Region is gone ("Multi-Region keys in AWS KMS"). Key policy, alias
# and tags are not replicated, so both sides are written here from the same text.

locals {
  regions = [var.home_region, var.standby_region]
  root    = "arn:aws:iam::${var.account_id}:root"

  policies = { for region in local.regions : region => jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        # The account lets its administrators in by their IAM policies. Nothing here reads or writes with the key.
        # In a key policy the resource "*" is the key itself.
        Sid       = "Administration"
        Effect    = "Allow"
        Principal = { AWS = local.root }
        Resource  = "*"
        Action = [
          "kms:CancelKeyDeletion", "kms:CreateAlias", "kms:DeleteAlias", "kms:DescribeKey", "kms:DisableKey",
          "kms:DisableKeyRotation", "kms:EnableKey", "kms:EnableKeyRotation", "kms:GetKeyPolicy",
          "kms:GetKeyRotationStatus", "kms:ListGrants", "kms:ListKeyPolicies", "kms:ListKeyRotations",
          "kms:ListResourceTags", "kms:PutKeyPolicy", "kms:ReplicateKey", "kms:RetireGrant", "kms:RevokeGrant",
          "kms:RotateKeyOnDemand", "kms:ScheduleKeyDeletion", "kms:TagResource", "kms:UntagResource",
          "kms:UpdateAlias", "kms:UpdateKeyDescription", "kms:UpdatePrimaryRegion",
        ]
      },
      {
        # Whoever has it in an IAM policy may use the key, but only through these services of this Region.
        Sid       = "UseThroughServices"
        Effect    = "Allow"
        Principal = { AWS = local.root }
        Resource  = "*"
        Action = [
          "kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey", "kms:GenerateDataKeyWithoutPlaintext",
          "kms:ReEncryptFrom", "kms:ReEncryptTo",
        ]
        Condition = { StringEquals = {
          "kms:CallerAccount" = var.account_id
          "kms:ViaService"    = [for service in local.services : "${service}.${region}.amazonaws.com"]
        } }
      },
      {
        # RDS, ECR and AWS Backup keep a grant of their own for as long as the resource lives.
        Sid       = "GrantsOfServices"
        Effect    = "Allow"
        Principal = { AWS = local.root }
        Resource  = "*"
        Action    = "kms:CreateGrant"
        Condition = {
          Bool = { "kms:GrantIsForAWSResource" = "true" }
          StringEquals = {
            "kms:CallerAccount" = var.account_id
            "kms:ViaService"    = [for service in local.services : "${service}.${region}.amazonaws.com"]
          }
        }
      },
      {
        # CloudWatch Logs is its own principal, and names the group it works for in the encryption context
        # ("Encrypt log data in CloudWatch Logs using AWS KMS").
        Sid       = "LogGroups"
        Effect    = "Allow"
        Principal = { Service = "logs.${region}.amazonaws.com" }
        Resource  = "*"
        Action = [
          "kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey",
          "kms:GenerateDataKeyWithoutPlaintext", "kms:ReEncryptFrom", "kms:ReEncryptTo",
        ]
        Condition = { ArnLike = { "kms:EncryptionContext:aws:logs:arn" = [
          "arn:aws:logs:${region}:${var.account_id}:log-group:/${var.name}/*",
          "arn:aws:logs:${region}:${var.account_id}:log-group:/aws/*/${var.name}*",
        ] } }
      },
    ]
  }) }

  services = ["backup", "ecr", "rds", "s3", "secretsmanager"]
}

resource "aws_kms_key" "main" {
  provider = aws.home

  description             = "Everything of ${var.name} at rest"
  multi_region            = true
  enable_key_rotation     = true # of the primary; replicas follow
  deletion_window_in_days = 30
  policy                  = local.policies[var.home_region]
  tags                    = var.tags

  lifecycle {
    prevent_destroy = true # without it nothing of the service can be read again, backups included
  }
}

resource "aws_kms_replica_key" "main" {
  provider = aws.standby

  description             = "Everything of ${var.name} at rest"
  primary_key_arn         = aws_kms_key.main.arn
  deletion_window_in_days = 30
  policy                  = local.policies[var.standby_region]
  tags                    = var.tags

  lifecycle {
    prevent_destroy = true
  }
}

resource "aws_kms_alias" "home" {
  provider = aws.home

  name          = "alias/${var.name}"
  target_key_id = aws_kms_key.main.key_id
}

resource "aws_kms_alias" "standby" {
  provider = aws.standby

  name          = "alias/${var.name}"
  target_key_id = aws_kms_replica_key.main.key_id
}
