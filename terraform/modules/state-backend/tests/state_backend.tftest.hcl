mock_provider "aws" {
  alias = "control"
}

mock_provider "aws" {
  alias = "copy"
}

variables {
  bucket         = "acme-terraform-state"
  lock_table     = "acme-terraform-lock"
  control_region = "ap-northeast-3"
  copy_region    = "ap-northeast-1"
  account_id     = "123456789012"
}

run "the_state_is_copied_and_locked" {
  command = plan

  # Known while planning: the policy of the role names the keys.
  override_resource {
    target          = aws_kms_key.main
    override_during = plan
    values = {
      arn = "arn:aws:kms:ap-northeast-3:123456789012:key/mrk-1"
    }
  }

  override_resource {
    target          = aws_kms_replica_key.main
    override_during = plan
    values = {
      arn = "arn:aws:kms:ap-northeast-1:123456789012:key/mrk-1"
    }
  }

  assert {
    condition     = output.bucket == "acme-terraform-state" && output.copy_bucket == "acme-terraform-state-copy"
    error_message = "There must be a bucket and its copy."
  }

  assert {
    condition = (
      aws_s3_bucket_replication_configuration.main.rule[0].destination[0].bucket == "arn:aws:s3:::acme-terraform-state-copy" &&
      aws_s3_bucket_replication_configuration.main.rule[0].delete_marker_replication[0].status == "Disabled"
    )
    error_message = "The state must be copied, deletions not."
  }

  assert {
    condition     = aws_dynamodb_table.lock[0].hash_key == "LockID" && aws_dynamodb_table.lock[0].deletion_protection_enabled
    error_message = "The lock table must be keyed by LockID and protected."
  }

  assert {
    condition     = aws_dynamodb_table.lock[0].server_side_encryption[0].kms_key_arn == aws_kms_key.main.arn
    error_message = "The lock table must be encrypted with the state's key."
  }

  assert {
    condition = alltrue(flatten([
      for statement in jsondecode(aws_iam_role_policy.replication.policy).Statement : [
        for action in flatten([statement.Action]) : !can(regex("\\*", action)) && statement.Resource != "*"
      ]
    ]))
    error_message = "No wildcard action and no wildcard resource."
  }
}

run "a_newer_terraform_needs_no_table" {
  command = plan

  variables {
    lock_table = null
  }

  assert {
    condition     = length(aws_dynamodb_table.lock) == 0 && output.lock_table == null
    error_message = "There must be no table."
  }
}

run "a_bad_bucket_name_is_refused" {
  command = plan

  variables {
    bucket = "Acme.State"
  }

  expect_failures = [var.bucket]
}

run "a_wrong_region_is_refused" {
  command = plan

  variables {
    control_region = "Osaka"
  }

  expect_failures = [var.control_region]
}
