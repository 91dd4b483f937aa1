mock_provider "aws" {}

variables {
  name                  = "portal"
  region                = "ap-northeast-1"
  global_cluster_id     = "portal"
  engine                = "aurora-mysql"
  engine_version        = "8.0.mysql_aurora.3.08.0"
  family                = "aurora-mysql8.0"
  vpc_id                = "vpc-1"
  subnet_group          = "portal"
  client_cidrs          = ["10.21.0.0/16"]
  kms_key_arn           = "arn:aws:kms:ap-northeast-1:123456789012:key/mrk-1"
  instances             = 1
  min_acu               = 0.5
  max_acu               = 16
  cluster_parameters    = { time_zone = "UTC" }
  instance_parameters   = { slow_query_log = "1" }
  write_forwarding      = false
  backup_retention_days = 35
  log_retention_days    = 90
  deletion_protection   = true
  skip_final_snapshot   = false
  tags                  = {}
}

run "a_member_that_joins" {
  command = plan

  module {
    source = "./member"
  }

  assert {
    condition     = aws_rds_cluster.main.cluster_identifier == "portal-ap-northeast-1" && aws_rds_cluster_instance.main[0].identifier == "portal-ap-northeast-1-1"
    error_message = "Names must be portal-<region> and portal-<region>-1."
  }

  assert {
    condition     = aws_rds_cluster.main.storage_encrypted && aws_rds_cluster.main.kms_key_id == var.kms_key_arn
    error_message = "Storage must be encrypted with the Region's key."
  }

  assert {
    condition     = aws_rds_cluster.main.master_password == null
    error_message = "A member that joins has no password."
  }

  assert {
    condition     = aws_rds_cluster.main.iam_database_authentication_enabled && aws_rds_cluster.main.deletion_protection && !aws_rds_cluster.main.skip_final_snapshot
    error_message = "IAM sign-in, deletion protection and a last snapshot must be on."
  }

  assert {
    condition     = aws_rds_cluster.main.serverlessv2_scaling_configuration[0].min_capacity == 0.5 && aws_rds_cluster_instance.main[0].instance_class == "db.serverless"
    error_message = "The passive member must be serverless with a low floor."
  }

  assert {
    condition     = !aws_rds_cluster_instance.main[0].publicly_accessible && !aws_rds_cluster_instance.main[0].auto_minor_version_upgrade
    error_message = "Instances must be private and keep their version."
  }

  assert {
    condition     = alltrue([for group in aws_cloudwatch_log_group.main : group.kms_key_id == var.kms_key_arn]) && length(aws_cloudwatch_log_group.main) == 3
    error_message = "The logs must be encrypted."
  }

  assert {
    condition     = [for rule in aws_vpc_security_group_ingress_rule.mysql : rule.cidr_ipv4] == ["10.21.0.0/16"]
    error_message = "Only the clients may come in."
  }
}
