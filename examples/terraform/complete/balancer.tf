locals {
  secure = var.certificate_arn != null
  # Port of each listener.
  listeners = merge({ http = 80 }, local.secure ? { https = 443 } : {})
  # The listener that forwards to the service; the other one redirects.
  web_listener = local.secure ? aws_lb_listener.https[0] : aws_lb_listener.http
}

resource "aws_security_group" "balancer" {
  name        = "${local.name}-balancer"
  description = "The load balancer of ${local.name}"
  vpc_id      = aws_vpc.this.id

  tags = local.tags
}

resource "aws_vpc_security_group_ingress_rule" "visitors" {
  for_each = { for pair in setproduct(keys(local.listeners), var.visitors) : join(" ", pair) => pair }

  # checkov:skip=CKV_AWS_260:a shop is public, unless visitors restricts it
  security_group_id = aws_security_group.balancer.id
  description       = "Visitors"
  cidr_ipv4         = each.value[1]
  from_port         = local.listeners[each.value[0]]
  to_port           = local.listeners[each.value[0]]
  ip_protocol       = "tcp"

  tags = local.tags
}

resource "aws_vpc_security_group_egress_rule" "balancer" {
  security_group_id            = aws_security_group.balancer.id
  description                  = "The tasks"
  referenced_security_group_id = aws_security_group.tasks.id
  from_port                    = 8080
  to_port                      = 8080
  ip_protocol                  = "tcp"

  tags = local.tags
}

resource "aws_security_group" "tasks" {
  # checkov:skip=CKV2_AWS_5:the service has it, through the module's input network, which checkov does not follow
  name        = "${local.name}-tasks"
  description = "The tasks of ${local.name}"
  vpc_id      = aws_vpc.this.id

  tags = local.tags
}

resource "aws_vpc_security_group_ingress_rule" "tasks" {
  security_group_id            = aws_security_group.tasks.id
  description                  = "The load balancer only"
  referenced_security_group_id = aws_security_group.balancer.id
  from_port                    = 8080
  to_port                      = 8080
  ip_protocol                  = "tcp"

  tags = local.tags
}

resource "aws_vpc_security_group_egress_rule" "tasks" {
  security_group_id = aws_security_group.tasks.id
  description       = "ECR, CloudWatch Logs and other HTTPS servers"
  cidr_ipv4         = "0.0.0.0/0"
  from_port         = 443
  to_port           = 443
  ip_protocol       = "tcp"

  tags = local.tags
}

resource "aws_lb" "this" {
  # checkov:skip=CKV_AWS_150:an example must be easy to destroy, which deletion protection prevents
  # checkov:skip=CKV_AWS_91:access logs need a bucket and a retention period, which are your choice
  # checkov:skip=CKV2_AWS_28:a web application firewall costs money and is your choice
  # checkov:skip=CKV2_AWS_20:HTTP redirects to HTTPS if certificate_arn is set
  name                       = local.name
  load_balancer_type         = "application"
  security_groups            = [aws_security_group.balancer.id]
  subnets                    = [for zone in var.zones : aws_subnet.public[zone].id]
  drop_invalid_header_fields = true

  tags = local.tags

  # AWS rejects an internet-facing load balancer in a VPC without an internet gateway.
  depends_on = [aws_internet_gateway.this]
}

resource "aws_lb_target_group" "web" {
  # checkov:skip=CKV_AWS_378:TLS ends at the load balancer, and the VPC behind it is private to the application
  name                 = "${local.name}-web"
  vpc_id               = aws_vpc.this.id
  target_type          = "ip" # as Fargate requires
  port                 = 8080
  protocol             = "HTTP"
  deregistration_delay = 30

  health_check {
    path    = "/health"
    matcher = "200"
  }

  tags = local.tags
}

resource "aws_lb_listener" "http" {
  # checkov:skip=CKV_AWS_2:HTTP redirects to HTTPS if certificate_arn is set
  # checkov:skip=CKV_AWS_103:HTTP redirects to HTTPS if certificate_arn is set
  load_balancer_arn = aws_lb.this.arn
  port              = local.listeners.http
  protocol          = "HTTP"

  default_action {
    type             = local.secure ? "redirect" : "forward"
    target_group_arn = local.secure ? null : aws_lb_target_group.web.arn

    dynamic "redirect" {
      for_each = local.secure ? [local.listeners.https] : []

      content {
        protocol    = "HTTPS"
        port        = redirect.value
        status_code = "HTTP_301"
      }
    }
  }

  tags = local.tags
}

resource "aws_lb_listener" "https" {
  count = local.secure ? 1 : 0

  load_balancer_arn = aws_lb.this.arn
  port              = local.listeners.https
  protocol          = "HTTPS"
  ssl_policy        = "ELBSecurityPolicy-TLS13-1-2-2021-06"
  certificate_arn   = var.certificate_arn

  default_action {
    type             = "forward"
    target_group_arn = aws_lb_target_group.web.arn
  }

  tags = local.tags
}
