variable "zone_id" {
  description = "Hosted zone of the name."
  type        = string
}

variable "name" {
  description = "The Region's own name, such as ap-northeast-2.service-be.example.com."
  type        = string
}

variable "target" {
  description = "Name of the load balancer."
  type        = string
}

variable "ttl" {
  description = "Seconds that resolvers keep the record."
  type        = number
  default     = 60

  validation {
    condition     = var.ttl >= 1 && var.ttl <= 120
    error_message = "The ttl must be 1 to 120 seconds: clients stay with the old load balancer for as long."
  }
}
