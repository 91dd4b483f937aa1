output "active" {
  description = "Whether this Region serves."
  value       = module.region.active
}

output "stands" {
  description = "What stands here by activity."
  value       = module.region.stands
}

output "regional_name" {
  description = "The Region's own name; null without a load balancer."
  value       = module.region.regional_name
}

output "target_group_arn" {
  description = "The target group of the tasks; null without."
  value       = module.region.target_group_arn
}

output "sftp_server_id" {
  description = "The SFTP server; null without."
  value       = module.region.sftp_server_id
}
