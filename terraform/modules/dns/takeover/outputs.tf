output "alarm_name" {
  description = "The alarm; module dns/traffic names it <name>-standby-takes-over as well."
  value       = aws_cloudwatch_metric_alarm.takeover.alarm_name
}
