variable "service" {
  description = "Name of the service."
  type        = string
}

variable "zone_id" {
  description = "Hosted zone of the name."
  type        = string
}

variable "name" {
  description = "The public name, such as service-be.example.com."
  type        = string
}

variable "active_region" {
  description = "The Region that serves."
  type        = string

  validation {
    condition     = can(regex("^[a-z]{2}(-[a-z]+)+-[0-9]$", var.active_region))
    error_message = "The active_region must be a Region's code such as ap-northeast-2."
  }
}

variable "home_region" {
  description = "The Region that serves by default."
  type        = string
}

variable "standby_region" {
  description = "The other one."
  type        = string
}

variable "weighted" {
  description = "Whether both Regions serve."
  type        = bool
  default     = false
}

variable "health_checks" {
  description = "Whether the weighted records have health checks."
  type        = bool
  default     = false
}

variable "health_check_path" {
  description = "Path that a healthy Region answers."
  type        = string
  default     = "/healthz"
}

variable "standby_takes_over" {
  description = "Whether the standby can take over by a health check. Weighted records go before it."
  type        = bool
  default     = false
}

variable "ttl" {
  description = "Seconds that resolvers keep the record."
  type        = number
  default     = 60

  validation {
    condition     = var.ttl >= 1 && var.ttl <= 120
    error_message = "The ttl must be 1 to 120 seconds: clients stay with the old Region for as long."
  }
}

variable "tags" {
  description = "Tags of everything that can have them."
  type        = map(string)
  default     = {}
}
