# The load balancer of one Region with its HTTPS listener and the target group of the tasks. It holds no data:
# where the strategy has none in the passive Region, a flip makes it in one Region and removes it in the other.

locals {
  # The only way by which 0.0.0.0/0 gets in anywhere is an ALB that faces the Internet.
  client_cidrs = var.internal ? distinct(concat([var.cidr], var.client_cidrs)) : ["0.0.0.0/0"]
}

resource "aws_lb" "main" {
  name                       = var.name
  load_balancer_type         = "application"
  internal                   = var.internal
  subnets                    = var.subnet_ids
  security_groups            = [aws_security_group.alb.id]
  drop_invalid_header_fields = true
  enable_deletion_protection = var.deletion_protection
  tags                       = var.tags

  dynamic "access_logs" {
    for_each = var.access_log_bucket == null ? [] : [var.access_log_bucket]

    content {
      enabled = true
      bucket  = access_logs.value
      prefix  = var.name
    }
  }

  # A load balancer that comes before its rules is not reached for a moment. One that waits for them costs nothing:
  # they take a second, it takes minutes.
  depends_on = [aws_vpc_security_group_ingress_rule.clients, aws_vpc_security_group_egress_rule.tasks]
}

resource "aws_lb_target_group" "main" {
  name                 = var.name
  vpc_id               = var.vpc_id
  target_type          = "ip" # Fargate tasks
  protocol             = "HTTP"
  port                 = var.container_port
  deregistration_delay = 30
  tags                 = var.tags

  health_check {
    path                = var.health_check_path
    matcher             = "200"
    interval            = 10
    timeout             = 5
    healthy_threshold   = 2
    unhealthy_threshold = 3
  }
}

resource "aws_lb_listener" "https" {
  load_balancer_arn = aws_lb.main.arn
  protocol          = "HTTPS"
  port              = 443
  certificate_arn   = var.certificate_arn
  ssl_policy        = "ELBSecurityPolicy-TLS13-1-2-2021-06" # TLS 1.2 and 1.3
  tags              = var.tags

  default_action {
    type             = "forward"
    target_group_arn = aws_lb_target_group.main.arn
  }
}

resource "aws_security_group" "alb" {
  name        = "${var.name}-alb"
  description = "Load balancer of ${var.name}"
  vpc_id      = var.vpc_id
  tags        = merge(var.tags, { Name = "${var.name}-alb" })
}

resource "aws_vpc_security_group_ingress_rule" "clients" {
  for_each = toset(local.client_cidrs)

  security_group_id = aws_security_group.alb.id
  description       = "HTTPS from clients"
  cidr_ipv4         = each.value
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443
  tags              = var.tags
}

resource "aws_vpc_security_group_egress_rule" "tasks" {
  security_group_id = aws_security_group.alb.id
  description       = "Tasks in the VPC"
  cidr_ipv4         = var.cidr
  ip_protocol       = "tcp"
  from_port         = var.container_port
  to_port           = var.container_port
  tags              = var.tags
}
