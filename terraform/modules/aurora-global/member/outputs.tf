output "id" {
  description = "Identifier of the cluster."
  value       = aws_rds_cluster.main.cluster_identifier
}

output "arn" {
  description = "ARN of the cluster."
  value       = aws_rds_cluster.main.arn
}

output "endpoint" {
  description = "The cluster's endpoint: writes here while this Region is the writer."
  value       = aws_rds_cluster.main.endpoint
}

output "security_group_id" {
  description = "The database's security group."
  value       = aws_security_group.database.id
}

output "global_cluster_id" {
  description = "The global cluster, once this member and its instances stand: what the next member joins."
  value       = var.global_cluster_id

  depends_on = [aws_rds_cluster_instance.main]
}

output "parameters" {
  description = "What must be equal in both Regions."
  value = {
    cluster  = { for p in aws_rds_cluster_parameter_group.main.parameter : p.name => p.value }
    instance = { for p in aws_db_parameter_group.main.parameter : p.name => p.value }
  }
}
