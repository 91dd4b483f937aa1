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
  kms_key_arns = {
    ap-northeast-2 = "arn:aws:kms:ap-northeast-2:123456789012:key/mrk-1"
    ap-northeast-1 = "arn:aws:kms:ap-northeast-1:123456789012:key/mrk-1"
  }
}

run "both_repositories_are_equal" {
  command = plan

  assert {
    condition     = output.settings["ap-northeast-2"] == output.settings["ap-northeast-1"]
    error_message = "What replication does not carry must be equal in both Regions."
  }

  assert {
    condition     = output.settings["ap-northeast-1"].tags_are == "IMMUTABLE" && output.settings["ap-northeast-1"].scanned && output.settings["ap-northeast-1"].encryption == "KMS"
    error_message = "Tags must be immutable, images scanned and encrypted by the service's key."
  }
}

run "images_are_replicated_both_ways" {
  command = plan

  assert {
    condition     = aws_ecr_replication_configuration.home[0].replication_configuration[0].rule[0].destination[0].region == "ap-northeast-1"
    error_message = "Home must replicate to the standby."
  }

  assert {
    condition     = aws_ecr_replication_configuration.standby[0].replication_configuration[0].rule[0].destination[0].region == "ap-northeast-2"
    error_message = "The standby must replicate home."
  }
}

run "another_stack_may_own_the_registries" {
  command = plan

  variables {
    manage_registry = false
  }

  assert {
    condition     = length(aws_ecr_replication_configuration.home) + length(aws_ecr_replication_configuration.standby) == 0
    error_message = "Nothing of the registries may be set then."
  }
}

run "a_wrong_account_is_refused" {
  command = plan

  variables {
    account_id = "portal"
  }

  expect_failures = [var.account_id]
}
