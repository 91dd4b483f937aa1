output "dns_name" {
  description = "The load balancer. A CNAME of the name that Slack and GitHub call points here."
  value       = aws_lb.main.dns_name
}

output "zone_id" {
  description = "Its zone, for an alias record."
  value       = aws_lb.main.zone_id
}

output "role_arn" {
  description = "Role that drbot runs under."
  value       = aws_iam_role.bot.arn
}

output "role_arns" {
  description = "Roles that it takes, by service: read-<region>, apply-<region>, promote-<region>, terraform."
  value       = { for service, roles in module.roles : service => roles.arns }
}

output "secret_name" {
  description = "Secret that people put the tokens into."
  value       = aws_secretsmanager_secret.main.name
}

output "log_group" {
  description = "The log."
  value       = aws_cloudwatch_log_group.main.name
}

output "service" {
  description = "ECS service, as cluster/service; null on ec2."
  value       = local.ecs == 1 ? "${var.name}/${var.name}" : null
}

output "instance_id" {
  description = "The instance, for aws ssm start-session --target; null on ecs."
  value       = one(aws_instance.main[*].id)
}
