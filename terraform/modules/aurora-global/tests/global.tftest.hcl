mock_provider "aws" {
  alias = "home"
}

mock_provider "aws" {
  alias = "standby"
}

variables {
  name            = "portal"
  home_region     = "ap-northeast-2"
  standby_region  = "ap-northeast-1"
  database        = "portal"
  master_username = "dbadmin"
  home = {
    vpc_id       = "vpc-1"
    subnet_group = "portal"
    client_cidrs = ["10.20.0.0/16"]
    kms_key_arn  = "arn:aws:kms:ap-northeast-2:123456789012:key/mrk-1"
  }
  standby = {
    vpc_id       = "vpc-2"
    subnet_group = "portal"
    client_cidrs = ["10.21.0.0/16"]
    kms_key_arn  = "arn:aws:kms:ap-northeast-1:123456789012:key/mrk-1"
  }
}

run "two_members_with_equal_parameters" {
  command = plan

  assert {
    condition     = output.cluster_ids == { ap-northeast-2 = "portal-ap-northeast-2", ap-northeast-1 = "portal-ap-northeast-1" }
    error_message = "There must be a member in each Region."
  }

  assert {
    condition     = output.parameters["ap-northeast-2"] == output.parameters["ap-northeast-1"] && output.parameters["ap-northeast-1"].cluster["require_secure_transport"] == "ON"
    error_message = "Parameters must be equal on both sides."
  }

  assert {
    condition     = aws_rds_global_cluster.main.storage_encrypted && aws_rds_global_cluster.main.deletion_protection
    error_message = "The global cluster must be encrypted and protected."
  }
}

run "backup_restore_has_no_second_member" {
  command = plan

  variables {
    standby = null
  }

  assert {
    condition     = output.cluster_ids == { ap-northeast-2 = "portal-ap-northeast-2" }
    error_message = "There must be the home member only."
  }
}

run "no_standby_instance_is_refused" {
  command = plan

  variables {
    standby_instances = 0
  }

  expect_failures = [var.standby_instances]
}

run "a_floor_of_nothing_is_refused" {
  command = plan

  variables {
    standby_min_acu = 0
  }

  expect_failures = [var.standby_min_acu]
}

run "a_weak_password_is_refused" {
  command = plan

  variables {
    bootstrap_password = "secret"
  }

  expect_failures = [var.bootstrap_password]
}

run "an_inexact_version_is_refused" {
  command = plan

  variables {
    engine_version = "8.0"
  }

  expect_failures = [var.engine_version]
}
