mock_provider "aws" {}

variables {
  name = "portal"
}

run "alarm" {
  assert {
    condition     = output.alarm_name == "portal-standby-takes-over" && aws_cloudwatch_metric_alarm.takeover.treat_missing_data == "ignore"
    error_message = "Silence moves the name, or the health check follows another alarm."
  }
  assert {
    condition     = aws_cloudwatch_metric_alarm.takeover.period == 60 && aws_cloudwatch_metric_alarm.takeover.statistic == "Maximum"
    error_message = "Route 53 cannot follow this alarm."
  }
}
