# Where Terraform keeps what it knows. It stands in a control Region, so that neither Region of a failover takes it
# away, and is copied to a second one. This stack is applied once by hand with a local state, then moved into itself:
#   terraform init -migrate-state -backend-config=...
#
# The copy is for the day the control Region is gone: init with -reconfigure and its name. It has no lock table there,
# so only one person works then.

module "bucket" {
  source = "../s3-replicated/bucket"
  providers = {
    aws = aws.control
  }

  name            = var.bucket
  kms_key_arn     = aws_kms_key.main.arn
  noncurrent_days = var.noncurrent_days
  tags            = var.tags
}

module "copy" {
  source = "../s3-replicated/bucket"
  providers = {
    aws = aws.copy
  }

  name            = "${var.bucket}-copy"
  kms_key_arn     = aws_kms_replica_key.main.arn
  noncurrent_days = var.noncurrent_days
  tags            = var.tags
}

# Deletions are not copied: who deletes the state here has it there.
resource "aws_s3_bucket_replication_configuration" "main" {
  provider = aws.control

  bucket = module.bucket.name
  role   = aws_iam_role.replication.arn

  rule {
    id       = "to-${var.copy_region}"
    status   = "Enabled"
    priority = 1

    filter {}

    delete_marker_replication {
      status = "Disabled"
    }

    source_selection_criteria {
      sse_kms_encrypted_objects {
        status = "Enabled"
      }
    }

    destination {
      bucket        = module.copy.arn
      storage_class = "STANDARD"

      encryption_configuration {
        replica_kms_key_id = aws_kms_replica_key.main.arn
      }

      metrics {
        status = "Enabled"

        event_threshold {
          minutes = 15
        }
      }

      replication_time {
        status = "Enabled"

        time {
          minutes = 15
        }
      }
    }
  }

  depends_on = [aws_iam_role_policy.replication]
}

resource "aws_dynamodb_table" "lock" {
  provider = aws.control
  count    = var.lock_table == null ? 0 : 1

  name                        = var.lock_table
  billing_mode                = "PAY_PER_REQUEST"
  hash_key                    = "LockID"
  deletion_protection_enabled = true
  tags                        = var.tags

  attribute {
    name = "LockID"
    type = "S"
  }

  point_in_time_recovery {
    enabled = true
  }

  server_side_encryption {
    enabled     = true
    kms_key_arn = aws_kms_key.main.arn
  }
}

resource "aws_iam_role" "replication" {
  provider = aws.control

  name        = "${var.bucket}-replication"
  description = "S3 copies Terraform's state from ${var.control_region} to ${var.copy_region}"
  tags        = var.tags

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "s3.amazonaws.com" }
      Action    = "sts:AssumeRole"
    }]
  })
}

locals {
  source = "arn:aws:s3:::${var.bucket}"
  target = "arn:aws:s3:::${var.bucket}-copy"
}

resource "aws_iam_role_policy" "replication" {
  provider = aws.control

  name = "replication"
  role = aws_iam_role.replication.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid      = "SourceBucket"
        Effect   = "Allow"
        Action   = ["s3:GetReplicationConfiguration", "s3:ListBucket"]
        Resource = local.source
      },
      {
        Sid      = "SourceObjects"
        Effect   = "Allow"
        Action   = ["s3:GetObjectVersionAcl", "s3:GetObjectVersionForReplication", "s3:GetObjectVersionTagging"]
        Resource = "${local.source}/*"
      },
      {
        Sid      = "TargetObjects"
        Effect   = "Allow"
        Action   = ["s3:ReplicateObject", "s3:ReplicateTags"]
        Resource = "${local.target}/*"
      },
      {
        Sid      = "SourceKey"
        Effect   = "Allow"
        Action   = "kms:Decrypt"
        Resource = aws_kms_key.main.arn
        Condition = {
          StringEquals = { "kms:ViaService" = "s3.${var.control_region}.amazonaws.com" }
          StringLike   = { "kms:EncryptionContext:aws:s3:arn" = [local.source, "${local.source}/*"] }
        }
      },
      {
        Sid      = "TargetKey"
        Effect   = "Allow"
        Action   = ["kms:Encrypt", "kms:GenerateDataKey"]
        Resource = aws_kms_replica_key.main.arn
        Condition = {
          StringEquals = { "kms:ViaService" = "s3.${var.copy_region}.amazonaws.com" }
          StringLike   = { "kms:EncryptionContext:aws:s3:arn" = [local.target, "${local.target}/*"] }
        }
      },
    ]
  })
}
