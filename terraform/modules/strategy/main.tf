# The one table of what stands in the passive Region. Nothing else in this tree compares the name of a strategy.
# terraform/README.md shows the same table; change both. The network is not in it: VPC and subnets are free and stand in
# both Regions always, so that a restore has where to go, and no flip takes a network from under a database.
#
#   copies     images in ECR, secrets and the key that reads them
#   backups    AWS Backup copies every recovery point to a vault there
#   database   a member of the global cluster with an instance, and a bucket replicated both ways
#   endpoints  interface endpoints, by which private tasks reach AWS (charged by the hour)
#   alb        the load balancer with its regional name
#   tasks      none, the least (warm_tasks) or full (desired_tasks)
#   sftp       the SFTP server (charged by the hour, even stopped)
#   traffic    whether the passive Region gets a share of it; the writer stays one

locals {
  table = {
    backup-restore = {
      copies    = true
      backups   = true
      database  = false
      endpoints = false
      alb       = false
      tasks     = "none"
      sftp      = false
      traffic   = false
    }
    pilot-light = {
      copies    = true
      backups   = false
      database  = true
      endpoints = false
      alb       = false
      tasks     = "none"
      sftp      = false
      traffic   = false
    }
    warm-standby = {
      copies    = true
      backups   = false
      database  = true
      endpoints = true
      alb       = true
      tasks     = "least"
      sftp      = true
      traffic   = false
    }
    active-active = {
      copies    = true
      backups   = false
      database  = true
      endpoints = true
      alb       = true
      tasks     = "full"
      sftp      = true
      traffic   = true
    }
  }
}
