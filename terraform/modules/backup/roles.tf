# AWS's managed policies for AWS Backup reach every resource of the account. These have the same actions for Aurora
# and S3 (AWSBackupServiceRolePolicyForBackup, ...ForRestores, ...ForS3Backup, ...ForS3Restore) on this service's only;
# what describes and lists knows no ARN and keeps "*".

locals {
  trust = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "backup.amazonaws.com" }
      Action    = "sts:AssumeRole"
    }]
  })

  # "awsbackup:job-..." are the snapshots that AWS Backup makes, also of what it copies.
  snapshots = "arn:aws:rds:*:*:cluster-snapshot:awsbackup:*"
}

resource "aws_iam_role" "backup" {
  provider = aws.home

  name               = "${var.name}-${var.home_region}-backup"
  description        = "AWS Backup saves ${var.name} and copies it to ${var.standby_region}"
  assume_role_policy = local.trust
  tags               = var.tags
}

resource "aws_iam_role_policy" "backup" {
  provider = aws.home

  name = "backup"
  role = aws_iam_role.backup.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid    = "Look"
        Effect = "Allow"
        Action = [
          "cloudwatch:GetMetricData", "events:ListRules", "rds:DescribeDBClusterAutomatedBackups",
          "rds:DescribeDBClusterSnapshots", "rds:DescribeDBClusters", "s3:ListAllMyBuckets", "tag:GetResources",
        ]
        Resource = "*"
      },
      {
        Sid      = "Vaults"
        Effect   = "Allow"
        Action   = ["backup:CopyFromBackupVault", "backup:CopyIntoBackupVault", "backup:DescribeBackupVault"]
        Resource = [aws_backup_vault.home.arn, aws_backup_vault.standby.arn]
      },
      {
        Sid      = "Keys"
        Effect   = "Allow"
        Action   = ["kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKey"]
        Resource = values(var.kms_key_arns)
      },
      {
        Sid       = "KeyGrants"
        Effect    = "Allow"
        Action    = "kms:CreateGrant"
        Resource  = values(var.kms_key_arns)
        Condition = { Bool = { "kms:GrantIsForAWSResource" = "true" } }
      },
      {
        Sid    = "Snapshots"
        Effect = "Allow"
        Action = [
          "rds:AddTagsToResource", "rds:CopyDBClusterSnapshot", "rds:CreateDBClusterSnapshot",
          "rds:DeleteDBClusterSnapshot", "rds:ListTagsForResource", "rds:ModifyDBClusterSnapshotAttribute",
        ]
        Resource = concat(var.cluster_arns, [local.snapshots])
      },
      {
        Sid    = "Buckets"
        Effect = "Allow"
        Action = [
          "s3:GetBucketAcl", "s3:GetBucketLocation", "s3:GetBucketNotification", "s3:GetBucketTagging",
          "s3:GetBucketVersioning", "s3:GetInventoryConfiguration", "s3:ListBucket", "s3:ListBucketVersions",
          "s3:PutBucketNotification", "s3:PutInventoryConfiguration",
        ]
        Resource = [for bucket in var.bucket_names : "arn:aws:s3:::${bucket}"]
      },
      {
        Sid    = "Objects"
        Effect = "Allow"
        Action = [
          "s3:GetObject", "s3:GetObjectAcl", "s3:GetObjectTagging", "s3:GetObjectVersion",
          "s3:GetObjectVersionAcl", "s3:GetObjectVersionTagging",
        ]
        Resource = [for bucket in var.bucket_names : "arn:aws:s3:::${bucket}/*"]
      },
      {
        # AWS Backup follows a bucket by rules of its own in EventBridge.
        Sid    = "ChangesOfBuckets"
        Effect = "Allow"
        Action = [
          "events:DeleteRule", "events:DescribeRule", "events:DisableRule", "events:EnableRule",
          "events:ListTargetsByRule", "events:PutRule", "events:PutTargets", "events:RemoveTargets",
        ]
        Resource = "arn:aws:events:${var.home_region}:*:rule/AwsBackupManagedRule*"
      },
    ]
  })
}

# Made in peace: IAM's control plane is in us-east-1, and a restore is no time to need it.
resource "aws_iam_role" "restore" {
  provider = aws.standby

  name               = "${var.name}-${var.standby_region}-restore"
  description        = "AWS Backup restores ${var.name} in ${var.standby_region}"
  assume_role_policy = local.trust
  tags               = var.tags
}

resource "aws_iam_role_policy" "restore" {
  provider = aws.standby

  name = "restore"
  role = aws_iam_role.restore.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid    = "Look"
        Effect = "Allow"
        Action = [
          "rds:DescribeDBClusterSnapshots", "rds:DescribeDBClusters", "rds:DescribeDBInstances",
          "s3:ListAllMyBuckets",
        ]
        Resource = "*"
      },
      {
        Sid    = "Database"
        Effect = "Allow"
        Action = [
          "rds:AddTagsToResource", "rds:CopyDBClusterSnapshot", "rds:CreateDBInstance", "rds:ListTagsForResource",
          "rds:ModifyDBCluster", "rds:RestoreDBClusterFromSnapshot",
        ]
        Resource = [
          "arn:aws:rds:${var.standby_region}:*:cluster:${var.name}*",
          "arn:aws:rds:${var.standby_region}:*:cluster-pg:*",
          "arn:aws:rds:${var.standby_region}:*:cluster-snapshot:awsbackup:*",
          "arn:aws:rds:${var.standby_region}:*:db:${var.name}*",
          "arn:aws:rds:${var.standby_region}:*:subgrp:${var.name}*",
        ]
      },
      {
        Sid      = "Key"
        Effect   = "Allow"
        Action   = ["kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKey"]
        Resource = var.kms_key_arns[var.standby_region]
      },
      {
        Sid       = "KeyGrants"
        Effect    = "Allow"
        Action    = "kms:CreateGrant"
        Resource  = var.kms_key_arns[var.standby_region]
        Condition = { Bool = { "kms:GrantIsForAWSResource" = "true" } }
      },
      {
        Sid    = "Buckets"
        Effect = "Allow"
        Action = [
          "s3:GetBucketLocation", "s3:GetBucketOwnershipControls", "s3:GetBucketVersioning", "s3:ListBucket",
          "s3:ListBucketVersions",
        ]
        Resource = [for bucket in var.restore_bucket_names : "arn:aws:s3:::${bucket}"]
      },
      {
        Sid    = "Objects"
        Effect = "Allow"
        Action = [
          "s3:GetObject", "s3:GetObjectAcl", "s3:GetObjectTagging", "s3:GetObjectVersion", "s3:GetObjectVersionAcl",
          "s3:ListMultipartUploadParts", "s3:PutObject", "s3:PutObjectTagging",
        ]
        Resource = [for bucket in var.restore_bucket_names : "arn:aws:s3:::${bucket}/*"]
      },
    ]
  })
}
