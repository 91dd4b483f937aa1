variable "name" {
  description = "Name of the load balancer and of the target group."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,19}$", var.name)) && !can(regex("^internal-", var.name))
    error_message = "The name must be 2 to 20 lower-case letters, digits and hyphens, begin with a letter, and not with internal-, which AWS keeps for itself."
  }
}

variable "vpc_id" {
  description = "VPC of the load balancer."
  type        = string
}

variable "cidr" {
  description = "Address range of the VPC: where the tasks are."
  type        = string
}

variable "subnet_ids" {
  description = "Subnets of two zones: private ones, or public ones when it faces the Internet."
  type        = list(string)
}

variable "internal" {
  description = "Whether it has private addresses only. One that faces the Internet is open to everybody on port 443."
  type        = bool
  default     = true
}

variable "client_cidrs" {
  description = "Who may reach an internal one besides the VPC: the office's address ranges."
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for cidr in var.client_cidrs : can(cidrhost(cidr, 0)) && !can(regex("/0$", cidr))])
    error_message = "The client_cidrs must be IPv4 ranges that are not the whole Internet."
  }
}

variable "certificate_arn" {
  description = "Certificate of the HTTPS listener, in the same Region."
  type        = string
}

variable "health_check_path" {
  description = "Path that a healthy task answers with 200."
  type        = string
  default     = "/healthz"
}

variable "container_port" {
  description = "Port that the tasks listen on."
  type        = number
  default     = 8080
}

variable "access_log_bucket" {
  description = "Bucket of the access logs, in the same Region, with SSE-S3; null: none are kept."
  type        = string
  default     = null
}

variable "deletion_protection" {
  description = "Whether ELB refuses to delete it. Off: a flip must be able to, and nothing is lost by it."
  type        = bool
  default     = false
}

variable "tags" {
  description = "Tags of everything that can have them."
  type        = map(string)
  default     = {}
}
