mock_provider "aws" {}

variables {
  service        = "portal"
  zone_id        = "Z1"
  name           = "service-be.example.com"
  active_region  = "ap-northeast-2"
  home_region    = "ap-northeast-2"
  standby_region = "ap-northeast-1"
}

run "simple" {
  command = plan

  assert {
    condition     = aws_route53_record.simple[0].records == toset(["ap-northeast-2.service-be.example.com"]) && aws_route53_record.simple[0].ttl == 60
    error_message = "The public name does not lead to the active Region."
  }
  assert {
    condition     = length(aws_route53_record.weighted) == 0 && length(aws_route53_record.primary) == 0 && length(aws_route53_health_check.takeover) == 0
    error_message = "More than one shape."
  }
}

run "simple_flipped" {
  command = plan

  variables {
    active_region = "ap-northeast-1"
  }

  assert {
    condition     = aws_route53_record.simple[0].records == toset(["ap-northeast-1.service-be.example.com"])
    error_message = "A flip does not move the public name."
  }
}

run "weighted" {
  command = plan

  variables {
    weighted = true
  }

  assert {
    condition     = output.weights == tomap({ ap-northeast-2 = 100, ap-northeast-1 = 100 })
    error_message = "Both Regions share: ${jsonencode(output.weights)}"
  }
  assert {
    condition     = length(aws_route53_record.simple) == 0 && length(aws_route53_health_check.regional) == 0
    error_message = "Health checks are off by default."
  }
}

run "weighted_flipped" {
  command = plan

  variables {
    weighted      = true
    health_checks = true
    active_region = "ap-northeast-1"
  }

  assert {
    condition     = output.weights == tomap({ ap-northeast-2 = 0, ap-northeast-1 = 100 })
    error_message = "A failover drains home: ${jsonencode(output.weights)}"
  }
  assert {
    condition     = aws_route53_health_check.regional["ap-northeast-1"].fqdn == "ap-northeast-1.service-be.example.com"
    error_message = "A health check asks another name."
  }
}

run "failover" {
  command = plan

  variables {
    standby_takes_over = true
  }

  assert {
    condition     = aws_route53_record.primary[0].records == toset(["ap-northeast-2.service-be.example.com"]) && aws_route53_record.secondary[0].records == toset(["ap-northeast-1.service-be.example.com"])
    error_message = "The pair does not lead home first."
  }
  assert {
    condition     = aws_route53_health_check.takeover[0].cloudwatch_alarm_name == "portal-standby-takes-over" && aws_route53_health_check.takeover[0].cloudwatch_alarm_region == "ap-northeast-1"
    error_message = "The health check follows another alarm."
  }
  assert {
    condition     = aws_route53_health_check.takeover[0].insufficient_data_health_status == "LastKnownStatus" && aws_route53_health_check.takeover[0].invert_healthcheck != true
    error_message = "A lost standby would move the name."
  }
}

run "failover_flipped" {
  command = plan

  variables {
    standby_takes_over = true
    active_region      = "ap-northeast-1"
  }

  assert {
    condition     = aws_route53_record.primary[0].records == toset(["ap-northeast-1.service-be.example.com"]) && aws_route53_record.secondary[0].records == toset(["ap-northeast-1.service-be.example.com"])
    error_message = "After a flip the metric can send traffic to the lost Region."
  }
}

run "refuses_bad_input" {
  command = plan

  variables {
    active_region = "Tokyo"
    ttl           = 600
  }

  expect_failures = [var.active_region, var.ttl]
}
