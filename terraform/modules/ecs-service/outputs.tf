output "cluster_arn" {
  description = "The cluster."
  value       = aws_ecs_cluster.main.arn
}

output "service_arn" {
  description = "The service; null when not running."
  value       = one(aws_ecs_service.main[*].id)
}

output "task_definition_arn" {
  description = "The revision that the service runs: the newest ACTIVE one."
  value       = data.aws_ecs_task_definition.newest.arn
}

output "task_security_group_id" {
  description = "Security group of the tasks; null when not running."
  value       = one(aws_security_group.tasks[*].id)
}

output "task_role_arn" {
  description = "Role of the application."
  value       = aws_iam_role.task.arn
}
