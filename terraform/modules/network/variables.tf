variable "name" {
  description = "Name of the service; VPC, DB subnet group and tags carry it."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,19}$", var.name))
    error_message = "The name must be 2 to 20 lower-case letters, digits and hyphens, and begin with a letter."
  }
}

variable "region" {
  description = "Region of the network; the provider given must be of the same one."
  type        = string

  validation {
    condition     = can(regex("^[a-z]{2}(-[a-z]+)+-[0-9]$", var.region))
    error_message = "The region must be a Region's code such as ap-northeast-2."
  }
}

variable "cidr" {
  description = "Address range of the VPC. It must not overlap with the other Region's nor the office's."
  type        = string

  validation {
    condition     = can(cidrhost(var.cidr, 0)) && can(regex("/(16|17|18|19|20)$", var.cidr))
    error_message = "The cidr must be an IPv4 range of size /16 to /20 such as 10.20.0.0/16."
  }
}

variable "zones" {
  description = "Names of the two availability zones."
  type        = list(string)

  validation {
    condition     = length(var.zones) == 2 && length(distinct(var.zones)) == 2
    error_message = "Give the names of two different availability zones."
  }
}

variable "public" {
  description = "Whether an Internet-facing ALB gets public subnets and an Internet gateway."
  type        = bool
  default     = false
}

variable "dx_gateway_id" {
  description = "Direct Connect gateway by which the office reaches the VPC; null: none."
  type        = string
  default     = null
}

variable "s3_bucket_arns" {
  description = "Buckets that may be reached by the S3 gateway endpoint. Empty: any, as far as the tasks' roles allow."
  type        = list(string)
  default     = []
}

variable "kms_key_arn" {
  description = "Key of the flow logs' group; null: the key that CloudWatch Logs owns. Its policy must name logs.<region>.amazonaws.com."
  type        = string
  default     = null
}

variable "tags" {
  description = "Tags of everything that can have them."
  type        = map(string)
  default     = {}
}
