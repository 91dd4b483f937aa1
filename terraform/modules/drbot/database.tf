# PostgreSQL for platform = "ecs": runs, the audit log and the engine's own tables. RDS makes and rotates the password of its master in a
# secret of its own; Terraform never sees it. drbot reads the password as PGPASSWORD when the task starts. After a rotation the open connections
# stay; should they break, the bot loses its lock, ends, and its next task reads the new password.
#
# The master may do everything in the instance. var.database_user names a user of drbot's own, which people make once (docs/operate.md).
# drbot asks the database by verify-full alone, so it is given the authorities that RDS signs with.

locals {
  make_database = local.ecs == 1 && var.database_url_secret_arn == null ? 1 : 0

  database_security_group_id = local.make_database == 1 ? aws_security_group.database[0].id : var.database_security_group_id
  database_own_user          = var.database_user != null
  database_master_secret_arn = one(flatten(aws_db_instance.main[*].master_user_secret[*].secret_arn))
  database_secret_arn        = local.make_database == 0 ? var.database_url_secret_arn : local.database_own_user ? var.database_user.password_secret_arn : local.database_master_secret_arn

  # Without the authorities nothing could be asked: where the database is made here they must be given.
  database_ca      = local.make_database == 1 ? coalesce(var.database_ca) : var.database_ca
  database_ca_file = "/etc/drbot/rds-ca.pem"

  database_environment = { for db in aws_db_instance.main : "DRBOT_DATABASE_URL" => "postgres://${local.database_own_user ? var.database_user.name : db.username}@${db.endpoint}/${db.db_name}?sslmode=verify-full&sslrootcert=${local.database_ca_file}" }

  database_secret = local.make_database == 1 ? {
    name      = "PGPASSWORD"
    valueFrom = "${local.database_secret_arn}:password::"
    } : {
    name      = "DRBOT_DATABASE_URL"
    valueFrom = local.database_secret_arn
  }
}

resource "aws_db_instance" "main" {
  count = local.make_database

  identifier     = var.name
  engine         = "postgres"
  engine_version = "16"
  instance_class = var.database_instance_class
  db_name        = "drbot"
  username       = "drbot"

  manage_master_user_password   = true
  master_user_secret_kms_key_id = local.kms_key_arn

  storage_type          = "gp3"
  allocated_storage     = 20
  max_allocated_storage = 100
  storage_encrypted     = true
  kms_key_id            = local.kms_key_arn

  multi_az                  = var.database_multi_az
  publicly_accessible       = false
  db_subnet_group_name      = aws_db_subnet_group.main[0].name
  vpc_security_group_ids    = [aws_security_group.database[0].id]
  backup_retention_period   = 14
  copy_tags_to_snapshot     = true
  deletion_protection       = var.deletion_protection
  skip_final_snapshot       = false
  final_snapshot_identifier = "${var.name}-last"
  tags                      = var.tags

  lifecycle {
    prevent_destroy = true # the memory of every run, and the audit log
  }
}

resource "aws_db_subnet_group" "main" {
  count = local.make_database

  name       = var.name
  subnet_ids = var.subnet_ids
  tags       = var.tags
}

resource "aws_security_group" "database" {
  count = local.make_database

  name        = "${var.name}-database"
  description = "Database of the bot"
  vpc_id      = var.vpc_id
  tags        = merge(var.tags, { Name = "${var.name}-database" })
}

resource "aws_vpc_security_group_ingress_rule" "database" {
  count = local.make_database

  security_group_id            = aws_security_group.database[0].id
  description                  = "PostgreSQL from the bot"
  referenced_security_group_id = aws_security_group.bot.id
  ip_protocol                  = "tcp"
  from_port                    = 5432
  to_port                      = 5432
  tags                         = var.tags
}

resource "aws_vpc_security_group_egress_rule" "database" {
  count = local.ecs

  security_group_id            = aws_security_group.bot.id
  description                  = "PostgreSQL"
  referenced_security_group_id = local.database_security_group_id
  ip_protocol                  = "tcp"
  from_port                    = 5432
  to_port                      = 5432
  tags                         = var.tags
}
