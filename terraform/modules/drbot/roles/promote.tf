# The acts that drbot does itself. A switchover is asked of the source's Region and a failover of the target's, and RDS
# wants the right on all three: the global cluster and both members (Aurora User Guide, "Using switchover or failover in
# Aurora Global Database"). The ARNs are built from names: nothing is looked up in a lost Region.

locals {
  promote = { for here in local.regions : here => [
    {
      Sid    = "MoveWriter"
      Effect = "Allow"
      Action = ["rds:FailoverGlobalCluster", "rds:SwitchoverGlobalCluster"]
      Resource = concat(
        ["arn:aws:rds::${var.account_id}:global-cluster:${var.service}"],
        [for region in local.regions : "arn:aws:rds:${local.ids[region]}:cluster:${var.service}-${region}"],
      )
    },
    {
      Sid      = "ScaleAndReplaceTasks"
      Effect   = "Allow"
      Action   = "ecs:UpdateService"
      Resource = "arn:aws:ecs:${local.ids[here]}:service/${var.service}/${var.service}"
    },
  ] }
}
