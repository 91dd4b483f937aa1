# A secret stands in home and is replicated to the standby under the same name, each side with its own copy of the
# key. There is no aws_secretsmanager_secret_version here: its value would be in the state.
#
# Do not promote a replica in a failover: reading needs no promotion, and a promoted one has to be linked anew
# ("Promote a replica secret to a standalone secret"). Write no Region's host name into a value; it is copied as it is.

resource "aws_secretsmanager_secret" "main" {
  provider = aws.home
  for_each = var.secrets

  name                    = "${var.name}/${each.key}"
  description             = each.value
  kms_key_id              = aws_kms_key.main.arn
  recovery_window_in_days = var.recovery_window_days
  tags                    = var.tags

  replica {
    region     = var.standby_region
    kms_key_id = aws_kms_replica_key.main.arn
  }

  lifecycle {
    prevent_destroy = true
  }
}
