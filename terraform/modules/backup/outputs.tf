output "vault_arns" {
  description = "The vault by Region."
  value = {
    (var.home_region)    = aws_backup_vault.home.arn
    (var.standby_region) = aws_backup_vault.standby.arn
  }
}

output "restore_role_arn" {
  description = "What AWS Backup is given for a restore in the standby Region."
  value       = aws_iam_role.restore.arn
}
