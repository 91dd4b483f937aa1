locals {
  members = merge(
    { (var.home_region) = module.home },
    { for member in module.standby : var.standby_region => member },
  )
}

output "global_cluster_id" {
  description = "Identifier of the global cluster."
  value       = aws_rds_global_cluster.main.global_cluster_identifier
}

output "global_cluster_arn" {
  description = "ARN of the global cluster: keep it in drbot's configuration."
  value       = aws_rds_global_cluster.main.arn
}

output "cluster_ids" {
  description = "Identifier of the member by Region."
  value       = { for region, member in local.members : region => member.id }
}

output "cluster_arns" {
  description = "ARN of the member by Region: keep them in drbot's configuration, since a lost Region cannot be asked."
  value       = { for region, member in local.members : region => member.arn }
}

output "endpoints" {
  description = "Cluster endpoint by Region. It takes writes while its Region is the writer."
  value       = { for region, member in local.members : region => member.endpoint }
}

output "security_group_ids" {
  description = "The database's security group by Region."
  value       = { for region, member in local.members : region => member.security_group_id }
}

output "parameters" {
  description = "Parameters by Region, equal by construction."
  value       = { for region, member in local.members : region => member.parameters }
}
