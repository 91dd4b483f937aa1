variable "name" {
  description = "Name of the service."
  type        = string
}

variable "region" {
  description = "Region of the server; the role carries it in its name, since IAM knows no Regions."
  type        = string
}

variable "account_id" {
  description = "Account of the service."
  type        = string
}

variable "enabled" {
  description = "Whether the server stands. Without it: role and log group."
  type        = bool
}

variable "vpc_id" {
  description = "VPC of the server; null when not enabled."
  type        = string
  default     = null
}

variable "subnet_ids" {
  description = "Private subnets of two zones."
  type        = list(string)
  default     = []
}

variable "client_cidrs" {
  description = "Address ranges that may reach the server."
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for cidr in var.client_cidrs : can(cidrhost(cidr, 0)) && !can(regex("/0$", cidr))])
    error_message = "The client_cidrs must be IPv4 ranges that are not the whole Internet."
  }
}

variable "host_key_secret_name" {
  description = "Secret with the private host key, put by people, replicated to both Regions; null: each server makes its own, and clients notice a failover."
  type        = string
  default     = null
}

variable "bucket_arn" {
  description = "The Region's files bucket. An ARN by name will do: it need not stand yet."
  type        = string

  validation {
    condition     = can(regex("^arn:aws[a-z-]*:s3:::[a-z0-9.-]+$", var.bucket_arn))
    error_message = "The bucket_arn must be the ARN of a bucket such as arn:aws:s3:::acme-files-ap-northeast-2."
  }
}

variable "bucket_key_arns" {
  description = "Keys of the files bucket."
  type        = list(string)
  default     = []
}

variable "users" {
  description = "Users: their public keys, and their home as a prefix of the bucket without slashes at its ends."
  type = map(object({
    public_keys = list(string)
    home        = string
  }))
  default = {}

  validation {
    condition     = alltrue([for name in keys(var.users) : can(regex("^[A-Za-z0-9_][A-Za-z0-9_@.-]{2,99}$", name))])
    error_message = "A user's name must be 3 to 100 letters, digits, underscores, hyphens, dots and at signs."
  }
}

variable "kms_key_arn" {
  description = "Key of the log group; null: the key that CloudWatch Logs owns."
  type        = string
  default     = null
}

variable "log_retention_days" {
  description = "Days that the log group keeps what it got."
  type        = number
  default     = 90
}

variable "tags" {
  description = "Tags of everything that can have them."
  type        = map(string)
  default     = {}
}
