variable "certificate_arn" {
  description = "A certificate that stands already, as a private zone needs (ACM validates public names only); null: one is made."
  type        = string
  default     = null

  validation {
    condition     = var.certificate_arn == null || can(regex("^arn:aws[a-z-]*:acm:", var.certificate_arn))
    error_message = "The certificate_arn must be the ARN of an ACM certificate or null."
  }
}

variable "public_name" {
  description = "Name that people ask for, such as service-be.example.com."
  type        = string
}

variable "regional_name" {
  description = "The Region's own name, such as ap-northeast-2.service-be.example.com."
  type        = string
}

variable "zone_id" {
  description = "Hosted zone of both names."
  type        = string
}

variable "tags" {
  description = "Tags of everything that can have them."
  type        = map(string)
  default     = {}
}
