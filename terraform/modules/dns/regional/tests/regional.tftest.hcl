mock_provider "aws" {}

variables {
  zone_id = "Z1"
  name    = "ap-northeast-2.service-be.example.com"
  target  = "internal-portal-1.ap-northeast-2.elb.amazonaws.com"
}

run "record" {
  assert {
    condition     = aws_route53_record.regional.type == "CNAME" && aws_route53_record.regional.ttl == 60 && aws_route53_record.regional.records == toset([var.target])
    error_message = "The regional name does not lead to the load balancer."
  }
}

run "refuses_a_long_ttl" {
  command = plan

  variables {
    ttl = 3600
  }

  expect_failures = [var.ttl]
}
