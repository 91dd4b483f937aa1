mock_provider "aws" {
  alias = "home"
}

mock_provider "aws" {
  alias = "standby"
}

variables {
  name           = "portal"
  bucket_prefix  = "acme-portal"
  home_region    = "ap-northeast-2"
  standby_region = "ap-northeast-1"
  kms_key_arns = {
    ap-northeast-2 = "arn:aws:kms:ap-northeast-2:123456789012:key/mrk-1"
    ap-northeast-1 = "arn:aws:kms:ap-northeast-1:123456789012:key/mrk-1"
  }
}

run "both_ways_with_metrics" {
  command = plan

  assert {
    condition = (
      aws_s3_bucket_replication_configuration.home[0].rule[0].destination[0].bucket == "arn:aws:s3:::acme-portal-files-ap-northeast-1" &&
      aws_s3_bucket_replication_configuration.standby[0].rule[0].destination[0].bucket == "arn:aws:s3:::acme-portal-files-ap-northeast-2"
    )
    error_message = "Each bucket must replicate to the other."
  }

  assert {
    condition = alltrue([
      for rule in [aws_s3_bucket_replication_configuration.home[0].rule[0], aws_s3_bucket_replication_configuration.standby[0].rule[0]] :
      rule.destination[0].metrics[0].status == "Enabled" && rule.destination[0].replication_time[0].status == "Enabled"
    ])
    error_message = "Both directions must have metrics and time control."
  }

  assert {
    condition = alltrue([
      for rule in [aws_s3_bucket_replication_configuration.home[0].rule[0], aws_s3_bucket_replication_configuration.standby[0].rule[0]] :
      rule.source_selection_criteria[0].replica_modifications[0].status == "Enabled" && rule.source_selection_criteria[0].sse_kms_encrypted_objects[0].status == "Enabled"
    ])
    error_message = "Both directions must carry encrypted objects and changes of replicas."
  }

  assert {
    condition     = aws_s3_bucket_replication_configuration.home[0].rule[0].destination[0].encryption_configuration[0].replica_kms_key_id == var.kms_key_arns["ap-northeast-1"]
    error_message = "A replica must be encrypted with the key of its own Region."
  }
}

run "deletions_stay_where_they_are" {
  command = plan

  assert {
    condition = (
      aws_s3_bucket_replication_configuration.home[0].rule[0].delete_marker_replication[0].status == "Disabled" &&
      aws_s3_bucket_replication_configuration.standby[0].rule[0].delete_marker_replication[0].status == "Disabled"
    )
    error_message = "Deletions must not be replicated unless asked for."
  }

  assert {
    condition = alltrue([
      for policy in aws_iam_role_policy.replication : !can(regex("s3:ReplicateDelete", policy.policy))
    ])
    error_message = "The roles must not be able to delete over there."
  }
}

run "deletions_follow_when_asked_for" {
  command = plan

  variables {
    replicate_delete_markers = true
  }

  assert {
    condition = (
      aws_s3_bucket_replication_configuration.home[0].rule[0].delete_marker_replication[0].status == "Enabled" &&
      alltrue([for policy in aws_iam_role_policy.replication : can(regex("s3:ReplicateDelete", policy.policy))])
    )
    error_message = "Deletions must be replicated, and the roles must be able to."
  }
}

run "keys_only_through_s3_and_for_these_buckets" {
  command = plan

  assert {
    condition = alltrue(flatten([
      for policy in aws_iam_role_policy.replication : [
        for statement in jsondecode(policy.policy).Statement :
        can(statement.Condition.StringEquals["kms:ViaService"]) && can(statement.Condition.StringLike["kms:EncryptionContext:aws:s3:arn"])
        if can(regex("^kms:", flatten([statement.Action])[0]))
      ]
    ]))
    error_message = "Use of a key must be limited to S3 and to the two buckets."
  }

  assert {
    condition = alltrue(flatten([
      for policy in aws_iam_role_policy.replication : [
        for statement in jsondecode(policy.policy).Statement : [
          for action in flatten([statement.Action]) : !can(regex("\\*", action)) && statement.Resource != "*"
        ]
      ]
    ]))
    error_message = "No wildcard action and no wildcard resource."
  }

  assert {
    condition     = toset([for role in aws_iam_role.replication : role.name]) == toset(["portal-ap-northeast-2-s3-replication", "portal-ap-northeast-1-s3-replication"])
    error_message = "The roles' names must carry the Region they copy from."
  }
}

run "without_replication_the_buckets_stand_alone" {
  command = plan

  variables {
    replicate = false
  }

  assert {
    condition     = length(aws_s3_bucket_replication_configuration.home) + length(aws_s3_bucket_replication_configuration.standby) + length(aws_iam_role.replication) == 0
    error_message = "There must be no replication and no role for it."
  }

  assert {
    condition     = output.bucket_names["ap-northeast-1"] == "acme-portal-files-ap-northeast-1"
    error_message = "The standby's bucket must stand for a restore."
  }
}

run "without_time_control_metrics_stay" {
  command = plan

  variables {
    time_control = false
  }

  assert {
    condition = (
      length(aws_s3_bucket_replication_configuration.home[0].rule[0].destination[0].replication_time) == 0 &&
      aws_s3_bucket_replication_configuration.home[0].rule[0].destination[0].metrics[0].status == "Enabled"
    )
    error_message = "Metrics must not depend on time control."
  }
}

run "a_bad_prefix_is_refused" {
  command = plan

  variables {
    bucket_prefix = "Acme_"
  }

  expect_failures = [var.bucket_prefix]
}
