# Every variable that more than one stack of this service reads. Linked into each stack, so that the shared
# service.auto.tfvars never names one that a stack does not know.

# Which Region serves

variable "active_region" {
  description = "The Region that serves. It has no default on purpose: a stack without the link to active_region.auto.tfvars must fail."
  type        = string

  # Terraform 1.1 lets a validation see its own variable only, so the two Regions stand here once more.
  validation {
    condition     = contains(["ap-northeast-2", "ap-northeast-1"], var.active_region)
    error_message = "The active_region must be ap-northeast-2 (Seoul) or ap-northeast-1 (Tokyo)."
  }
}

variable "home_region" {
  description = "The Region the service lives in by default, and where its data was first created. It never changes with a failover."
  type        = string

  validation {
    condition     = contains(["ap-northeast-2", "ap-northeast-1"], var.home_region)
    error_message = "The home_region must be ap-northeast-2 (Seoul) or ap-northeast-1 (Tokyo)."
  }
}

variable "standby_region" {
  description = "The other Region. It never changes with a failover."
  type        = string

  validation {
    condition     = contains(["ap-northeast-2", "ap-northeast-1"], var.standby_region)
    error_message = "The standby_region must be ap-northeast-2 (Seoul) or ap-northeast-1 (Tokyo)."
  }
}

variable "strategy" {
  description = "How much stands in the passive Region: backup-restore, pilot-light, warm-standby or active-active (modules/strategy has the table)."
  type        = string

  validation {
    condition     = contains(["backup-restore", "pilot-light", "warm-standby", "active-active"], var.strategy)
    error_message = "The strategy must be backup-restore, pilot-light, warm-standby or active-active."
  }
}

# Names

variable "name" {
  description = "Name of the service; clusters, secrets, keys and log groups carry it."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,19}$", var.name))
    error_message = "The name must be 2 to 20 lower-case letters, digits and hyphens, and begin with a letter."
  }
}

variable "bucket_prefix" {
  description = "Beginning of the bucket names, unique in all of AWS: <bucket_prefix>-files-<region>."
  type        = string

  validation {
    condition     = can(regex("^[a-z0-9][a-z0-9-]{2,35}$", var.bucket_prefix))
    error_message = "The bucket_prefix must be 3 to 36 lower-case letters, digits and hyphens."
  }
}

variable "tags" {
  description = "Tags of everything."
  type        = map(string)
  default     = {}
}

# The public name

variable "zone_name" {
  description = "Name of the hosted zone, without the trailing dot. The service answers as service-be.<zone_name>."
  type        = string

  validation {
    condition     = can(regex("^([a-z0-9]([a-z0-9-]*[a-z0-9])?\\.)+[a-z][a-z0-9-]*$", var.zone_name))
    error_message = "The zone_name must be a domain name in lower case without a trailing dot."
  }
}

variable "zone_id" {
  description = "Id of the hosted zone."
  type        = string

  validation {
    condition     = can(regex("^[A-Z0-9]{1,32}$", var.zone_id))
    error_message = "The zone_id must be capital letters and digits such as Z0123456789ABC, without /hostedzone/."
  }
}

variable "certificate_arns" {
  description = "Certificate of the load balancer by Region, where a team brings its own (private CA, private zone). A Region that is not named gets one from ACM, validated in zone_id."
  type        = map(string)
  default     = {}
}

variable "standby_takes_over" {
  description = "Whether the public name is a failover pair that an alarm in the standby Region moves, without Route 53's control plane."
  type        = bool
  default     = false
}

variable "record_health_checks" {
  description = "Whether the weighted records of active-active have health checks. They need a load balancer that Route 53's checkers reach, so internal = false."
  type        = bool
  default     = false
}

# Networks

variable "cidrs" {
  description = "Address range of the VPC by Region. They must differ from each other and from the office's."
  type        = map(string)

  validation {
    condition     = length(var.cidrs) == length(distinct(values(var.cidrs))) && alltrue([for cidr in values(var.cidrs) : can(cidrhost(cidr, 0))])
    error_message = "The cidrs must be IPv4 ranges such as 10.20.0.0/16, a different one for each Region."
  }
}

variable "zones" {
  description = "Names of the two availability zones by Region."
  type        = map(list(string))

  validation {
    condition     = alltrue([for zones in values(var.zones) : length(distinct(zones)) == 2])
    error_message = "Each Region needs the names of two different availability zones."
  }
}

variable "internal" {
  description = "Whether the load balancers are internal, reached over Direct Connect. An Internet-facing one is open to everybody on port 443."
  type        = bool
  default     = true
}

variable "client_cidrs" {
  description = "Address ranges that may reach the service and SFTP besides its own VPC: the office's."
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for cidr in var.client_cidrs : can(cidrhost(cidr, 0)) && cidr != "0.0.0.0/0"])
    error_message = "The client_cidrs must be IPv4 ranges other than 0.0.0.0/0."
  }
}

variable "dx_gateway_id" {
  description = "Direct Connect gateway by which the office reaches both Regions; null: none."
  type        = string
  default     = null
}

# The application

variable "image_tag" {
  description = "Tag of the image the first task definition runs. Later ones come from the deploy pipeline, in both Regions."
  type        = string
  default     = "bootstrap"

  validation {
    condition     = can(regex("^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$", var.image_tag))
    error_message = "The image_tag must be a tag as ECR takes it."
  }
}

variable "container_port" {
  description = "Port the container listens on."
  type        = number
  default     = 8080

  validation {
    condition     = var.container_port > 0 && var.container_port < 65536
    error_message = "The container_port must be a port number."
  }
}

variable "health_check_path" {
  description = "Path of the load balancer's health check."
  type        = string
  default     = "/healthz"

  validation {
    condition     = can(regex("^/", var.health_check_path))
    error_message = "The health_check_path must begin with a slash."
  }
}

variable "task_cpu" {
  description = "CPU units of a task (1024 is one vCPU)."
  type        = number
  default     = 512

  validation {
    condition     = contains([256, 512, 1024, 2048, 4096, 8192, 16384], var.task_cpu)
    error_message = "The task_cpu must be a size that Fargate has: 256, 512, 1024, 2048, 4096, 8192 or 16384."
  }
}

variable "task_memory" {
  description = "Memory of a task in MiB, a size that Fargate has for its task_cpu."
  type        = number
  default     = 1024

  validation {
    condition     = var.task_memory >= 512
    error_message = "The task_memory must be at least 512."
  }
}

variable "environment" {
  description = "Environment of the container, the same in both Regions. Nothing secret: that belongs into the secret <name>/app."
  type        = map(string)
  default     = {}
}

variable "desired_tasks" {
  description = "Tasks in the active Region."
  type        = number
  default     = 2

  validation {
    condition     = var.desired_tasks >= 1
    error_message = "The desired_tasks must be at least 1: a service with none is never healthy."
  }
}

variable "warm_tasks" {
  description = "Tasks in the passive Region of a warm standby."
  type        = number
  default     = 1

  validation {
    condition     = var.warm_tasks >= 1
    error_message = "The warm_tasks must be at least 1, else the standby is not warm."
  }
}

variable "log_retention_days" {
  description = "Days that log groups keep what they got."
  type        = number
  default     = 90

  validation {
    condition     = contains([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653], var.log_retention_days)
    error_message = "The log_retention_days must be a number that CloudWatch Logs takes, such as 30, 90 or 365."
  }
}

variable "alb_access_log_buckets" {
  description = "Bucket of the load balancer's access logs by Region; a Region that is not named keeps none. ALB writes only to buckets with SSE-S3 in its own Region."
  type        = map(string)
  default     = {}
}

# SFTP

variable "sftp_users" {
  description = "Users of the SFTP server: their public keys, and their home as a prefix of the files bucket without slashes at its ends."
  type = map(object({
    public_keys = list(string)
    home        = string
  }))
  default = {}

  validation {
    condition     = alltrue([for user in values(var.sftp_users) : length(user.public_keys) > 0 && can(regex("^[^/].*[^/]$|^[^/]$", user.home))])
    error_message = "Each user needs a public key, and a home without slashes at its ends."
  }
}

# The database

variable "aurora_engine_version" {
  description = "Version of Aurora MySQL in both Regions. To upgrade, change it here: the global cluster carries it to its members."
  type        = string
  default     = "8.0.mysql_aurora.3.08.0"

  validation {
    condition     = can(regex("^8\\.0\\.mysql_aurora\\.3\\.[0-9]+\\.[0-9]+$", var.aurora_engine_version))
    error_message = "The aurora_engine_version must be an exact Aurora MySQL 3 version such as 8.0.mysql_aurora.3.08.0."
  }
}

variable "aurora_database" {
  description = "Name of the first database."
  type        = string
  default     = "portal"

  validation {
    condition     = can(regex("^[A-Za-z][A-Za-z0-9_]{0,63}$", var.aurora_database))
    error_message = "The aurora_database must be letters, digits and underscores, and begin with a letter."
  }
}

variable "aurora_master_username" {
  description = "Name of the database's administrator. The application does not use it: it signs in by IAM."
  type        = string
  default     = "dbadmin"

  validation {
    condition     = can(regex("^[a-z][a-z0-9_]{0,15}$", var.aurora_master_username)) && !contains(["admin", "rdsadmin", "root"], var.aurora_master_username)
    error_message = "The aurora_master_username must be up to 16 lower-case letters, digits and underscores, and none of admin, rdsadmin and root."
  }
}

variable "aurora_instances" {
  description = "Instances in the home Region, in different zones."
  type        = number
  default     = 2

  validation {
    condition     = var.aurora_instances >= 1 && var.aurora_instances <= 15
    error_message = "The aurora_instances must be 1 to 15."
  }
}

variable "aurora_standby_instances" {
  description = "Instances in the standby Region. It takes one: a headless secondary cannot be promoted as it is."
  type        = number
  default     = 1

  validation {
    condition     = var.aurora_standby_instances >= 1 && var.aurora_standby_instances <= 15
    error_message = "The aurora_standby_instances must be 1 to 15."
  }
}

variable "aurora_min_acu" {
  description = "Least capacity of an instance in the home Region, in Aurora capacity units."
  type        = number
  default     = 2

  validation {
    condition     = var.aurora_min_acu >= 0.5 && var.aurora_min_acu <= 256 && floor(var.aurora_min_acu * 2) == var.aurora_min_acu * 2
    error_message = "The aurora_min_acu must be 0.5 to 256 in steps of a half."
  }
}

variable "aurora_standby_min_acu" {
  description = "Least capacity of an instance in the standby Region. It holds for that Region whoever serves, so that a failover leaves no difference to apply."
  type        = number
  default     = 0.5

  validation {
    condition     = var.aurora_standby_min_acu >= 0.5 && var.aurora_standby_min_acu <= 256 && floor(var.aurora_standby_min_acu * 2) == var.aurora_standby_min_acu * 2
    error_message = "The aurora_standby_min_acu must be 0.5 to 256 in steps of a half."
  }
}

variable "aurora_max_acu" {
  description = "Most capacity of an instance, equal in both Regions: the promoted one must carry the same load."
  type        = number
  default     = 16

  validation {
    condition     = var.aurora_max_acu >= 1 && var.aurora_max_acu <= 256 && floor(var.aurora_max_acu * 2) == var.aurora_max_acu * 2
    error_message = "The aurora_max_acu must be 1 to 256 in steps of a half."
  }
}

variable "aurora_deletion_protection" {
  description = "Whether RDS refuses to delete the clusters."
  type        = bool
  default     = true
}

variable "aurora_skip_final_snapshot" {
  description = "Whether a deleted cluster leaves no last snapshot. Only for trials."
  type        = bool
  default     = false
}

# Files, images, backups

variable "files_replication_time_control" {
  description = "Whether S3 promises 99.99 percent of the objects within 15 minutes, for a charge by the gigabyte. Metrics come with or without."
  type        = bool
  default     = true
}

variable "files_replicate_delete_markers" {
  description = "Whether a deletion in one Region deletes in the other. Off by default: a mistake or an attacker then empties both."
  type        = bool
  default     = false
}

variable "files_noncurrent_days" {
  description = "Days an overwritten or deleted object can be had back."
  type        = number
  default     = 90

  validation {
    condition     = var.files_noncurrent_days >= 1
    error_message = "The files_noncurrent_days must be at least 1."
  }
}

variable "ecr_manage_registry" {
  description = "Whether this service sets the replication of both registries. A registry has one such setting for all repositories: set false where another stack owns it, and give that stack this service's prefix."
  type        = bool
  default     = true
}

variable "backup_schedule" {
  description = "When AWS Backup runs, in UTC, as a cron expression (backup-restore only)."
  type        = string
  default     = "cron(0 17 * * ? *)"

  validation {
    condition     = can(regex("^cron\\(.+\\)$", var.backup_schedule))
    error_message = "The backup_schedule must be an AWS cron expression such as cron(0 17 * * ? *)."
  }
}

variable "backup_retention_days" {
  description = "Days that AWS Backup keeps a recovery point, in both vaults, and that Aurora keeps its own (35 at most)."
  type        = number
  default     = 35

  validation {
    condition     = var.backup_retention_days >= 1 && var.backup_retention_days <= 35
    error_message = "The backup_retention_days must be 1 to 35."
  }
}
