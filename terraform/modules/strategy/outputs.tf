output "passive" {
  description = "What stands in the passive Region: {copies, backups, network, database, endpoints, alb, tasks, sftp, traffic}."
  value       = local.table[var.strategy]
}
