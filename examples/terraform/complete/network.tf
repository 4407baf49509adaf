resource "aws_vpc" "this" {
  # checkov:skip=CKV2_AWS_11:flow logs cost money per gigabyte and are your choice
  cidr_block           = var.cidr
  enable_dns_hostnames = true
  enable_dns_support   = true

  tags = local.tags
}

# Must not be used: without rules, it allows no traffic.
resource "aws_default_security_group" "this" {
  vpc_id = aws_vpc.this.id

  tags = local.tags
}

resource "aws_internet_gateway" "this" {
  vpc_id = aws_vpc.this.id

  tags = local.tags
}

# Public subnets without NAT, which would cost more than everything else: the tasks have public IP addresses, through
# which they reach ECR and CloudWatch Logs, and their security group accepts traffic from the load balancer only.
resource "aws_subnet" "public" {
  for_each = { for number, zone in var.zones : zone => number }

  vpc_id            = aws_vpc.this.id
  availability_zone = "${var.region}${each.key}"
  cidr_block        = cidrsubnet(var.cidr, 4, each.value)

  tags = local.tags
}

resource "aws_route_table" "public" {
  vpc_id = aws_vpc.this.id

  route {
    cidr_block = "0.0.0.0/0"
    gateway_id = aws_internet_gateway.this.id
  }

  tags = local.tags
}

resource "aws_route_table_association" "public" {
  for_each = aws_subnet.public

  subnet_id      = each.value.id
  route_table_id = aws_route_table.public.id
}
