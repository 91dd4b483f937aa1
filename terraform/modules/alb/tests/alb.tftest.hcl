mock_provider "aws" {
  mock_resource "aws_lb" {
    defaults = { arn = "arn:aws:elasticloadbalancing:ap-northeast-2:123456789012:loadbalancer/app/portal/1" }
  }
  mock_resource "aws_lb_target_group" {
    defaults = { arn = "arn:aws:elasticloadbalancing:ap-northeast-2:123456789012:targetgroup/portal/1" }
  }
}

variables {
  name            = "portal"
  vpc_id          = "vpc-1"
  cidr            = "10.20.0.0/16"
  subnet_ids      = ["subnet-1", "subnet-2"]
  client_cidrs    = ["10.0.0.0/16"]
  certificate_arn = "arn:aws:acm:ap-northeast-2:123456789012:certificate/1"
}

run "internal" {
  assert {
    condition     = aws_lb.main.internal && keys(aws_vpc_security_group_ingress_rule.clients) == ["10.0.0.0/16", "10.20.0.0/16"]
    error_message = "Who reaches it: ${jsonencode(keys(aws_vpc_security_group_ingress_rule.clients))}"
  }
  assert {
    condition     = aws_vpc_security_group_egress_rule.tasks.cidr_ipv4 == "10.20.0.0/16" && aws_vpc_security_group_egress_rule.tasks.to_port == 8080
    error_message = "It may talk to more than the tasks."
  }
  assert {
    condition     = aws_lb_listener.https.protocol == "HTTPS" && aws_lb_listener.https.port == 443 && can(regex("TLS13-1-2", aws_lb_listener.https.ssl_policy))
    error_message = "The listener takes less than TLS 1.2."
  }
  assert {
    condition     = aws_lb.main.drop_invalid_header_fields && !aws_lb.main.enable_deletion_protection
    error_message = "Headers are not checked, or a flip could not remove it."
  }
  assert {
    condition     = aws_lb_target_group.main.target_type == "ip" && aws_lb_target_group.main.health_check[0].path == "/healthz"
    error_message = "The target group does not suit Fargate."
  }
  assert {
    condition     = length([for log in aws_lb.main.access_logs : log if log.enabled]) == 0
    error_message = "Access logs without a bucket."
  }
}

run "public" {
  variables {
    internal = false
  }

  assert {
    condition     = !aws_lb.main.internal && keys(aws_vpc_security_group_ingress_rule.clients) == ["0.0.0.0/0"]
    error_message = "A public one is for everybody."
  }
  assert {
    condition     = alltrue([for r in aws_vpc_security_group_ingress_rule.clients : r.from_port == 443 && r.to_port == 443])
    error_message = "More than port 443 is open."
  }
}

run "logs" {
  variables {
    access_log_bucket = "acme-alb-logs"
  }

  assert {
    condition     = aws_lb.main.access_logs[0].enabled && aws_lb.main.access_logs[0].bucket == "acme-alb-logs"
    error_message = "No access logs."
  }
}

run "refuses_everybody_as_clients" {
  command = plan

  variables {
    client_cidrs = ["0.0.0.0/0"]
  }

  expect_failures = [var.client_cidrs]
}

run "refuses_a_bad_name" {
  command = plan

  variables {
    name = "Portal_1"
  }

  expect_failures = [var.name]
}
