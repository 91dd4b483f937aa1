# Interface endpoints: what tasks without a way to the Internet need to start, log and read their secrets
# ("Amazon ECR interface VPC endpoints", "Using Secrets Manager with VPC endpoints"). They cost by the hour,
# so a pilot light has none until it becomes active.

locals {
  # What goes through each, and nothing else: a task that was taken over finds no other call behind it. An application
  # that calls more of AWS adds its actions here. The roles decide on which resources.
  pull = ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetAuthorizationToken", "ecr:GetDownloadUrlForLayer"]
  services = merge(
    {
      "ecr.api"        = local.pull
      "ecr.dkr"        = local.pull
      "kms"            = ["kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKey"]
      "logs"           = ["logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"]
      "secretsmanager" = ["secretsmanager:DescribeSecret", "secretsmanager:GetSecretValue"]
    },
    # ECS Exec talks to nothing else.
    !var.exec ? {} : {
      "ssmmessages" = [
        "ssmmessages:CreateControlChannel", "ssmmessages:CreateDataChannel", "ssmmessages:OpenControlChannel", "ssmmessages:OpenDataChannel",
      ]
    },
  )
}

resource "aws_vpc_endpoint" "interface" {
  for_each = local.services

  vpc_id              = var.vpc_id
  service_name        = "com.amazonaws.${var.region}.${each.key}"
  vpc_endpoint_type   = "Interface"
  subnet_ids          = var.subnet_ids
  security_group_ids  = [aws_security_group.endpoints.id]
  private_dns_enabled = true
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = "*"
      Action    = each.value
      Resource  = "*"
    }]
  })
  tags = merge(var.tags, { Name = "${var.name}-${each.key}" })
}

resource "aws_security_group" "endpoints" {
  name        = "${var.name}-endpoints"
  description = "Interface endpoints of ${var.name}"
  vpc_id      = var.vpc_id
  tags        = merge(var.tags, { Name = "${var.name}-endpoints" })
}

# They answer and never ask, so there is no egress.
resource "aws_vpc_security_group_ingress_rule" "https" {
  security_group_id = aws_security_group.endpoints.id
  description       = "HTTPS from the VPC"
  cidr_ipv4         = var.cidr
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443
  tags              = var.tags
}
