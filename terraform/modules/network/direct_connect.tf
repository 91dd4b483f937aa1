# The office reaches both Regions by one Direct Connect gateway. The association takes minutes and belongs to
# the Direct Connect control plane, so it is made with the network, long before a failover.

locals {
  direct_connect = var.dx_gateway_id == null ? 0 : 1
}

resource "aws_vpn_gateway" "office" {
  count = local.direct_connect

  vpc_id = aws_vpc.main.id
  tags   = merge(var.tags, { Name = var.name })
}

resource "aws_dx_gateway_association" "office" {
  count = local.direct_connect

  dx_gateway_id         = var.dx_gateway_id
  associated_gateway_id = aws_vpn_gateway.office[0].id
  allowed_prefixes      = [var.cidr] # the two Regions' prefixes must differ, else the office cannot tell them apart
}

# The office's prefixes, as its routers announce them, become routes of the private subnets.
resource "aws_vpn_gateway_route_propagation" "private" {
  count = local.direct_connect

  vpn_gateway_id = aws_vpn_gateway.office[0].id
  route_table_id = aws_route_table.private.id
}
