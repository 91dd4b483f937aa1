# prevent_destroy would stop the end of a test that applies, so every run is a plan, with what AWS gives known in it.
mock_provider "aws" {
  override_during = plan
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
    defaults = { arn = "arn:aws:elasticloadbalancing:ap-northeast-3:123456789012:targetgroup/drbot-ecs/0" }
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
  mock_resource "aws_efs_file_system" {
    defaults = { arn = "arn:aws:elasticfilesystem:ap-northeast-3:123456789012:file-system/fs-0" }
  }
  mock_resource "aws_efs_access_point" {
    defaults = { arn = "arn:aws:elasticfilesystem:ap-northeast-3:123456789012:access-point/fsap-0" }
  }
  mock_resource "aws_db_instance" {
    defaults = {
      endpoint           = "drbot.abc.ap-northeast-3.rds.amazonaws.com:5432"
      master_user_secret = [{ secret_arn = "arn:aws:secretsmanager:ap-northeast-3:123456789012:secret:rds!db-0", kms_key_id = "", secret_status = "active" }]
    }
  }
}

variables {
  platform           = "ecs"
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
  database_ca        = "-----BEGIN CERTIFICATE-----"
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

run "one_task_at_a_time" {
  command = plan
  assert {
    condition     = aws_ecs_service.main[0].desired_count == 1 && aws_ecs_service.main[0].deployment_minimum_healthy_percent == 0 && aws_ecs_service.main[0].deployment_maximum_percent == 100
    error_message = "There must never be two tasks, not even while deploying."
  }
  assert {
    condition     = length(aws_instance.main) == 0 && length(aws_ebs_volume.data) == 0 && length(aws_dlm_lifecycle_policy.data) == 0
    error_message = "On ecs there is no instance."
  }
}

run "task" {
  command = plan
  assert {
    condition     = alltrue([for c in jsondecode(aws_ecs_task_definition.main[0].container_definitions) : c.readonlyRootFilesystem])
    error_message = "Root file systems must be read-only."
  }
  assert {
    condition = [for c in jsondecode(aws_ecs_task_definition.main[0].container_definitions) : c.user] == ["0", "10001"] && alltrue([
      for c in jsondecode(aws_ecs_task_definition.main[0].container_definitions) : c.stopTimeout == 120 && c.dependsOn == [{ containerName = "files", condition = "SUCCESS" }] if c.name == "drbot"
    ])
    error_message = "The bot must start after its files, as the image's own user, with 120 s to end."
  }
  assert {
    condition = toset([for s in jsondecode(aws_ecs_task_definition.main[0].container_definitions)[1].secrets : s.name]) == toset([
      "DRBOT_GITHUB_TOKEN", "DRBOT_GITHUB_WEBHOOK_SECRET", "DRBOT_HASH_KEY", "DRBOT_SLACK_SIGNING_SECRET", "DRBOT_SLACK_TOKEN", "PGPASSWORD",
    ])
    error_message = "All secrets must come by valueFrom."
  }
  assert {
    condition = { for e in jsondecode(aws_ecs_task_definition.main[0].container_definitions)[1].environment : e.name => e.value } == {
      AWS_REGION         = "ap-northeast-3"
      DRBOT_CONFIG       = "/etc/drbot/drbot.yaml"
      DRBOT_DATABASE_URL = "postgres://drbot@drbot.abc.ap-northeast-3.rds.amazonaws.com:5432/drbot?sslmode=verify-full&sslrootcert=/etc/drbot/rds-ca.pem"
    }
    error_message = "The environment must say where the files and the database are, and no secret."
  }
  assert {
    condition     = { for m in jsondecode(aws_ecs_task_definition.main[0].container_definitions)[1].mountPoints : m.containerPath => m.readOnly } == { "/etc/drbot" = true, "/run/drbot" = false, "/tmp" = false, "/var/lib/drbot" = false }
    error_message = "What the bot writes to must be mounted, its configuration read-only."
  }
  assert {
    condition     = one([for v in aws_ecs_task_definition.main[0].volume : v.efs_volume_configuration[0].transit_encryption if v.name == "work"]) == "ENABLED"
    error_message = "The work folder must be encrypted on its way."
  }
}

run "encrypted" {
  command = plan
  assert {
    condition = alltrue([
      aws_db_instance.main[0].storage_encrypted, aws_db_instance.main[0].kms_key_id == aws_kms_key.main[0].arn,
      aws_db_instance.main[0].master_user_secret_kms_key_id == aws_kms_key.main[0].arn,
      aws_efs_file_system.work[0].encrypted, aws_efs_file_system.work[0].kms_key_id == aws_kms_key.main[0].arn,
      aws_cloudwatch_log_group.main.kms_key_id == aws_kms_key.main[0].arn, aws_secretsmanager_secret.main.kms_key_id == aws_kms_key.main[0].arn,
    ])
    error_message = "Everything at rest must be encrypted by the key."
  }
  assert {
    condition     = aws_db_instance.main[0].manage_master_user_password && aws_db_instance.main[0].password == null && !aws_db_instance.main[0].publicly_accessible && aws_db_instance.main[0].multi_az && aws_db_instance.main[0].deletion_protection
    error_message = "The database must keep its password to itself, be private, and survive a zone."
  }
}

run "exposed" {
  command = plan
  assert {
    condition     = !aws_lb.main.internal && toset([for r in aws_vpc_security_group_ingress_rule.clients : r.cidr_ipv4]) == toset(["0.0.0.0/0"]) && alltrue([for r in aws_vpc_security_group_ingress_rule.clients : r.from_port == 443 && r.to_port == 443])
    error_message = "A public load balancer is open on 443."
  }
  assert {
    condition = !contains(concat(
      [for r in aws_vpc_security_group_egress_rule.https : r.cidr_ipv4], [for r in aws_vpc_security_group_egress_rule.dns : r.cidr_ipv4],
    ), "0.0.0.0/0")
    error_message = "Nothing else is open to everybody."
  }
  assert {
    condition     = toset(one(one(aws_lb_listener_rule.bot.condition).path_pattern).values) == toset(["/slack/commands", "/slack/interactions", "/github/webhook"]) && aws_lb_listener.https.default_action[0].type == "fixed-response"
    error_message = "Only the three paths are forwarded."
  }
}

run "not_exposed" {
  command = plan
  variables {
    expose = false
  }
  assert {
    condition     = aws_lb.main.internal && [for r in aws_vpc_security_group_ingress_rule.clients : r.cidr_ipv4] == ["10.30.0.0/16"]
    error_message = "An internal load balancer is for the VPC."
  }
}

run "only_named_callers" {
  command = plan
  variables {
    ingress_cidrs = ["203.0.113.0/24"]
  }
  assert {
    condition     = [for r in aws_vpc_security_group_ingress_rule.clients : r.cidr_ipv4] == ["203.0.113.0/24"]
    error_message = "ingress_cidrs must be kept to."
  }
}

run "roles" {
  command = plan
  assert {
    condition = alltrue(flatten([
      for policy in [aws_iam_role_policy.bot.policy, aws_iam_role_policy.execution[0].policy] : [for s in jsondecode(policy).Statement : [
        for action in flatten([s.Action]) : !can(regex("\\*", action)) && !can(regex("^iam:", action))
      ]]
    ]))
    error_message = "Every action must be named, and none is IAM's."
  }
  assert {
    condition = toset(flatten([for s in jsondecode(aws_iam_role_policy.bot.policy).Statement : s.Action])) == toset([
      "sts:AssumeRole", "elasticfilesystem:ClientMount", "elasticfilesystem:ClientWrite",
    ])
    error_message = "The bot itself may take roles and write its work folder, and no more."
  }
  assert {
    condition     = alltrue([for s in jsondecode(aws_iam_role.bot.assume_role_policy).Statement : s.Principal == { Service = "ecs-tasks.amazonaws.com" } && s.Condition.StringEquals["aws:SourceAccount"] == "123456789012"])
    error_message = "Only tasks of this account may be the bot."
  }
  assert {
    condition     = !can(regex("kms:\\*", aws_kms_key.main[0].policy))
    error_message = "The key's policy must name its actions."
  }
}

run "database_that_exists" {
  command = plan
  variables {
    database_url_secret_arn    = "arn:aws:secretsmanager:ap-northeast-3:123456789012:secret:drbot-url-abcdef"
    database_security_group_id = "sg-database"
  }
  assert {
    condition     = length(aws_db_instance.main) == 0 && [for s in jsondecode(aws_ecs_task_definition.main[0].container_definitions)[1].secrets : s.valueFrom if s.name == "DRBOT_DATABASE_URL"] == ["arn:aws:secretsmanager:ap-northeast-3:123456789012:secret:drbot-url-abcdef"]
    error_message = "The URL must come from the secret, and no database be made."
  }
  assert {
    condition     = !contains([for e in jsondecode(aws_ecs_task_definition.main[0].container_definitions)[1].environment : e.name], "DRBOT_DATABASE_URL")
    error_message = "The URL must not be in the environment as well."
  }
}

run "database_user_of_its_own" {
  command = plan
  variables {
    database_user = {
      name                = "drbot_bot"
      password_secret_arn = "arn:aws:secretsmanager:ap-northeast-3:123456789012:secret:drbot-user-abcdef"
    }
  }
  assert {
    condition     = [for e in jsondecode(aws_ecs_task_definition.main[0].container_definitions)[1].environment : e.value if e.name == "DRBOT_DATABASE_URL"] == ["postgres://drbot_bot@drbot.abc.ap-northeast-3.rds.amazonaws.com:5432/drbot?sslmode=verify-full&sslrootcert=/etc/drbot/rds-ca.pem"]
    error_message = "drbot must come as its own user, and know whom it asks."
  }
  assert {
    condition     = [for s in jsondecode(aws_ecs_task_definition.main[0].container_definitions)[1].secrets : s.valueFrom if s.name == "PGPASSWORD"] == ["arn:aws:secretsmanager:ap-northeast-3:123456789012:secret:drbot-user-abcdef:password::"]
    error_message = "The password must be that user's."
  }
  assert {
    condition     = [for e in jsondecode(aws_ecs_task_definition.main[0].container_definitions)[0].environment : e.value if e.name == "DATABASE_CA"] == ["-----BEGIN CERTIFICATE-----"]
    error_message = "The task must be given the authorities of the database."
  }
}

run "bad_platform" {
  command = plan
  variables {
    platform = "kubernetes"
  }
  expect_failures = [var.platform]
}

run "bad_proxy" {
  command = plan
  variables {
    proxy = "http://user:password@proxy:3128"
  }
  expect_failures = [var.proxy]
}

run "no_service" {
  command = plan
  variables {
    services = {}
  }
  expect_failures = [var.services]
}
