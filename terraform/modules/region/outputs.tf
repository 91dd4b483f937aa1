output "active" {
  description = "Whether this Region serves."
  value       = local.active
}

output "stands" {
  description = "What stands here by activity."
  value = {
    endpoints = local.endpoints
    alb       = local.alb
    tasks     = local.running ? local.desired : 0
    sftp      = local.sftp
  }
}

output "regional_name" {
  description = "The Region's own name; null without a load balancer."
  value       = one(module.regional_name[*].name)
}

output "alb_arn" {
  description = "The load balancer; null without."
  value       = one(module.alb[*].arn)
}

output "target_group_arn" {
  description = "The target group; null without."
  value       = one(module.alb[*].target_group_arn)
}

output "sftp_server_id" {
  description = "The SFTP server; null without."
  value       = module.sftp.server_id
}

output "task_definition_arn" {
  description = "The newest ACTIVE revision of the task family here."
  value       = module.service.task_definition_arn
}
