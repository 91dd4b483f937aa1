# Only for an ALB that faces the Internet. Tasks stay in private subnets and have no way out by this.

resource "aws_internet_gateway" "public" {
  count = var.public ? 1 : 0

  vpc_id = aws_vpc.main.id
  tags   = merge(var.tags, { Name = var.name })
}

resource "aws_subnet" "public" {
  for_each = local.public_cidrs

  vpc_id                  = aws_vpc.main.id
  availability_zone       = each.key
  cidr_block              = each.value
  map_public_ip_on_launch = false
  tags                    = merge(var.tags, { Name = "${var.name}-public-${each.key}", Service = var.name, Tier = "public" })
}

resource "aws_route_table" "public" {
  count = var.public ? 1 : 0

  vpc_id = aws_vpc.main.id
  tags   = merge(var.tags, { Name = "${var.name}-public", Service = var.name })
}

resource "aws_route" "internet" {
  count = var.public ? 1 : 0

  route_table_id         = aws_route_table.public[0].id
  destination_cidr_block = "0.0.0.0/0" # the answers of the ALB
  gateway_id             = aws_internet_gateway.public[0].id
}

resource "aws_route_table_association" "public" {
  for_each = aws_subnet.public

  subnet_id      = each.value.id
  route_table_id = aws_route_table.public[0].id
}
