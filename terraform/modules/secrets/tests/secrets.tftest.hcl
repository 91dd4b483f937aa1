mock_provider "aws" {
  alias = "home"
}

mock_provider "aws" {
  alias = "standby"
}

variables {
  name           = "portal"
  account_id     = "123456789012"
  home_region    = "ap-northeast-2"
  standby_region = "ap-northeast-1"
}

run "one_key_in_both_regions" {
  command = plan

  assert {
    condition     = aws_kms_key.main.multi_region && aws_kms_key.main.enable_key_rotation
    error_message = "The key must be multi-Region and rotate."
  }

  assert {
    condition     = aws_kms_alias.home.name == "alias/portal" && aws_kms_alias.standby.name == "alias/portal"
    error_message = "Both Regions must find the key as alias/portal."
  }
}

run "key_policies_have_no_wildcard_action" {
  command = plan

  assert {
    condition = alltrue(flatten([
      for policy in [aws_kms_key.main.policy, aws_kms_replica_key.main.policy] : [
        for statement in jsondecode(policy).Statement : [
          for action in flatten([statement.Action]) : !can(regex("\\*", action))
        ]
      ]
    ]))
    error_message = "No statement of a key policy may have a wildcard action."
  }

  assert {
    condition = alltrue(flatten([
      for policy in [aws_kms_key.main.policy, aws_kms_replica_key.main.policy] : [
        for statement in jsondecode(policy).Statement : can(statement.Condition) || statement.Sid == "Administration"
      ]
    ]))
    error_message = "Only administration may go without a condition."
  }

  assert {
    condition = alltrue([
      for action in jsondecode(aws_kms_key.main.policy).Statement[0].Action :
      !can(regex("Encrypt|Decrypt|GenerateData|CreateGrant", action))
    ])
    error_message = "Administration must not use the key."
  }

  assert {
    condition = alltrue([
      for service in jsondecode(aws_kms_replica_key.main.policy).Statement[1].Condition.StringEquals["kms:ViaService"] :
      can(regex("\\.ap-northeast-1\\.", service))
    ])
    error_message = "The replica's policy must name the services of its own Region."
  }
}

run "secrets_are_replicated" {
  command = plan

  assert {
    condition     = toset([for secret in aws_secretsmanager_secret.main : secret.name]) == toset(["portal/app", "portal/sftp-host-key"])
    error_message = "The secrets must be portal/app and portal/sftp-host-key."
  }

  assert {
    condition = alltrue([
      for secret in aws_secretsmanager_secret.main : [for replica in secret.replica : replica.region] == ["ap-northeast-1"]
    ])
    error_message = "Each secret must have its replica in the standby Region."
  }

  assert {
    condition     = alltrue([for secret in aws_secretsmanager_secret.main : secret.recovery_window_in_days == 30])
    error_message = "A deleted secret must be had back for 30 days."
  }
}

run "a_wrong_account_is_refused" {
  command = plan

  variables {
    account_id = "4711"
  }

  expect_failures = [var.account_id]
}

run "a_wrong_region_is_refused" {
  command = plan

  variables {
    standby_region = "Tokyo"
  }

  expect_failures = [var.standby_region]
}

run "a_short_recovery_is_refused" {
  command = plan

  variables {
    recovery_window_days = 3
  }

  expect_failures = [var.recovery_window_days]
}
