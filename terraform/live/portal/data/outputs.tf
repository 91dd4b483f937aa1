output "key_arns" {
  description = "The service's key by Region."
  value       = module.secrets.key_arns
}

output "secret_names" {
  description = "Secrets that people give their values."
  value       = module.secrets.secret_names
}

output "vpc_ids" {
  description = "VPC by Region."
  value = {
    (var.home_region)    = module.network_home.vpc_id
    (var.standby_region) = module.network_standby.vpc_id
  }
}

output "global_cluster_arn" {
  description = "For drbot's configuration."
  value       = module.database.global_cluster_arn
}

output "cluster_arns" {
  description = "For drbot's configuration: member of the global cluster by Region."
  value       = module.database.cluster_arns
}

output "cluster_endpoints" {
  description = "Cluster endpoint by Region."
  value       = module.database.endpoints
}

output "bucket_names" {
  description = "Files bucket by Region."
  value       = module.files.bucket_names
}

output "repository_urls" {
  description = "Image repository by Region."
  value       = module.images.repository_urls
}

output "backup_vault_arns" {
  description = "Backup vault by Region; empty but for backup-restore."
  value       = local.passive.backups ? module.backups[0].vault_arns : {}
}
