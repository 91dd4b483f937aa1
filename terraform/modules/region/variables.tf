variable "region" {
  description = "The Region that this stack is for; the provider given must be of the same one."
  type        = string

  validation {
    condition     = contains(["ap-northeast-2", "ap-northeast-1"], var.region)
    error_message = "The region must be ap-northeast-2 (Seoul) or ap-northeast-1 (Tokyo)."
  }
}

variable "active_region" {
  description = "The Region that serves."
  type        = string

  validation {
    condition     = contains(["ap-northeast-2", "ap-northeast-1"], var.active_region)
    error_message = "The active_region must be ap-northeast-2 (Seoul) or ap-northeast-1 (Tokyo)."
  }
}

variable "standby_region" {
  description = "The Region that is not home, whoever serves."
  type        = string

  validation {
    condition     = contains(["ap-northeast-2", "ap-northeast-1"], var.standby_region)
    error_message = "The standby_region must be ap-northeast-2 (Seoul) or ap-northeast-1 (Tokyo)."
  }
}

variable "strategy" {
  description = "How much stands in the passive Region: backup-restore, pilot-light, warm-standby or active-active."
  type        = string

  validation {
    condition     = contains(["backup-restore", "pilot-light", "warm-standby", "active-active"], var.strategy)
    error_message = "The strategy must be backup-restore, pilot-light, warm-standby or active-active."
  }
}

variable "name" {
  description = "Name of the service."
  type        = string
}

variable "bucket_prefix" {
  description = "Beginning of the bucket names: <bucket_prefix>-files-<region>."
  type        = string
}

variable "zone_name" {
  description = "Name of the hosted zone, without the trailing dot."
  type        = string
}

variable "zone_id" {
  description = "Id of the hosted zone."
  type        = string
}

variable "certificate_arns" {
  description = "Certificate by Region, where a team brings its own; a Region that is not named gets one from ACM."
  type        = map(string)
  default     = {}
}

variable "standby_takes_over" {
  description = "Whether the standby Region has the alarm that moves the public name."
  type        = bool
  default     = false
}

variable "cidrs" {
  description = "Address range of the VPC by Region."
  type        = map(string)
}

variable "internal" {
  description = "Whether the load balancer is internal."
  type        = bool
  default     = true
}

variable "client_cidrs" {
  description = "Address ranges that may reach the service and SFTP besides the VPC: the office's."
  type        = list(string)
  default     = []
}

variable "image_tag" {
  description = "Tag of the image that the revision registered here runs."
  type        = string
}

variable "container_port" {
  description = "Port that the container listens on."
  type        = number
  default     = 8080
}

variable "health_check_path" {
  description = "Path of the load balancer's health check."
  type        = string
  default     = "/healthz"
}

variable "task_cpu" {
  description = "CPU units of a task."
  type        = number
  default     = 512
}

variable "task_memory" {
  description = "Memory of a task in MiB."
  type        = number
  default     = 1024
}

variable "environment" {
  description = "Environment of the container, the same in both Regions whoever serves."
  type        = map(string)
  default     = {}
}

variable "desired_tasks" {
  description = "Tasks of a Region that serves."
  type        = number

  validation {
    condition     = var.desired_tasks >= 1
    error_message = "The desired_tasks must be at least 1: a service with none is never healthy."
  }
}

variable "warm_tasks" {
  description = "Tasks of a warm standby."
  type        = number
  default     = 1

  validation {
    condition     = var.warm_tasks >= 1
    error_message = "The warm_tasks must be at least 1, else the standby is not warm."
  }
}

variable "exec" {
  description = "Whether people may open a shell in a task (ECS Exec)."
  type        = bool
  default     = false
}

variable "log_retention_days" {
  description = "Days that log groups keep what they got."
  type        = number
  default     = 90
}

variable "alb_access_log_buckets" {
  description = "Bucket of the load balancer's access logs by Region."
  type        = map(string)
  default     = {}
}

variable "sftp_users" {
  description = "Users of the SFTP server; without one there is no server."
  type = map(object({
    public_keys = list(string)
    home        = string
  }))
  default = {}
}

variable "tags" {
  description = "Tags of everything, where the provider's default_tags do not give them."
  type        = map(string)
  default     = {}
}
