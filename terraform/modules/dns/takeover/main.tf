# The switch of the standby-takes-over variant: an alarm in the standby Region, made long before it is needed, which a person or
# a program trips with one PutMetricData call there:
#
#   aws cloudwatch put-metric-data --region <standby> --namespace drbot --metric-name StandbyTakesOver \
#     --dimensions Service=<name> --value 1          # 0 gives the name back
#
# That is a data plane call to the standby Region alone. A health check in the traffic stack follows the same metric.

resource "aws_cloudwatch_metric_alarm" "takeover" {
  alarm_name          = "${var.name}-standby-takes-over"
  alarm_description   = "1: the standby Region takes the public name of ${var.name}. 0: it gives it back."
  namespace           = "drbot"
  metric_name         = "StandbyTakesOver"
  dimensions          = { Service = var.name }
  statistic           = "Maximum"
  comparison_operator = "GreaterThanOrEqualToThreshold"
  threshold           = 1
  period              = 60 # Route 53 follows neither high resolution nor "M out of N" alarms
  evaluation_periods  = 1
  treat_missing_data  = "ignore" # one value holds until the next: silence decides nothing
  actions_enabled     = false
  tags                = var.tags
}
