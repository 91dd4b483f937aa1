resource "aws_security_group" "tasks" {
  count = var.running ? 1 : 0

  name        = "${var.name}-tasks"
  description = "Tasks of ${var.name}"
  vpc_id      = var.vpc_id
  tags        = merge(var.tags, { Name = "${var.name}-tasks" })
}

resource "aws_vpc_security_group_ingress_rule" "alb" {
  count = var.running ? 1 : 0

  security_group_id            = aws_security_group.tasks[0].id
  description                  = "Load balancer"
  referenced_security_group_id = var.alb_security_group_id
  ip_protocol                  = "tcp"
  from_port                    = var.container_port
  to_port                      = var.container_port
  tags                         = var.tags
}

# Interface endpoints and the database, both in the VPC. DNS goes to the VPC's own resolver, which security groups do not see.
resource "aws_vpc_security_group_egress_rule" "vpc" {
  for_each = var.running ? { https = 443, database = var.database_port } : {}

  security_group_id = aws_security_group.tasks[0].id
  description       = each.key
  cidr_ipv4         = var.cidr
  ip_protocol       = "tcp"
  from_port         = each.value
  to_port           = each.value
  tags              = var.tags
}

# S3 by the gateway endpoint: files, and the layers of images.
data "aws_prefix_list" "s3" {
  count = var.running ? 1 : 0

  name = "com.amazonaws.${var.region}.s3"
}

resource "aws_vpc_security_group_egress_rule" "s3" {
  count = var.running ? 1 : 0

  security_group_id = aws_security_group.tasks[0].id
  description       = "S3"
  prefix_list_id    = data.aws_prefix_list.s3[0].id
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443
  tags              = var.tags
}
