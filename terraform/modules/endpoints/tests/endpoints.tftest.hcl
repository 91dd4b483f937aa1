mock_provider "aws" {}

variables {
  name       = "portal"
  region     = "ap-northeast-1"
  vpc_id     = "vpc-1"
  subnet_ids = ["subnet-1", "subnet-2"]
  cidr       = "10.21.0.0/16"
}

run "services" {
  assert {
    condition     = keys(output.ids) == ["ecr.api", "ecr.dkr", "kms", "logs", "secretsmanager"]
    error_message = "endpoints: ${jsonencode(keys(output.ids))}"
  }
  assert {
    condition     = alltrue([for e in aws_vpc_endpoint.interface : e.private_dns_enabled && e.vpc_endpoint_type == "Interface"])
    error_message = "An endpoint does not take over the service's public name."
  }
  assert {
    condition     = alltrue([for e in aws_vpc_endpoint.interface : length(regexall("\\*", jsonencode(jsondecode(e.policy).Statement[0].Action))) == 0])
    error_message = "An endpoint lets every call through."
  }
  assert {
    condition     = aws_vpc_endpoint.interface["logs"].service_name == "com.amazonaws.ap-northeast-1.logs"
    error_message = "An endpoint of another Region."
  }
  assert {
    condition     = aws_vpc_security_group_ingress_rule.https.cidr_ipv4 == "10.21.0.0/16" && aws_vpc_security_group_ingress_rule.https.to_port == 443
    error_message = "The endpoints are open to more than the VPC's HTTPS."
  }
}

run "exec" {
  variables {
    exec = true
  }

  assert {
    condition     = contains(keys(output.ids), "ssmmessages")
    error_message = "ECS Exec has no endpoint."
  }
}
