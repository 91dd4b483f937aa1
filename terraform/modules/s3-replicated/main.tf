# Two buckets that replicate to each other. Both ways from the first day: what is written in the standby while home
# is away waits there and drains home by itself; a rule made later would not carry it (facts: "Replication status").
# S3 promises 15 minutes at best and only with time control, so an RPO below that is measured, not had by design.

module "home" {
  source = "./bucket"
  providers = {
    aws = aws.home
  }

  name            = "${var.bucket_prefix}-files-${var.home_region}"
  kms_key_arn     = var.kms_key_arns[var.home_region]
  noncurrent_days = var.noncurrent_days
  tags            = var.tags
}

module "standby" {
  source = "./bucket"
  providers = {
    aws = aws.standby
  }

  name            = "${var.bucket_prefix}-files-${var.standby_region}"
  kms_key_arn     = var.kms_key_arns[var.standby_region]
  noncurrent_days = var.noncurrent_days
  tags            = var.tags
}

resource "aws_s3_bucket_replication_configuration" "home" {
  provider = aws.home
  count    = var.replicate ? 1 : 0

  bucket = module.home.name
  role   = aws_iam_role.replication[var.home_region].arn

  rule {
    id       = "to-${var.standby_region}"
    status   = "Enabled"
    priority = 1

    filter {} # makes it the present kind of rule, which replica modification sync needs

    delete_marker_replication {
      status = var.replicate_delete_markers ? "Enabled" : "Disabled"
    }

    source_selection_criteria {
      sse_kms_encrypted_objects {
        status = "Enabled"
      }

      # Tags, locks and ACLs changed on a replica go back to the original.
      replica_modifications {
        status = "Enabled"
      }
    }

    destination {
      bucket        = module.standby.arn
      storage_class = "STANDARD"

      encryption_configuration {
        replica_kms_key_id = var.kms_key_arns[var.standby_region]
      }

      metrics {
        status = "Enabled"

        dynamic "event_threshold" {
          for_each = var.time_control ? [15] : []

          content {
            minutes = event_threshold.value # the only value there is
          }
        }
      }

      dynamic "replication_time" {
        for_each = var.time_control ? [15] : []

        content {
          status = "Enabled"

          time {
            minutes = replication_time.value
          }
        }
      }
    }
  }

  depends_on = [aws_iam_role_policy.replication]
}

resource "aws_s3_bucket_replication_configuration" "standby" {
  provider = aws.standby
  count    = var.replicate ? 1 : 0

  bucket = module.standby.name
  role   = aws_iam_role.replication[var.standby_region].arn

  rule {
    id       = "to-${var.home_region}"
    status   = "Enabled"
    priority = 1

    filter {}

    delete_marker_replication {
      status = var.replicate_delete_markers ? "Enabled" : "Disabled"
    }

    source_selection_criteria {
      sse_kms_encrypted_objects {
        status = "Enabled"
      }

      replica_modifications {
        status = "Enabled"
      }
    }

    destination {
      bucket        = module.home.arn
      storage_class = "STANDARD"

      encryption_configuration {
        replica_kms_key_id = var.kms_key_arns[var.home_region]
      }

      metrics {
        status = "Enabled"

        dynamic "event_threshold" {
          for_each = var.time_control ? [15] : []

          content {
            minutes = event_threshold.value
          }
        }
      }

      dynamic "replication_time" {
        for_each = var.time_control ? [15] : []

        content {
          status = "Enabled"

          time {
            minutes = replication_time.value
          }
        }
      }
    }
  }

  depends_on = [aws_iam_role_policy.replication]
}
