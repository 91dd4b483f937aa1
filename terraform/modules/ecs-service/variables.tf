variable "name" {
  description = "Name of cluster, service and task family."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,19}$", var.name))
    error_message = "The name must be 2 to 20 lower-case letters, digits and hyphens, and begin with a letter."
  }
}

variable "region" {
  description = "Region of the service; roles carry it in their names, since IAM knows no Regions."
  type        = string

  validation {
    condition     = can(regex("^[a-z]{2}(-[a-z]+)+-[0-9]$", var.region))
    error_message = "The region must be a Region's code such as ap-northeast-2."
  }
}

variable "account_id" {
  description = "Account of the service."
  type        = string

  validation {
    condition     = can(regex("^[0-9]{12}$", var.account_id))
    error_message = "The account_id must be 12 digits."
  }
}

variable "running" {
  description = "Whether the service stands. Without it: cluster, task family, log group and roles."
  type        = bool
}

variable "desired" {
  description = "How many tasks the service wants."
  type        = number
  default     = 0

  validation {
    condition     = var.desired >= 0
    error_message = "The desired number cannot be negative."
  }
}

variable "vpc_id" {
  description = "VPC of the tasks; null when not running."
  type        = string
  default     = null
}

variable "cidr" {
  description = "Address range of the VPC."
  type        = string
  default     = null
}

variable "subnet_ids" {
  description = "Private subnets of two zones."
  type        = list(string)
  default     = []
}

variable "alb_security_group_id" {
  description = "Security group of the load balancer, the only one that reaches the tasks."
  type        = string
  default     = null
}

variable "target_group_arn" {
  description = "Target group with a listener."
  type        = string
  default     = null
}

variable "wait_for" {
  description = "What must stand before the first task starts: the interface endpoints."
  type        = any
  default     = null
}

variable "image" {
  description = "Image of the revision that Terraform registers, from the repository of the same Region."
  type        = string
}

variable "cpu" {
  description = "CPU units of a task (1024 is one vCPU)."
  type        = number
  default     = 512
}

variable "memory" {
  description = "Memory of a task in MiB."
  type        = number
  default     = 1024
}

variable "container_port" {
  description = "Port that the container listens on."
  type        = number
  default     = 8080
}

variable "environment" {
  description = "Environment of the container. Nothing secret, and nothing that changes with a flip: it would be a new revision."
  type        = map(string)
  default     = {}
}

variable "secret_arns" {
  description = "Secrets that become environment variables: ARN by variable. ECS reads the values, Terraform never does."
  type        = map(string)
  default     = {}
}

variable "kms_key_arn" {
  description = "Key of the log group and the secrets; null: the keys that AWS owns."
  type        = string
  default     = null
}

variable "bucket_arn" {
  description = "The Region's files bucket. An ARN by name will do: it need not stand yet."
  type        = string
}

variable "bucket_key_arns" {
  description = "Keys of the files bucket."
  type        = list(string)
  default     = []
}

variable "database_port" {
  description = "Port of the database."
  type        = number
  default     = 3306
}

variable "database_user" {
  description = "Database user that the application signs in as, by IAM."
  type        = string
}

variable "log_retention_days" {
  description = "Days that the log group keeps what it got."
  type        = number
  default     = 90
}

variable "container_insights" {
  description = "Whether CloudWatch collects the cluster's metrics."
  type        = bool
  default     = true
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
