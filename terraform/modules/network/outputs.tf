output "vpc_id" {
  description = "The VPC."
  value       = aws_vpc.main.id
}

output "cidr" {
  description = "Its address range."
  value       = aws_vpc.main.cidr_block
}

output "private_subnet_ids" {
  description = "Subnets of tasks, SFTP and an internal ALB, in the order of the zones."
  value       = [for zone in var.zones : aws_subnet.private[zone].id]
}

output "database_subnet_ids" {
  description = "Subnets of the database, in the order of the zones."
  value       = [for zone in var.zones : aws_subnet.database[zone].id]
}

output "public_subnet_ids" {
  description = "Subnets of an Internet-facing ALB; empty without `public`."
  value       = [for zone in var.zones : aws_subnet.public[zone].id if var.public]

  # A load balancer that is made before its subnets have the way out answers nobody.
  depends_on = [aws_route.internet, aws_route_table_association.public]
}

output "db_subnet_group_name" {
  description = "The database's subnet group."
  value       = aws_db_subnet_group.main.name
}
