# One Region's cluster of the global database. Both Regions are this module, so what must be equal is equal; and
# nothing here asks which of them writes, so that a promotion leaves nothing to apply.

locals {
  id   = "${var.name}-${var.region}"
  logs = ["audit", "error", "slowquery"]
}

resource "aws_rds_cluster" "main" {
  cluster_identifier        = local.id
  global_cluster_identifier = var.global_cluster_id
  source_region             = var.source_region

  engine          = var.engine
  engine_version  = var.engine_version
  database_name   = var.database
  master_username = var.master_username
  master_password = var.master_password

  db_subnet_group_name                = var.subnet_group
  vpc_security_group_ids              = [aws_security_group.database.id]
  db_cluster_parameter_group_name     = aws_rds_cluster_parameter_group.main.name
  iam_database_authentication_enabled = true # how the application signs in: no password to keep, copy or rotate
  enable_global_write_forwarding      = var.write_forwarding

  storage_encrypted = true
  kms_key_id        = var.kms_key_arn

  backup_retention_period         = var.backup_retention_days
  copy_tags_to_snapshot           = true
  deletion_protection             = var.deletion_protection
  skip_final_snapshot             = var.skip_final_snapshot
  final_snapshot_identifier       = "${local.id}-final"
  enabled_cloudwatch_logs_exports = local.logs
  tags                            = var.tags

  serverlessv2_scaling_configuration {
    min_capacity = var.min_acu
    max_capacity = var.max_acu
  }

  # RDS makes log groups without key and end; these stand before it does.
  depends_on = [aws_cloudwatch_log_group.main]

  lifecycle {
    prevent_destroy = true

    # A promotion swaps what the two members say of themselves, and Terraform must never undo it:
    ignore_changes = [
      replication_source_identifier, # moves to the demoted side; the provider answers "" with PromoteReadReplicaDBCluster
      global_cluster_identifier,     # the provider answers "" with RemoveFromGlobalCluster
      engine_version,                # an upgrade comes by the global cluster
      database_name,                 # a secondary has none of its own; a difference would replace the cluster
      master_username,               # the same
      source_region,                 # of the creation only; RDS does not tell it again
      master_password,               # rotated outside Terraform right after creation, see ../variables.tf
    ]
  }
}

resource "aws_rds_cluster_instance" "main" {
  count = var.instances

  identifier              = "${local.id}-${count.index + 1}"
  cluster_identifier      = aws_rds_cluster.main.id
  engine                  = var.engine
  instance_class          = "db.serverless"
  db_subnet_group_name    = var.subnet_group
  db_parameter_group_name = aws_db_parameter_group.main.name
  publicly_accessible     = false
  copy_tags_to_snapshot   = true
  promotion_tier          = count.index < 2 ? count.index : 15
  tags                    = var.tags

  # Both members must run the same minor version or the promotion is refused; a person moves them together.
  auto_minor_version_upgrade = false
}

# Parameter groups are not inherited by a promoted cluster ("Using switchover or failover in Aurora Global Database").

resource "aws_rds_cluster_parameter_group" "main" {
  name        = "${var.name}-cluster"
  family      = var.family
  description = "${var.name}, the same in both Regions"
  tags        = var.tags

  dynamic "parameter" {
    for_each = var.cluster_parameters

    content {
      name  = parameter.key
      value = parameter.value
    }
  }
}

resource "aws_db_parameter_group" "main" {
  name        = "${var.name}-instance"
  family      = var.family
  description = "${var.name}, the same in both Regions"
  tags        = var.tags

  dynamic "parameter" {
    for_each = var.instance_parameters

    content {
      name  = parameter.key
      value = parameter.value
    }
  }
}

resource "aws_cloudwatch_log_group" "main" {
  for_each = toset(local.logs)

  name              = "/aws/rds/cluster/${local.id}/${each.key}"
  retention_in_days = var.log_retention_days
  kms_key_id        = var.kms_key_arn
  tags              = var.tags
}

# Clients come in, nothing goes out: Aurora begins no connection.
resource "aws_security_group" "database" {
  name        = "${var.name}-database"
  description = "Clients of ${local.id}"
  vpc_id      = var.vpc_id
  tags        = merge(var.tags, { Name = "${var.name}-database" })
}

resource "aws_vpc_security_group_ingress_rule" "mysql" {
  for_each = toset(var.client_cidrs)

  security_group_id = aws_security_group.database.id
  description       = "MySQL"
  ip_protocol       = "tcp"
  from_port         = 3306
  to_port           = 3306
  cidr_ipv4         = each.key
  tags              = var.tags
}
