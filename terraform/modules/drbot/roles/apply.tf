# Applying a flip: what stands by activity is made, changed and removed in the role's own Region, and two names in Route 53 are
# set. No iam:Create*, nothing of RDS, no bucket, key, secret, repository or network: a plan that touches one of them fails here
# even if every check before let it through.

locals {
  public_name = "service-be.${var.zone_name}"

  mine_by_tag = { for region in local.regions : region => { StringEquals = { "aws:ResourceTag/Service" = var.service } } }
  new_by_tag  = { for region in local.regions : region => { StringEquals = { "aws:RequestTag/Service" = var.service } } }

  apply = { for region in local.regions : region => concat([
    {
      Sid    = "LoadBalancer"
      Effect = "Allow"
      Action = [
        "elasticloadbalancing:AddTags",
        "elasticloadbalancing:CreateListener",
        "elasticloadbalancing:CreateLoadBalancer",
        "elasticloadbalancing:CreateTargetGroup",
        "elasticloadbalancing:DeleteListener",
        "elasticloadbalancing:DeleteLoadBalancer",
        "elasticloadbalancing:DeleteTargetGroup",
        "elasticloadbalancing:ModifyLoadBalancerAttributes",
        "elasticloadbalancing:ModifyTargetGroupAttributes",
      ]
      Resource = [for kind in ["listener/app", "loadbalancer/app", "targetgroup"] : "arn:aws:elasticloadbalancing:${local.ids[region]}:${kind}/${var.service}/*"]
    },
    {
      Sid      = "Tasks"
      Effect   = "Allow"
      Action   = ["ecs:CreateService", "ecs:DeleteService", "ecs:TagResource", "ecs:UpdateService"]
      Resource = "arn:aws:ecs:${local.ids[region]}:service/${var.service}/${var.service}"
    },
    {
      # A change of the task's shape that waits in Git comes along with a flip.
      Sid      = "TaskFamily"
      Effect   = "Allow"
      Action   = ["ecs:RegisterTaskDefinition", "ecs:TagResource"]
      Resource = "arn:aws:ecs:${local.ids[region]}:task-definition/${var.service}:*"
    },
    {
      Sid       = "RolesOfTasks"
      Effect    = "Allow"
      Action    = "iam:PassRole"
      Resource  = [for role in ["execution", "task"] : "arn:aws:iam::${var.account_id}:role/${var.service}-${region}-${role}"]
      Condition = { StringEquals = { "iam:PassedToService" = "ecs-tasks.amazonaws.com" } }
    },
    {
      # The two names and no other: Tokyo's role cannot change Seoul's regional name.
      Sid      = "Names"
      Effect   = "Allow"
      Action   = "route53:ChangeResourceRecordSets"
      Resource = "arn:aws:route53:::hostedzone/${var.zone_id}"
      Condition = {
        "ForAllValues:StringEquals" = {
          "route53:ChangeResourceRecordSetsNormalizedRecordNames" = [local.public_name, "${region}.${local.public_name}"]
          "route53:ChangeResourceRecordSetsRecordTypes"           = ["CNAME"]
        }
      }
    },
    {
      Sid      = "WaitForNames"
      Effect   = "Allow"
      Action   = "route53:GetChange"
      Resource = "arn:aws:route53:::change/*"
    },
    {
      Sid       = "NewSecurityGroups"
      Effect    = "Allow"
      Action    = "ec2:CreateSecurityGroup"
      Resource  = "arn:aws:ec2:${local.ids[region]}:security-group/*"
      Condition = local.new_by_tag[region]
    },
    {
      Sid    = "SecurityGroups"
      Effect = "Allow"
      Action = [
        "ec2:AuthorizeSecurityGroupEgress",
        "ec2:AuthorizeSecurityGroupIngress",
        "ec2:CreateSecurityGroup",
        "ec2:DeleteSecurityGroup",
        "ec2:RevokeSecurityGroupEgress",
        "ec2:RevokeSecurityGroupIngress",
      ]
      Resource  = [for kind in ["security-group", "security-group-rule", "vpc"] : "arn:aws:ec2:${local.ids[region]}:${kind}/*"]
      Condition = local.mine_by_tag[region]
    },
    {
      Sid       = "NewRules"
      Effect    = "Allow"
      Action    = ["ec2:AuthorizeSecurityGroupEgress", "ec2:AuthorizeSecurityGroupIngress"]
      Resource  = "arn:aws:ec2:${local.ids[region]}:security-group-rule/*"
      Condition = local.new_by_tag[region]
    },
    {
      Sid       = "EndpointsInOwnNetwork"
      Effect    = "Allow"
      Action    = ["ec2:CreateVpcEndpoint", "ec2:ModifyVpcEndpoint"]
      Resource  = [for kind in ["route-table", "security-group", "subnet", "vpc"] : "arn:aws:ec2:${local.ids[region]}:${kind}/*"]
      Condition = local.mine_by_tag[region]
    },
    {
      Sid       = "EndpointsOfAws"
      Effect    = "Allow"
      Action    = "ec2:CreateVpcEndpoint"
      Resource  = "arn:aws:ec2:${local.ids[region]}:vpc-endpoint/*"
      Condition = { StringEquals = { "ec2:VpceServiceOwner" = "amazon" } }
    },
    {
      # Not by tag: AWS Transfer makes the endpoint of its server with the caller's rights, and puts no tags on it.
      Sid      = "Endpoints"
      Effect   = "Allow"
      Action   = ["ec2:DeleteVpcEndpoints", "ec2:ModifyVpcEndpoint"]
      Resource = "arn:aws:ec2:${local.ids[region]}:vpc-endpoint/*"
    },
    {
      # Private names of an interface endpoint are a zone that AWS owns and associates with the VPC.
      Sid       = "NamesOfEndpoints"
      Effect    = "Allow"
      Action    = "route53:AssociateVPCWithHostedZone"
      Resource  = "*"
      Condition = { "ForAllValues:StringLike" = { "route53:VPCs" = "VPCId=*,VPCRegion=${region}" } }
    },
    {
      # Tags only in the call that makes the thing.
      Sid      = "TagsOfTheNew"
      Effect   = "Allow"
      Action   = "ec2:CreateTags"
      Resource = "arn:aws:ec2:${local.ids[region]}:*/*"
      Condition = { StringEquals = { "ec2:CreateAction" = [
        "AuthorizeSecurityGroupEgress", "AuthorizeSecurityGroupIngress", "CreateSecurityGroup", "CreateVpcEndpoint",
      ] } }
    },
    {
      Sid      = "WriteState"
      Effect   = "Allow"
      Action   = "s3:PutObject"
      Resource = [for stack in [region, "traffic"] : "${local.state_arn}/${var.state.folder}/${stack}.tfstate"]
    },
    {
      Sid       = "EncryptState"
      Effect    = "Allow"
      Action    = "kms:GenerateDataKey"
      Resource  = var.state.kms_key_arn
      Condition = { StringEquals = { "kms:ViaService" = "s3.${var.state.region}.amazonaws.com" } }
    },
    ],
    [for table in local.lock_arns : {
      # A lock has the state's path as its key, the checksum has -md5 behind it.
      Sid      = "LockStateInTable"
      Effect   = "Allow"
      Action   = ["dynamodb:DeleteItem", "dynamodb:GetItem", "dynamodb:PutItem"]
      Resource = table
      Condition = { "ForAllValues:StringEquals" = { "dynamodb:LeadingKeys" = flatten([
        for stack in [region, "traffic"] : [for end in ["", "-md5"] : "${var.state.bucket}/${var.state.folder}/${stack}.tfstate${end}"]
      ]) } }
    }],
    [for object in [".tflock"] : {
      Sid      = "LockStateInBucket"
      Effect   = "Allow"
      Action   = ["s3:DeleteObject", "s3:PutObject"]
      Resource = [for stack in [region, "traffic"] : "${local.state_arn}/${var.state.folder}/${stack}.tfstate${object}"]
    } if length(local.lock_arns) == 0],
  ) }

  # A policy of its own only because one may have 6,144 characters.
  sftp = { for region in local.regions : region => [
    {
      Sid       = "RoleOfSftpUsers"
      Effect    = "Allow"
      Action    = "iam:PassRole"
      Resource  = "arn:aws:iam::${var.account_id}:role/${var.service}-${region}-sftp"
      Condition = { StringEquals = { "iam:PassedToService" = "transfer.amazonaws.com" } }
    },
    {
      Sid    = "NewSftpServer"
      Effect = "Allow"
      Action = "transfer:CreateServer"
      # The action knows no resource.
      Resource = "*"
      Condition = { StringEquals = {
        "aws:RequestedRegion"                = region
        "aws:RequestTag/Service"             = var.service
        "transfer:RequestServerEndpointType" = "VPC"
      } }
    },
    {
      Sid    = "SftpServer"
      Effect = "Allow"
      Action = [
        "transfer:CreateUser",
        "transfer:DeleteServer",
        "transfer:DeleteSshPublicKey",
        "transfer:DeleteUser",
        "transfer:ImportSshPublicKey",
      ]
      Resource  = [for kind in ["server", "user"] : "arn:aws:transfer:${local.ids[region]}:${kind}/*"]
      Condition = local.mine_by_tag[region]
    },
    {
      Sid       = "TagsOfSftp"
      Effect    = "Allow"
      Action    = "transfer:TagResource"
      Resource  = [for kind in ["server", "user"] : "arn:aws:transfer:${local.ids[region]}:${kind}/*"]
      Condition = local.new_by_tag[region]
    },
    {
      # AWS Transfer writes its log by a delivery that it sets up with the caller's rights; none of these knows a resource.
      Sid    = "LogOfSftp"
      Effect = "Allow"
      Action = [
        "logs:CreateLogDelivery",
        "logs:DeleteLogDelivery",
        "logs:DescribeResourcePolicies",
        "logs:GetLogDelivery",
        "logs:ListLogDeliveries",
        "logs:PutResourcePolicy",
        "logs:UpdateLogDelivery",
      ]
      Resource  = "*"
      Condition = { StringEquals = { "aws:RequestedRegion" = region } }
    },
  ] }
}
