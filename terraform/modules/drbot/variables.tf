variable "name" {
  description = "Name of everything the bot is made of, and of the role it runs under."
  type        = string
  default     = "drbot"

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,19}$", var.name))
    error_message = "The name must be 2 to 20 lower-case letters, digits and hyphens, and begin with a letter."
  }
}

variable "platform" {
  description = "ecs: one Fargate task with PostgreSQL. ec2: one instance with SQLite on a volume of its own; a running apply outlives a restart of the bot there, and the command line works."
  type        = string

  validation {
    condition     = contains(["ecs", "ec2"], var.platform)
    error_message = "The platform must be ecs or ec2."
  }
}

variable "region" {
  description = "The control Region: neither of the two a failover goes between, where there is one. The provider given must be of the same."
  type        = string

  validation {
    condition     = can(regex("^[a-z]{2}(-[a-z]+)+-[0-9]$", var.region))
    error_message = "The region must be a Region's code such as ap-northeast-3."
  }
}

variable "account_id" {
  description = "The account."
  type        = string

  validation {
    condition     = can(regex("^[0-9]{12}$", var.account_id))
    error_message = "The account_id must be 12 digits."
  }
}

# The program and its configuration

variable "image" {
  description = "Image of drbot, by digest or tag, from a registry that the control Region reaches."
  type        = string
}

variable "ecr_repository_arn" {
  description = "Repository of the image where it is one of ECR; null: another registry that asks for no password."
  type        = string
  default     = null
}

variable "config" {
  description = "Text of drbot.yaml, such as file(\"drbot.yaml\"). It holds no secrets: it names the environment variables that do (DRBOT_SLACK_TOKEN and so on)."
  type        = string

  validation {
    condition     = length(var.config) > 0 && length(var.config) <= 32768
    error_message = "The config must be the text of drbot.yaml, 32 KiB at most."
  }
}

# The network

variable "vpc_id" {
  description = "VPC of the bot, in the control Region."
  type        = string
}

variable "vpc_cidr" {
  description = "Address range of that VPC."
  type        = string

  validation {
    condition     = can(cidrhost(var.vpc_cidr, 0))
    error_message = "The vpc_cidr must be an IPv4 range such as 10.30.0.0/16."
  }
}

variable "subnet_ids" {
  description = "Private subnets of two zones, for the bot and its database. They need a way to Slack, GitHub and AWS. An instance and its volume are in the first one."
  type        = list(string)

  validation {
    condition     = length(var.subnet_ids) >= 2
    error_message = "The subnet_ids must be two or more, in different zones."
  }
}

variable "alb_subnet_ids" {
  description = "Subnets of the load balancer, in two zones: public ones where expose is true."
  type        = list(string)

  validation {
    condition     = length(var.alb_subnet_ids) >= 2
    error_message = "The alb_subnet_ids must be two or more, in different zones."
  }
}

variable "certificate_arn" {
  description = "ACM certificate of the name that Slack and GitHub call."
  type        = string

  validation {
    condition     = can(regex("^arn:aws[a-z-]*:acm:", var.certificate_arn))
    error_message = "The certificate_arn must be the ARN of an ACM certificate."
  }
}

variable "expose" {
  description = "Whether the load balancer faces the Internet. Slack calls from there and says from no fixed addresses; false: a gateway of yours forwards to an internal one."
  type        = bool
  default     = true
}

variable "ingress_cidrs" {
  description = "Who may reach the load balancer on 443; null: everybody where it faces the Internet, else the VPC. Every request must be signed by Slack or GitHub in any case."
  type        = list(string)
  default     = null

  validation {
    condition     = var.ingress_cidrs == null ? true : length(var.ingress_cidrs) > 0 && alltrue([for cidr in var.ingress_cidrs : can(cidrhost(cidr, 0))])
    error_message = "The ingress_cidrs must be IPv4 ranges such as 203.0.113.0/24, or null."
  }
}

variable "egress_cidrs" {
  description = "Where the bot may go on 443 besides its VPC: the way to Slack, GitHub and AWS. With a proxy in the VPC it is empty. Slack has no fixed addresses, so without a proxy this is as wide as you dare."
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for cidr in var.egress_cidrs : can(cidrhost(cidr, 0))])
    error_message = "The egress_cidrs must be IPv4 ranges."
  }
}

variable "proxy" {
  description = "Proxy for everything outside, such as http://proxy.internal:3128; null: none. Name HTTPS_PROXY and NO_PROXY in terraform.pass_env too."
  type        = string
  default     = null

  validation {
    condition     = var.proxy == null ? true : can(regex("^https?://[^:@]+:[0-9]+$", var.proxy))
    error_message = "The proxy must be a URL with a port and without a password."
  }
}

# What it may do

variable "services" {
  description = "The services it moves, by name. With more than one, give each a prefix of its own, and drbot.yaml the roles drbot-{service}-read-{region}."
  type = map(object({
    prefix         = string # of the roles' names: drbot
    home_region    = string
    standby_region = string
    zone_name      = string
    zone_id        = string
    bucket_prefix  = string
    state_folder   = string # of its keys in the state bucket: portal
  }))

  validation {
    condition     = length(var.services) > 0 && length(distinct([for s in values(var.services) : s.prefix])) == length(var.services)
    error_message = "There must be at least one service, and no two may share a prefix."
  }
}

variable "state" {
  description = "Terraform's state: bucket, its Region, the key that encrypts it, and the lock table (null where the lock is an object in the bucket)."
  type = object({
    bucket      = string
    region      = string
    kms_key_arn = string
    lock_table  = string
  })
}

variable "one_terraform_role" {
  description = "Whether Terraform has one role for all it does, per service. See modules/drbot/roles."
  type        = bool
  default     = false
}

# What it is kept on

variable "kms_key_arn" {
  description = "Key of everything at rest; null: one is made here. A key of yours must let CloudWatch Logs use it."
  type        = string
  default     = null
}

variable "log_retention_days" {
  description = "Days that the log is kept."
  type        = number
  default     = 365

  validation {
    condition     = contains([30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653], var.log_retention_days)
    error_message = "The log_retention_days must be a number that CloudWatch Logs takes, such as 30, 90 or 365."
  }
}

variable "deletion_protection" {
  description = "Whether RDS refuses to delete the database."
  type        = bool
  default     = true
}

# platform = "ecs"

variable "cpu" {
  description = "CPU units of the task. An apply with hashicorp/aws wants one vCPU."
  type        = number
  default     = 1024

  validation {
    condition     = contains([512, 1024, 2048, 4096], var.cpu)
    error_message = "The cpu must be 512, 1024, 2048 or 4096."
  }
}

variable "memory" {
  description = "Memory of the task in MiB, a size that Fargate has for its cpu. hashicorp/aws takes up to 1 GiB while it runs."
  type        = number
  default     = 3072

  validation {
    condition     = var.memory >= 2048
    error_message = "The memory must be at least 2048."
  }
}

variable "database_url_secret_arn" {
  description = "Secret whose value is the URL of a PostgreSQL database that exists, with sslmode=verify-full; null: one is made here. Without a version, it is read when the task starts."
  type        = string
  default     = null
}

variable "database_ca" {
  description = "Certificates in PEM that the database's own is signed with: for RDS the bundle of its Region, https://truststore.pki.rds.amazonaws.com/REGION/REGION-bundle.pem. Needed where the database is made here; the task has it as /etc/drbot/rds-ca.pem."
  type        = string
  default     = null
}

variable "database_user" {
  description = "User of the database made here as whom drbot comes, and the secret with its password (JSON, key password). It is made once, by its master (docs/operate.md); null: drbot comes as the master."
  type = object({
    name                = string
    password_secret_arn = string
  })
  default = null
}

variable "database_security_group_id" {
  description = "Security group of that database; null where one is made here."
  type        = string
  default     = null
}

variable "database_instance_class" {
  description = "Size of the database made here."
  type        = string
  default     = "db.t4g.small"
}

variable "database_multi_az" {
  description = "Whether the database made here survives the loss of a zone."
  type        = bool
  default     = true
}

# platform = "ec2"

variable "availability_zone" {
  description = "Zone of the first of subnet_ids, for the volume (ec2 only)."
  type        = string
  default     = null
}

variable "instance_type" {
  description = "Size of the instance, x86_64 as the image."
  type        = string
  default     = "t3.medium"
}

variable "ami_id" {
  description = "Amazon Linux 2023; null: the newest when the instance is made."
  type        = string
  default     = null
}

variable "volume_gib" {
  description = "Size of the volume for the database and the work folder."
  type        = number
  default     = 20

  validation {
    condition     = var.volume_gib >= 10
    error_message = "The volume_gib must be at least 10."
  }
}

variable "snapshot_hours" {
  description = "Hours between two snapshots of the volume. Between disasters little is written; what a run does is also on its pull request."
  type        = number
  default     = 4

  validation {
    condition     = contains([1, 2, 3, 4, 6, 8, 12, 24], var.snapshot_hours)
    error_message = "The snapshot_hours must be 1, 2, 3, 4, 6, 8, 12 or 24."
  }
}

variable "tags" {
  description = "Tags of everything."
  type        = map(string)
  default     = {}
}
