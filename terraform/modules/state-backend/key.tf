# A key of its own: who may read the service's data need not be who may read Terraform's state.

locals {
  root = "arn:aws:iam::${var.account_id}:root"

  policies = { for region in [var.control_region, var.copy_region] : region => jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
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
        Sid       = "UseThroughServices"
        Effect    = "Allow"
        Principal = { AWS = local.root }
        Resource  = "*"
        Action    = ["kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey", "kms:ReEncryptFrom", "kms:ReEncryptTo"]
        Condition = { StringEquals = {
          "kms:CallerAccount" = var.account_id
          "kms:ViaService"    = ["dynamodb.${region}.amazonaws.com", "s3.${region}.amazonaws.com"]
        } }
      },
      {
        Sid       = "GrantsOfServices"
        Effect    = "Allow"
        Principal = { AWS = local.root }
        Resource  = "*"
        Action    = "kms:CreateGrant"
        Condition = {
          Bool = { "kms:GrantIsForAWSResource" = "true" }
          StringEquals = {
            "kms:CallerAccount" = var.account_id
            "kms:ViaService"    = "dynamodb.${region}.amazonaws.com"
          }
        }
      },
    ]
  }) }
}

resource "aws_kms_key" "main" {
  provider = aws.control

  description             = "Terraform's state"
  multi_region            = true
  enable_key_rotation     = true
  deletion_window_in_days = 30
  policy                  = local.policies[var.control_region]
  tags                    = var.tags

  lifecycle {
    prevent_destroy = true
  }
}

resource "aws_kms_replica_key" "main" {
  provider = aws.copy

  description             = "Terraform's state"
  primary_key_arn         = aws_kms_key.main.arn
  deletion_window_in_days = 30
  policy                  = local.policies[var.copy_region]
  tags                    = var.tags

  lifecycle {
    prevent_destroy = true
  }
}

resource "aws_kms_alias" "control" {
  provider = aws.control

  name          = "alias/${var.bucket}"
  target_key_id = aws_kms_key.main.key_id
}

resource "aws_kms_alias" "copy" {
  provider = aws.copy

  name          = "alias/${var.bucket}"
  target_key_id = aws_kms_replica_key.main.key_id
}
