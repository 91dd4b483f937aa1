variable "name" {
  description = "Name of the service."
  type        = string
}

variable "region" {
  description = "Region of the VPC."
  type        = string
}

variable "vpc_id" {
  description = "VPC of the endpoints."
  type        = string
}

variable "subnet_ids" {
  description = "Private subnets, one in each zone."
  type        = list(string)
}

variable "cidr" {
  description = "Address range of the VPC: who may use the endpoints."
  type        = string
}

variable "exec" {
  description = "Whether people may open a shell in a task (ECS Exec)."
  type        = bool
  default     = false
}

variable "tags" {
  description = "Tags of everything that can have them."
  type        = map(string)
  default     = {}
}
