mock_provider "aws" {
  mock_resource "aws_iam_policy" {
    defaults = { arn = "arn:aws:iam::123456789012:policy/mock" }
  }
  mock_resource "aws_iam_role" {
    defaults = { arn = "arn:aws:iam::123456789012:role/mock" }
  }
}

variables {
  one_terraform_role = true
  bot_role_arn       = "arn:aws:iam::123456789012:role/drbot"
  account_id         = "123456789012"
  service            = "portal"
  home_region        = "ap-northeast-2"
  standby_region     = "ap-northeast-1"
  zone_name          = "acme.example"
  zone_id            = "Z0123456789EXAMPLE"
  bucket_prefix      = "acme-portal"
  state = {
    bucket      = "acme-terraform-state"
    region      = "ap-northeast-3"
    folder      = "portal"
    kms_key_arn = "arn:aws:kms:ap-northeast-3:123456789012:key/mrk-0"
    lock_table  = "acme-terraform-lock"
  }
}

run "roles" {
  assert {
    condition = toset([for role in aws_iam_role.main : role.name]) == toset([
      "drbot-read-ap-northeast-2", "drbot-read-ap-northeast-1",
      "drbot-apply-ap-northeast-2", "drbot-apply-ap-northeast-1",
      "drbot-promote-ap-northeast-2", "drbot-promote-ap-northeast-1",
    ])
    error_message = "The roles must be read, apply and promote of each Region."
  }
  assert {
    condition = alltrue([for role in concat(values(aws_iam_role.main), aws_iam_role.terraform) : alltrue([
      for s in jsondecode(role.assume_role_policy).Statement :
      s.Principal.AWS == "arn:aws:iam::123456789012:role/drbot" && s.Action == "sts:AssumeRole" && length(s.Condition.StringEquals["sts:RoleSessionName"]) > 0
    ])])
    error_message = "Only drbot's own role may assume them, under the names it gives its sessions."
  }
  assert {
    condition     = toset([for key in keys(aws_iam_role_policy_attachment.read) : split("-", key)[0]]) == toset(["read", "apply"])
    error_message = "Who plans and who applies reads; who promotes does not."
  }
}

run "no_statement_is_broad" {
  assert {
    condition = alltrue([
      for policy in concat([for p in aws_iam_policy.read : p.policy], [for p in aws_iam_policy.apply : p.policy], [for p in aws_iam_role_policy.promote : p.policy]) : alltrue([
        for s in jsondecode(policy).Statement : alltrue([for action in flatten([s.Action]) : !can(regex("\\*", action))])
      ])
    ])
    error_message = "Every action must be named."
  }
  assert {
    condition = alltrue([
      for policy in concat([for p in aws_iam_policy.read : p.policy], [for p in aws_iam_policy.apply : p.policy], [for p in aws_iam_role_policy.promote : p.policy]) : alltrue([
        for s in jsondecode(policy).Statement : s.Effect == "Allow" && can(s.Resource) && !can(s.NotAction) && !can(s.NotResource)
      ])
    ])
    error_message = "Statements must say what they allow, on what."
  }
  assert {
    condition = alltrue([
      for policy in [for p in aws_iam_policy.apply : p.policy] : alltrue([
        for s in jsondecode(policy).Statement : can(s.Condition) if contains(flatten([s.Resource]), "*")
      ])
    ])
    error_message = "What changes something must name its resource or have a condition."
  }
}

run "no_data_and_no_iam" {
  assert {
    condition = alltrue(flatten([
      for p in aws_iam_policy.apply : [for s in jsondecode(p.policy).Statement : [
        for action in flatten([s.Action]) : !can(regex("^(iam|kms:Schedule|rds|ec2:(CreateVpc$|DeleteVpc$|CreateSubnet|DeleteSubnet)|secretsmanager|ecr|backup|s3:(Create|DeleteBucket|Put[^O]))", action)) || action == "iam:PassRole"
      ]]
    ]))
    error_message = "To apply a flip takes nothing of IAM but PassRole, and nothing that holds data."
  }
  assert {
    condition = alltrue(flatten([
      for p in aws_iam_policy.apply : [for s in jsondecode(p.policy).Statement : can(s.Condition.StringEquals["iam:PassedToService"]) && alltrue([
        for r in flatten([s.Resource]) : can(regex(":role/portal-ap-northeast-[12]-[a-z-]+$", r))
      ]) if contains(flatten([s.Action]), "iam:PassRole")]
    ]))
    error_message = "PassRole must name the role and the service."
  }
  assert {
    condition = alltrue(flatten([
      for p in aws_iam_policy.read : [for s in jsondecode(p.policy).Statement : [
        for action in flatten([s.Action]) : can(regex(":(Describe|Get|List)", action)) || action == "kms:Decrypt"
      ]]
    ]))
    error_message = "The role to read must only read."
  }
}

run "regions_are_apart" {
  assert {
    condition     = alltrue([for key, p in aws_iam_policy.apply : !strcontains(p.policy, endswith(key, "ap-northeast-1") ? "ap-northeast-2" : "ap-northeast-1")])
    error_message = "A role to apply must not name the other Region."
  }
  assert {
    condition = alltrue([for region, p in aws_iam_role_policy.promote : toset(jsondecode(p.policy).Statement[0].Resource) == toset([
      "arn:aws:rds::123456789012:global-cluster:portal",
      "arn:aws:rds:ap-northeast-2:123456789012:cluster:portal-ap-northeast-2",
      "arn:aws:rds:ap-northeast-1:123456789012:cluster:portal-ap-northeast-1",
    ])])
    error_message = "Moving the writer takes the global cluster and both members, and no other."
  }
  assert {
    condition     = jsondecode(aws_iam_role_policy.promote["ap-northeast-1"].policy).Statement[1].Resource == "arn:aws:ecs:ap-northeast-1:123456789012:service/portal/portal"
    error_message = "Tasks are scaled in the role's own Region."
  }
}

# "IAM and AWS STS quotas": a managed policy has 6,144 characters at most, an attached role ten policies.
run "within_quotas" {
  assert {
    condition     = alltrue([for p in concat(values(aws_iam_policy.read), values(aws_iam_policy.apply)) : length(p.policy) <= 6144])
    error_message = "A policy is too long: ${jsonencode({ for k, p in merge(aws_iam_policy.read, aws_iam_policy.apply) : k => length(p.policy) })}"
  }
  assert {
    condition     = length(aws_iam_role_policy_attachment.terraform) <= 10
    error_message = "A role can have ten policies."
  }
}

run "without_the_sum" {
  variables {
    one_terraform_role = false
  }
  assert {
    condition     = keys(aws_iam_policy.apply) == ["apply-ap-northeast-1", "apply-ap-northeast-2", "sftp-ap-northeast-1", "sftp-ap-northeast-2"]
    error_message = "Each Region must have its own policies to apply."
  }
  assert {
    condition     = length(aws_iam_role.terraform) == 0 && length(aws_iam_role_policy_attachment.terraform) == 0
    error_message = "Without one_terraform_role there is none."
  }
  assert {
    condition = { for key, role in aws_iam_role.main : key => jsondecode(role.assume_role_policy).Statement[0].Condition.StringEquals["sts:RoleSessionName"] } == merge([
      for region in ["ap-northeast-1", "ap-northeast-2"] : {
        "read-${region}"    = ["drbot-read", "drbot-plan"]
        "apply-${region}"   = ["drbot-apply", "drbot-look"]
        "promote-${region}" = ["drbot-promote"]
      }
    ]...)
    error_message = "Each role must be taken under the names that drbot gives the sessions of its purpose."
  }
}

run "lock_in_the_bucket" {
  variables {
    state = {
      bucket      = "acme-terraform-state"
      region      = "ap-northeast-3"
      folder      = "portal"
      kms_key_arn = "arn:aws:kms:ap-northeast-3:123456789012:key/mrk-0"
      lock_table  = null
    }
  }
  assert {
    condition     = !strcontains(aws_iam_policy.apply["apply-ap-northeast-1"].policy, "dynamodb") && strcontains(aws_iam_policy.apply["apply-ap-northeast-1"].policy, "portal/ap-northeast-1.tfstate.tflock")
    error_message = "Without a table the lock is an object beside the state."
  }
}

run "bad_role" {
  command = plan
  variables {
    bot_role_arn = "*"
  }
  expect_failures = [var.bot_role_arn]
}
