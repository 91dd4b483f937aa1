output "arn" {
  description = "The load balancer."
  value       = aws_lb.main.arn
}

output "dns_name" {
  description = "Its name, which AWS chooses."
  value       = aws_lb.main.dns_name
}

output "zone_id" {
  description = "Hosted zone of that name, for an alias record."
  value       = aws_lb.main.zone_id
}

output "target_group_arn" {
  description = "Target group of the tasks, once a listener leads to it: ECS refuses a service whose group has none."
  value       = aws_lb_target_group.main.arn
  depends_on  = [aws_lb_listener.https]
}

output "security_group_id" {
  description = "Security group from which the tasks are reached."
  value       = aws_security_group.alb.id
}
