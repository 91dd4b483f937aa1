mock_provider "aws" {
  mock_resource "aws_iam_role" {
    defaults = { arn = "arn:aws:iam::123456789012:role/mock" }
  }
  mock_resource "aws_cloudwatch_log_group" {
    defaults = { arn = "arn:aws:logs:ap-northeast-2:123456789012:log-group:mock" }
  }
}

variables {
  name   = "portal"
  region = "ap-northeast-2"
  cidr   = "10.20.0.0/16"
  zones  = ["ap-northeast-2a", "ap-northeast-2c"]
}

run "private" {
  assert {
    condition     = [for s in aws_subnet.private : s.cidr_block] == ["10.20.0.0/20", "10.20.16.0/20"]
    error_message = "private subnets: ${jsonencode([for s in aws_subnet.private : s.cidr_block])}"
  }
  assert {
    condition     = [for s in aws_subnet.database : s.cidr_block] == ["10.20.64.0/24", "10.20.65.0/24"]
    error_message = "database subnets: ${jsonencode([for s in aws_subnet.database : s.cidr_block])}"
  }
  assert {
    condition     = aws_vpc.main.tags["Name"] == "portal" && aws_vpc.main.tags["Service"] == "portal"
    error_message = "The VPC is looked up by Name and Service."
  }
  assert {
    condition     = alltrue([for s in aws_subnet.private : s.tags["Tier"] == "private"]) && alltrue([for s in aws_subnet.database : s.tags["Tier"] == "database"])
    error_message = "Subnets are looked up by Tier."
  }
  assert {
    condition     = length(aws_internet_gateway.public) == 0 && length(aws_subnet.public) == 0 && length(aws_route.internet) == 0
    error_message = "There is a way to the Internet."
  }
  assert {
    condition     = length(aws_vpn_gateway.office) == 0
    error_message = "There is a gateway to an office that nobody named."
  }
  assert {
    condition     = aws_db_subnet_group.main.name == "portal"
    error_message = "The DB subnet group has another name."
  }
  assert {
    condition     = aws_flow_log.main.traffic_type == "ALL" && aws_flow_log.main.iam_role_arn == aws_iam_role.flow_logs.arn
    error_message = "No flow logs."
  }
  assert {
    condition     = aws_vpc_endpoint.s3.vpc_endpoint_type == "Gateway" && aws_vpc_endpoint.s3.service_name == "com.amazonaws.ap-northeast-2.s3"
    error_message = "No S3 gateway endpoint."
  }
  assert {
    condition     = length(aws_default_security_group.closed.ingress) == 0 && length(aws_default_security_group.closed.egress) == 0
    error_message = "The default security group is open."
  }
}

run "public" {
  variables {
    public = true
  }

  assert {
    condition     = length(aws_internet_gateway.public) == 1 && length(aws_subnet.public) == 2
    error_message = "An Internet-facing ALB has no subnets."
  }
  assert {
    condition     = alltrue([for s in aws_subnet.public : s.map_public_ip_on_launch == false])
    error_message = "Whatever starts in a public subnet gets a public address."
  }
}

run "direct_connect" {
  variables {
    dx_gateway_id = "5f294f92-bafb-4011-916d-9b0bdexample"
  }

  assert {
    condition     = tolist(aws_dx_gateway_association.office[0].allowed_prefixes) == tolist(["10.20.0.0/16"]) && length(aws_vpn_gateway_route_propagation.private) == 1
    error_message = "The office does not reach the VPC."
  }
}

run "buckets" {
  variables {
    s3_bucket_arns = ["arn:aws:s3:::acme-files-ap-northeast-2"]
  }

  assert {
    condition     = !contains(flatten([for s in jsondecode(aws_vpc_endpoint.s3.policy).Statement : s.Resource]), "*")
    error_message = "The S3 endpoint lets any bucket through."
  }
}

run "refuses_bad_input" {
  command = plan

  variables {
    region = "Seoul"
    cidr   = "10.20.0.0/8"
    zones  = ["ap-northeast-2a"]
    name   = "Portal"
  }

  expect_failures = [var.region, var.cidr, var.zones, var.name]
}
