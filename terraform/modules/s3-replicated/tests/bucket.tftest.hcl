mock_provider "aws" {}

variables {
  name            = "acme-portal-files-ap-northeast-2"
  kms_key_arn     = "arn:aws:kms:ap-northeast-2:123456789012:key/mrk-1"
  noncurrent_days = 90
}

run "a_private_encrypted_versioned_bucket" {
  command = plan

  module {
    source = "./bucket"
  }

  assert {
    condition = (
      aws_s3_bucket_public_access_block.main.block_public_acls && aws_s3_bucket_public_access_block.main.block_public_policy &&
      aws_s3_bucket_public_access_block.main.ignore_public_acls && aws_s3_bucket_public_access_block.main.restrict_public_buckets
    )
    error_message = "All four blocks of public access must be on."
  }

  assert {
    condition     = aws_s3_bucket_versioning.main.versioning_configuration[0].status == "Enabled"
    error_message = "The bucket must be versioned."
  }

  assert {
    condition = alltrue([
      for rule in aws_s3_bucket_server_side_encryption_configuration.main.rule :
      rule.bucket_key_enabled && rule.apply_server_side_encryption_by_default[0].kms_master_key_id == var.kms_key_arn
    ])
    error_message = "Objects must be encrypted with the given key."
  }

  assert {
    condition     = alltrue([for statement in jsondecode(aws_s3_bucket_policy.main.policy).Statement : statement.Effect == "Deny"])
    error_message = "The bucket policy must allow nothing."
  }

  assert {
    condition     = aws_s3_bucket_lifecycle_configuration.main.rule[0].noncurrent_version_expiration[0].noncurrent_days == 90
    error_message = "Old versions must be kept for 90 days."
  }
}

run "a_bad_bucket_name_is_refused" {
  command = plan

  module {
    source = "./bucket"
  }

  variables {
    name = "Acme_Files"
  }

  expect_failures = [var.name]
}
