# One role for each direction. Multi-Region or not, S3 treats the two keys as different ones: it decrypts with the
# source's and encrypts with the destination's ("Replicating encrypted objects"). With a bucket key the encryption
# context is the bucket's ARN, without one the object's; objects of both kinds can be there.

locals {
  directions = !var.replicate ? {} : {
    (var.home_region) = {
      to     = var.standby_region
      source = "arn:aws:s3:::${var.bucket_prefix}-files-${var.home_region}"
      target = "arn:aws:s3:::${var.bucket_prefix}-files-${var.standby_region}"
    }
    (var.standby_region) = {
      to     = var.home_region
      source = "arn:aws:s3:::${var.bucket_prefix}-files-${var.standby_region}"
      target = "arn:aws:s3:::${var.bucket_prefix}-files-${var.home_region}"
    }
  }

  # Who may not delete over there cannot do it by mistake either.
  replicates = concat(["s3:ReplicateObject", "s3:ReplicateTags"], var.replicate_delete_markers ? ["s3:ReplicateDelete"] : [])
}

resource "aws_iam_role" "replication" {
  provider = aws.home
  for_each = local.directions

  name        = "${var.name}-${each.key}-s3-replication"
  description = "S3 copies the files of ${var.name} from ${each.key} to ${each.value.to}"
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

resource "aws_iam_role_policy" "replication" {
  provider = aws.home
  for_each = local.directions

  name = "replication"
  role = aws_iam_role.replication[each.key].id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid      = "SourceBucket"
        Effect   = "Allow"
        Action   = ["s3:GetReplicationConfiguration", "s3:ListBucket"]
        Resource = each.value.source
      },
      {
        Sid      = "SourceObjects"
        Effect   = "Allow"
        Action   = ["s3:GetObjectVersionAcl", "s3:GetObjectVersionForReplication", "s3:GetObjectVersionTagging"]
        Resource = "${each.value.source}/*"
      },
      {
        Sid      = "TargetObjects"
        Effect   = "Allow"
        Action   = local.replicates
        Resource = "${each.value.target}/*"
      },
      {
        Sid      = "SourceKey"
        Effect   = "Allow"
        Action   = "kms:Decrypt"
        Resource = var.kms_key_arns[each.key]
        Condition = {
          StringEquals = { "kms:ViaService" = "s3.${each.key}.amazonaws.com" }
          StringLike   = { "kms:EncryptionContext:aws:s3:arn" = [each.value.source, "${each.value.source}/*"] }
        }
      },
      {
        Sid      = "TargetKey"
        Effect   = "Allow"
        Action   = ["kms:Encrypt", "kms:GenerateDataKey"]
        Resource = var.kms_key_arns[each.value.to]
        Condition = {
          StringEquals = { "kms:ViaService" = "s3.${each.value.to}.amazonaws.com" }
          StringLike   = { "kms:EncryptionContext:aws:s3:arn" = [each.value.target, "${each.value.target}/*"] }
        }
      },
    ]
  })
}
