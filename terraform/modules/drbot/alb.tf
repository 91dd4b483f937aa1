# The way in for Slack and GitHub. Three paths are forwarded and nothing else; the program refuses what is not signed.
# /healthz is for the load balancer itself.

locals {
  # The only 0.0.0.0/0: a load balancer that faces the Internet, on 443.
  ingress_cidrs = var.ingress_cidrs != null ? var.ingress_cidrs : var.expose ? ["0.0.0.0/0"] : [var.vpc_cidr]
}

resource "aws_lb" "main" {
  name                       = var.name
  load_balancer_type         = "application"
  internal                   = !var.expose
  subnets                    = var.alb_subnet_ids
  security_groups            = [aws_security_group.alb.id]
  drop_invalid_header_fields = true
  enable_deletion_protection = var.deletion_protection
  tags                       = var.tags
}

resource "aws_lb_target_group" "main" {
  name        = "${var.name}-${var.platform}" # its kind cannot be changed
  vpc_id      = var.vpc_id
  target_type = local.ecs == 1 ? "ip" : "instance"
  protocol    = "HTTP"
  port        = local.port
  tags        = var.tags

  # One bot: there is nobody else to send a request to while it ends.
  deregistration_delay = 5

  health_check {
    path                = "/healthz"
    matcher             = "200"
    interval            = 10
    timeout             = 5
    healthy_threshold   = 2
    unhealthy_threshold = 6
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
    type = "fixed-response"

    fixed_response {
      content_type = "text/plain"
      status_code  = "404"
    }
  }
}

resource "aws_lb_listener_rule" "bot" {
  listener_arn = aws_lb_listener.https.arn
  priority     = 1
  tags         = var.tags

  action {
    type             = "forward"
    target_group_arn = aws_lb_target_group.main.arn
  }

  condition {
    path_pattern {
      values = ["/slack/commands", "/slack/interactions", "/github/webhook"]
    }
  }
}

resource "aws_security_group" "alb" {
  name        = "${var.name}-alb"
  description = "Load balancer of the bot"
  vpc_id      = var.vpc_id
  tags        = merge(var.tags, { Name = "${var.name}-alb" })
}

resource "aws_vpc_security_group_ingress_rule" "clients" {
  for_each = toset(local.ingress_cidrs)

  security_group_id = aws_security_group.alb.id
  description       = "HTTPS from Slack and GitHub"
  cidr_ipv4         = each.value
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443
  tags              = var.tags
}

resource "aws_vpc_security_group_egress_rule" "bot" {
  security_group_id            = aws_security_group.alb.id
  description                  = "The bot"
  referenced_security_group_id = aws_security_group.bot.id
  ip_protocol                  = "tcp"
  from_port                    = local.port
  to_port                      = local.port
  tags                         = var.tags
}
