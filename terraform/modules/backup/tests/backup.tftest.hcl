mock_provider "aws" {
  alias = "home"
}

mock_provider "aws" {
  alias = "standby"
}

variables {
  name           = "portal"
  home_region    = "ap-northeast-2"
  standby_region = "ap-northeast-1"
  kms_key_arns = {
    ap-northeast-2 = "arn:aws:kms:ap-northeast-2:123456789012:key/mrk-1"
    ap-northeast-1 = "arn:aws:kms:ap-northeast-1:123456789012:key/mrk-1"
  }
  cluster_arns         = ["arn:aws:rds:ap-northeast-2:123456789012:cluster:portal-ap-northeast-2"]
  bucket_names         = ["acme-portal-files-ap-northeast-2"]
  restore_bucket_names = ["acme-portal-files-ap-northeast-1"]
}

# Known while planning: prevent_destroy forbids a test to apply.
override_resource {
  target          = aws_backup_vault.home
  override_during = plan
  values = {
    arn = "arn:aws:backup:ap-northeast-2:123456789012:backup-vault:portal"
  }
}

override_resource {
  target          = aws_backup_vault.standby
  override_during = plan
  values = {
    arn = "arn:aws:backup:ap-northeast-1:123456789012:backup-vault:portal"
  }
}

override_resource {
  target          = aws_iam_role.backup
  override_during = plan
  values = {
    arn = "arn:aws:iam::123456789012:role/portal-ap-northeast-2-backup"
  }
}

run "each_recovery_point_is_copied" {
  command = plan

  assert {
    condition = alltrue([
      for rule in aws_backup_plan.main.rule : [for copy in rule.copy_action : copy.destination_vault_arn] == [aws_backup_vault.standby.arn]
    ])
    error_message = "Each rule must copy to the standby's vault."
  }

  assert {
    condition     = aws_backup_vault.home.kms_key_arn == var.kms_key_arns["ap-northeast-2"] && aws_backup_vault.standby.kms_key_arn == var.kms_key_arns["ap-northeast-1"]
    error_message = "Each vault must have the key of its own Region."
  }

  assert {
    condition     = toset(aws_backup_selection.main.resources) == toset(concat(var.cluster_arns, ["arn:aws:s3:::acme-portal-files-ap-northeast-2"]))
    error_message = "The database and the files must be selected."
  }

  assert {
    condition = alltrue(flatten([
      for policy in [aws_iam_role_policy.backup.policy, aws_iam_role_policy.restore.policy] : [
        for statement in jsondecode(policy).Statement : [for action in flatten([statement.Action]) : !can(regex("\\*", action))]
      ]
    ]))
    error_message = "No wildcard action."
  }

  assert {
    condition = alltrue(flatten([
      for policy in [aws_iam_role_policy.backup.policy, aws_iam_role_policy.restore.policy] : [
        for statement in jsondecode(policy).Statement : [
          for action in flatten([statement.Action]) : can(regex(":(Describe|List|Get)", action))
        ] if flatten([statement.Resource])[0] == "*"
      ]
    ]))
    error_message = "On every resource the roles may only look."
  }
}

run "a_bad_schedule_is_refused" {
  command = plan

  variables {
    schedule = "daily"
  }

  expect_failures = [var.schedule]
}

run "no_retention_is_refused" {
  command = plan

  variables {
    retention_days = 0
  }

  expect_failures = [var.retention_days]
}

run "nothing_to_back_up_is_refused" {
  command = plan

  variables {
    cluster_arns = []
  }

  expect_failures = [var.cluster_arns]
}
