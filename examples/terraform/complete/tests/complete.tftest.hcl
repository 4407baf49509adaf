mock_provider "aws" {
  source = "../../../terraform/testing"

  mock_resource "aws_lb" {
    defaults = {
      arn      = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:loadbalancer/app/shop-sandbox/1"
      dns_name = "shop.example.com"
    }
  }

  mock_resource "aws_lb_target_group" {
    defaults = {
      arn = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/shop-sandbox-web/1"
    }
  }

  mock_resource "aws_lb_listener" {
    defaults = {
      arn = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:listener/app/shop-sandbox/1/2"
    }
  }
}

variables {
  application      = "shop"
  environment_name = "sandbox"
  region           = "eu-central-1"
}

run "reachable_over_http" {
  command = apply

  assert {
    condition     = { for zone, subnet in aws_subnet.public : subnet.availability_zone => subnet.cidr_block } == { eu-central-1a = "10.0.0.0/20", eu-central-1b = "10.0.16.0/20" }
    error_message = "There are two subnets, in two availability zones."
  }

  assert {
    condition     = one(aws_lb_listener.http.default_action).type == "forward" && one(aws_lb_listener.http.default_action).target_group_arn == aws_lb_target_group.web.arn && length(aws_lb_listener.https) == 0
    error_message = "Without a certificate, HTTP forwards to the service."
  }

  assert {
    condition     = [for rule in aws_vpc_security_group_ingress_rule.visitors : [rule.cidr_ipv4, rule.from_port, rule.to_port]] == [["0.0.0.0/0", 80, 80]]
    error_message = "The load balancer is public, on port 80 only."
  }

  assert {
    condition     = aws_vpc_security_group_ingress_rule.tasks.referenced_security_group_id == aws_security_group.balancer.id && aws_vpc_security_group_ingress_rule.tasks.from_port == 8080
    error_message = "The tasks accept traffic from the load balancer only."
  }

  assert {
    condition     = output.url == "http://shop.example.com" && output.release.services.web.port == 8080 && output.release.image_tag == "unreleased"
    error_message = "The URL is the load balancer's, and nothing has been released."
  }
}

run "https_with_a_certificate" {
  command = plan

  variables {
    certificate_arn = "arn:aws:acm:eu-central-1:123456789012:certificate/1"
    visitors        = ["203.0.113.0/24"]
  }

  assert {
    condition     = one(aws_lb_listener.http.default_action).type == "redirect" && one(one(aws_lb_listener.http.default_action).redirect).status_code == "HTTP_301"
    error_message = "HTTP redirects to HTTPS."
  }

  assert {
    condition     = aws_lb_listener.https[0].port == 443 && one(aws_lb_listener.https[0].default_action).type == "forward" && startswith(output.url, "https://")
    error_message = "HTTPS forwards to the service."
  }

  assert {
    condition     = { for key, rule in aws_vpc_security_group_ingress_rule.visitors : key => rule.from_port } == { "http 203.0.113.0/24" = 80, "https 203.0.113.0/24" = 443 }
    error_message = "Only the given visitors may reach the load balancer, on both ports."
  }
}

run "rejects_invalid_input" {
  command = plan

  variables {
    environment_name = "sandbox_"
    region           = "Frankfurt"
    image_tag        = "a tag"
    cidr             = "10.0.0.0/24"
    zones            = ["a", "a"]
    visitors         = []
    certificate_arn  = "arn:aws:iam::123456789012:server-certificate/shop"
    desired_count    = -1
  }

  expect_failures = [
    var.environment_name, var.region, var.image_tag, var.cidr, var.zones, var.visitors,
    var.certificate_arn, var.desired_count,
  ]
}

# In a separate run: Terraform does not evaluate a validation of both names if one of them is invalid.
run "rejects_an_invalid_application" {
  command = plan

  variables {
    application = "Shop"
  }

  expect_failures = [var.application]
}

run "rejects_names_that_are_too_long_together" {
  command = plan

  variables {
    application      = "a-shop-of-many-wares"
    environment_name = "production"
  }

  expect_failures = [var.environment_name]
}
