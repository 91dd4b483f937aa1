mock_provider "aws" {
  mock_resource "aws_iam_role" {
    defaults = { arn = "arn:aws:iam::123456789012:role/mock" }
  }
  mock_resource "aws_cloudwatch_log_group" {
    defaults = { arn = "arn:aws:logs:ap-northeast-2:123456789012:log-group:/portal/sftp" }
  }
  mock_resource "aws_transfer_server" {
    defaults = { id = "s-01234567890abcdef" }
  }
  mock_resource "aws_transfer_user" {
    defaults = { id = "s-01234567890abcdef/partner" }
  }
  mock_data "aws_secretsmanager_secret_version" {
    defaults = { secret_string = "not a key" }
  }
}

variables {
  name                 = "portal"
  region               = "ap-northeast-2"
  account_id           = "123456789012"
  enabled              = true
  vpc_id               = "vpc-1"
  subnet_ids           = ["subnet-1", "subnet-2"]
  client_cidrs         = ["10.0.0.0/16", "10.20.0.0/16"]
  host_key_secret_name = "portal/sftp-host-key"
  bucket_arn           = "arn:aws:s3:::acme-files-ap-northeast-2"
  bucket_key_arns      = ["arn:aws:kms:ap-northeast-2:123456789012:key/1"]
  users = {
    partner = { public_keys = ["ssh-ed25519 AAAA one", "ssh-ed25519 BBBB two"], home = "partners/one" }
  }
}

run "enabled" {
  assert {
    condition     = aws_transfer_server.main[0].endpoint_type == "VPC" && aws_transfer_server.main[0].identity_provider_type == "SERVICE_MANAGED"
    error_message = "The server has a public endpoint."
  }
  assert {
    condition     = aws_transfer_server.main[0].host_key == "not a key"
    error_message = "The host key is not the one of the secret."
  }
  assert {
    condition     = aws_transfer_server.main[0].structured_log_destinations == toset(["arn:aws:logs:ap-northeast-2:123456789012:log-group:/portal/sftp:*"])
    error_message = "It does not log."
  }
  assert {
    condition     = one(aws_transfer_user.main["partner"].home_directory_mappings).target == "/acme-files-ap-northeast-2/partners/one"
    error_message = "A user's home is another one."
  }
  assert {
    condition     = contains(flatten([for s in jsondecode(aws_transfer_user.main["partner"].policy).Statement : s.Resource]), "arn:aws:s3:::acme-files-ap-northeast-2/partners/one/*")
    error_message = "A session reaches another home."
  }
  assert {
    condition     = length(aws_transfer_ssh_key.main) == 2 && keys(aws_vpc_security_group_ingress_rule.clients) == ["10.0.0.0/16", "10.20.0.0/16"]
    error_message = "Keys or clients are missing."
  }
}

run "not_enabled" {
  variables {
    enabled = false
  }

  assert {
    condition     = length(aws_transfer_server.main) == 0 && length(aws_transfer_user.main) == 0 && length(aws_security_group.sftp) == 0
    error_message = "The server stands."
  }
  assert {
    condition     = length(data.aws_secretsmanager_secret_version.host_key) == 0
    error_message = "The host key is read for no server."
  }
  assert {
    condition     = aws_iam_role.user.name == "portal-ap-northeast-2-sftp" && aws_cloudwatch_log_group.sftp.name == "/portal/sftp"
    error_message = "A failover would have to make a role."
  }
}

run "policies" {
  assert {
    condition = length([
      for s in jsondecode(aws_iam_role_policy.user.policy).Statement : s
      if can(regex("[*]", join(" ", flatten([s.Action])))) || contains(flatten([s.Resource]), "*")
    ]) == 0
    error_message = "The role has a wildcard."
  }
}

run "refuses_bad_input" {
  command = plan

  variables {
    client_cidrs = ["0.0.0.0/0"]
    bucket_arn   = "acme-files"
    users        = { "a b" = { public_keys = [], home = "x" } }
  }

  expect_failures = [var.client_cidrs, var.bucket_arn, var.users]
}
