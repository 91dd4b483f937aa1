# Daily backups at home, each copied to a vault in the standby Region. A restore there is an act of people:
# what they restore is not in this state, so that no flip of active_region deletes it.

resource "aws_backup_vault" "home" {
  provider = aws.home

  name        = var.name
  kms_key_arn = var.kms_key_arns[var.home_region]
  tags        = var.tags

  lifecycle {
    prevent_destroy = true
  }
}

resource "aws_backup_vault" "standby" {
  provider = aws.standby

  name        = var.name
  kms_key_arn = var.kms_key_arns[var.standby_region]
  tags        = var.tags

  lifecycle {
    prevent_destroy = true
  }
}

resource "aws_backup_plan" "main" {
  provider = aws.home

  name = var.name
  tags = var.tags

  rule {
    rule_name         = "daily"
    target_vault_name = aws_backup_vault.home.name
    schedule          = var.schedule
    start_window      = 60
    completion_window = 360

    lifecycle {
      delete_after = var.retention_days
    }

    copy_action {
      destination_vault_arn = aws_backup_vault.standby.arn

      lifecycle {
        delete_after = var.retention_days
      }
    }
  }
}

# By ARN, not by tag: a forgotten tag would be a forgotten backup.
resource "aws_backup_selection" "main" {
  provider = aws.home

  name         = var.name
  plan_id      = aws_backup_plan.main.id
  iam_role_arn = aws_iam_role.backup.arn
  resources    = concat(var.cluster_arns, [for bucket in var.bucket_names : "arn:aws:s3:::${bucket}"])

  depends_on = [aws_iam_role_policy.backup]
}
