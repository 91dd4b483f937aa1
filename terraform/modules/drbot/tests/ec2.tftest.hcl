# prevent_destroy would stop the end of a test that applies, so every run is a plan, with what AWS gives known in it.
mock_provider "aws" {
  override_during = plan
  mock_resource "aws_ebs_volume" {
    defaults = { id = "vol-0123456789abcdef0", arn = "arn:aws:ec2:ap-northeast-3:123456789012:volume/vol-0123456789abcdef0" }
  }
  mock_data "aws_ssm_parameter" {
    defaults = { insecure_value = "ami-0" }
  }
  mock_resource "aws_kms_key" {
    defaults = { arn = "arn:aws:kms:ap-northeast-3:123456789012:key/0" }
  }
  mock_resource "aws_iam_role" {
    defaults = { arn = "arn:aws:iam::123456789012:role/drbot", id = "drbot" }
  }
  mock_resource "aws_iam_policy" {
    defaults = { arn = "arn:aws:iam::123456789012:policy/mock" }
  }
  mock_resource "aws_lb" {
    defaults = { arn = "arn:aws:elasticloadbalancing:ap-northeast-3:123456789012:loadbalancer/app/drbot/0" }
  }
  mock_resource "aws_lb_target_group" {
    defaults = { arn = "arn:aws:elasticloadbalancing:ap-northeast-3:123456789012:targetgroup/drbot-ec2/0" }
  }
  mock_resource "aws_lb_listener" {
    defaults = { arn = "arn:aws:elasticloadbalancing:ap-northeast-3:123456789012:listener/app/drbot/0/0" }
  }
  mock_resource "aws_secretsmanager_secret" {
    defaults = { arn = "arn:aws:secretsmanager:ap-northeast-3:123456789012:secret:drbot-abcdef" }
  }
  mock_resource "aws_cloudwatch_log_group" {
    defaults = { arn = "arn:aws:logs:ap-northeast-3:123456789012:log-group:/drbot/server" }
  }
}

variables {
  platform           = "ec2"
  region             = "ap-northeast-3"
  account_id         = "123456789012"
  image              = "123456789012.dkr.ecr.ap-northeast-3.amazonaws.com/drbot:1"
  ecr_repository_arn = "arn:aws:ecr:ap-northeast-3:123456789012:repository/drbot"
  config             = "slack: {team_id: T0123ABCD}\n"
  vpc_id             = "vpc-0"
  vpc_cidr           = "10.30.0.0/16"
  subnet_ids         = ["subnet-a", "subnet-c"]
  alb_subnet_ids     = ["subnet-pa", "subnet-pc"]
  certificate_arn    = "arn:aws:acm:ap-northeast-3:123456789012:certificate/0"
  availability_zone  = "ap-northeast-3a"
  proxy              = "http://proxy.internal:3128"
  services = {
    portal = {
      prefix         = "drbot"
      home_region    = "ap-northeast-2"
      standby_region = "ap-northeast-1"
      zone_name      = "acme.example"
      zone_id        = "Z0123456789EXAMPLE"
      bucket_prefix  = "acme-portal"
      state_folder   = "portal"
    }
  }
  state = {
    bucket      = "acme-terraform-state"
    region      = "ap-northeast-3"
    kms_key_arn = "arn:aws:kms:ap-northeast-3:123456789012:key/mrk-0"
    lock_table  = "acme-terraform-lock"
  }
}

run "one_instance" {
  command = plan
  assert {
    condition     = length(aws_instance.main) == 1 && length(aws_ecs_service.main) == 0 && length(aws_ecs_task_definition.main) == 0 && length(aws_db_instance.main) == 0 && length(aws_efs_file_system.work) == 0
    error_message = "On ec2 there is one instance and nothing of ECS."
  }
  assert {
    condition     = aws_instance.main[0].metadata_options[0].http_tokens == "required" && aws_instance.main[0].metadata_options[0].http_put_response_hop_limit == 1 && aws_instance.main[0].root_block_device[0].encrypted
    error_message = "IMDSv2 only, for the host alone, on an encrypted disk."
  }
  assert {
    condition     = length([for r in [aws_vpc_security_group_ingress_rule.alb] : r.from_port if r.from_port != 8080]) == 0
    error_message = "Nobody but the load balancer reaches the instance, and not by SSH."
  }
}

run "volume" {
  command = plan
  assert {
    condition     = aws_ebs_volume.data[0].encrypted && aws_ebs_volume.data[0].kms_key_id == aws_kms_key.main[0].arn && aws_volume_attachment.data[0].stop_instance_before_detaching
    error_message = "The volume must be encrypted, and be let go of cleanly."
  }
  assert {
    condition     = aws_dlm_lifecycle_policy.data[0].policy_details[0].target_tags["Snapshots"] == aws_ebs_volume.data[0].tags["Snapshots"] && aws_dlm_lifecycle_policy.data[0].policy_details[0].schedule[0].create_rule[0].interval == 4
    error_message = "The volume must have snapshots."
  }
}

run "roles" {
  command = plan
  assert {
    condition = alltrue(flatten([
      for policy in [aws_iam_role_policy.bot.policy, aws_iam_role_policy.instance[0].policy, aws_iam_role_policy.snapshots[0].policy] : [for s in jsondecode(policy).Statement : [
        for action in flatten([s.Action]) : !can(regex("\\*", action)) && !can(regex("^iam:", action))
      ]]
    ]))
    error_message = "Every action must be named, and none is IAM's."
  }
  assert {
    condition     = [for s in jsondecode(aws_iam_role_policy.instance[0].policy).Statement : s.Resource if s.Sid == "ReadSecrets"] == [["arn:aws:secretsmanager:ap-northeast-3:123456789012:secret:drbot-abcdef"]]
    error_message = "What starts the bot must read the bot's secret and no other."
  }
  assert {
    condition     = aws_iam_instance_profile.main[0].role == "drbot-instance" && toset(flatten([for s in jsondecode(aws_iam_role_policy.bot.policy).Statement : s.Action])) == toset(["sts:AssumeRole"])
    error_message = "The instance's role starts the bot; the bot's own takes roles and does nothing else."
  }
  assert {
    condition = alltrue([
      for s in jsondecode(aws_iam_role.bot.assume_role_policy).Statement : keys(s.Principal) == ["AWS"] && s.Condition == { StringEquals = { "sts:RoleSessionName" = "drbot" } }
    ])
    error_message = "The instance alone may be the bot, and no service."
  }
}

run "proxy" {
  command = plan
  assert {
    condition     = [for r in aws_vpc_security_group_egress_rule.proxy : r.from_port] == [3128]
    error_message = "The way to the proxy must be open."
  }
}
