# Reading: what drbot's checks ask, and what hashicorp/aws asks to plan the stacks. Lists and descriptions mostly know
# no resource in IAM, so they stand on "*", each by its name; where AWS knows one, it is named.

locals {
  secret_arns = [for region in local.regions : "arn:aws:secretsmanager:${local.ids[region]}:secret:${var.service}/*"]
  state_arn   = "arn:aws:s3:::${var.state.bucket}"
  lock_arns   = var.state.lock_table == null ? [] : ["arn:aws:dynamodb:${var.state.region}:${var.account_id}:table/${var.state.lock_table}"]

  read = {
    service = [
      {
        Sid    = "Checks"
        Effect = "Allow"
        Action = [
          "cloudwatch:GetMetricData",
          "cloudwatch:ListMetrics",
          "ecs:DescribeServices",
          "ecs:DescribeTasks",
          "ecs:ListTasks",
          "elasticloadbalancing:DescribeTargetHealth",
          "rds:DescribeDBClusters",
          "rds:DescribeDBInstances",
          "rds:DescribeEvents",
          "rds:DescribeGlobalClusters",
        ]
        Resource = "*"
      },
      {
        Sid    = "PlanRegionalStacks"
        Effect = "Allow"
        Action = [
          "acm:DescribeCertificate",
          "acm:ListTagsForCertificate",
          "cloudwatch:DescribeAlarms",
          "cloudwatch:ListTagsForResource",
          "directconnect:DescribeDirectConnectGatewayAssociations",
          "ec2:DescribeFlowLogs",
          "ec2:DescribeInternetGateways",
          "ec2:DescribeNetworkAcls",
          "ec2:DescribeNetworkInterfaces",
          "ec2:DescribePrefixLists",
          "ec2:DescribeRouteTables",
          "ec2:DescribeSecurityGroupRules",
          "ec2:DescribeSecurityGroups",
          "ec2:DescribeSubnets",
          "ec2:DescribeVpcAttribute",
          "ec2:DescribeVpcEndpoints",
          "ec2:DescribeVpcs",
          "ec2:DescribeVpnGateways",
          "ecs:DescribeClusters",
          "ecs:DescribeTaskDefinition",
          "elasticloadbalancing:DescribeCapacityReservation",
          "elasticloadbalancing:DescribeListenerAttributes",
          "elasticloadbalancing:DescribeListeners",
          "elasticloadbalancing:DescribeLoadBalancerAttributes",
          "elasticloadbalancing:DescribeLoadBalancers",
          "elasticloadbalancing:DescribeTags",
          "elasticloadbalancing:DescribeTargetGroupAttributes",
          "elasticloadbalancing:DescribeTargetGroups",
          "kms:ListAliases",
          "logs:DescribeLogGroups",
          "logs:ListTagsForResource",
          "secretsmanager:ListSecrets",
          "transfer:DescribeServer",
          "transfer:DescribeUser",
        ]
        Resource = "*"
      },
      {
        Sid    = "PlanRoles"
        Effect = "Allow"
        Action = [
          "iam:GetRole",
          "iam:GetRolePolicy",
          "iam:ListAttachedRolePolicies",
          "iam:ListRolePolicies",
        ]
        Resource = "arn:aws:iam::${var.account_id}:role/${var.service}-*"
      },
      {
        Sid      = "PlanNames"
        Effect   = "Allow"
        Action   = ["route53:GetHostedZone", "route53:ListResourceRecordSets"]
        Resource = "arn:aws:route53:::hostedzone/${var.zone_id}"
      },
      {
        Sid      = "PlanHealthChecks"
        Effect   = "Allow"
        Action   = ["route53:GetHealthCheck", "route53:ListTagsForResource"]
        Resource = "arn:aws:route53:::healthcheck/*"
      },
      {
        Sid      = "PlanKey"
        Effect   = "Allow"
        Action   = ["kms:DescribeKey", "kms:GetKeyPolicy", "kms:GetKeyRotationStatus", "kms:ListResourceTags"]
        Resource = [for region in local.regions : "arn:aws:kms:${local.ids[region]}:key/*"]
      },
      {
        Sid      = "PlanSecrets"
        Effect   = "Allow"
        Action   = ["secretsmanager:DescribeSecret", "secretsmanager:GetResourcePolicy"]
        Resource = local.secret_arns
      },
      {
        # hashicorp/aws 5 takes the key of an SFTP server as a value, so whoever plans one reads it.
        Sid      = "PlanSftpHostKey"
        Effect   = "Allow"
        Action   = "secretsmanager:GetSecretValue"
        Resource = [for region in local.regions : "arn:aws:secretsmanager:${local.ids[region]}:secret:${var.service}/sftp-host-key-*"]
      },
      {
        Sid      = "DecryptSftpHostKey"
        Effect   = "Allow"
        Action   = "kms:Decrypt"
        Resource = [for region in local.regions : "arn:aws:kms:${local.ids[region]}:key/*"]
        Condition = {
          "ForAnyValue:StringEquals" = { "kms:ResourceAliases" = "alias/${var.service}" }
          StringEquals               = { "kms:ViaService" = [for region in local.regions : "secretsmanager.${region}.amazonaws.com"] }
          StringLike                 = { "kms:EncryptionContext:SecretARN" = [for region in local.regions : "arn:aws:secretsmanager:${local.ids[region]}:secret:${var.service}/sftp-host-key-*"] }
        }
      },
    ]

    data-and-state = concat([
      {
        Sid    = "PlanDatabase"
        Effect = "Allow"
        Action = [
          "rds:DescribeDBClusterParameterGroups",
          "rds:DescribeDBClusterParameters",
          "rds:DescribeDBParameterGroups",
          "rds:DescribeDBParameters",
          "rds:DescribeDBSubnetGroups",
          "rds:ListTagsForResource",
        ]
        Resource = "*"
      },
      {
        Sid    = "PlanFiles"
        Effect = "Allow"
        Action = [
          "s3:GetAccelerateConfiguration",
          "s3:GetBucketAcl",
          "s3:GetBucketCORS",
          "s3:GetBucketLogging",
          "s3:GetBucketObjectLockConfiguration",
          "s3:GetBucketOwnershipControls",
          "s3:GetBucketPolicy",
          "s3:GetBucketPublicAccessBlock",
          "s3:GetBucketRequestPayment",
          "s3:GetBucketTagging",
          "s3:GetBucketVersioning",
          "s3:GetBucketWebsite",
          "s3:GetEncryptionConfiguration",
          "s3:GetLifecycleConfiguration",
          "s3:GetReplicationConfiguration",
          "s3:ListBucket",
        ]
        Resource = [for region in local.regions : "arn:aws:s3:::${var.bucket_prefix}-files-${region}"]
      },
      {
        Sid      = "PlanImages"
        Effect   = "Allow"
        Action   = ["ecr:DescribeRepositories", "ecr:GetLifecyclePolicy", "ecr:ListTagsForResource"]
        Resource = [for region in local.regions : "arn:aws:ecr:${local.ids[region]}:repository/${var.service}"]
      },
      {
        Sid      = "PlanRegistry"
        Effect   = "Allow"
        Action   = "ecr:DescribeRegistry"
        Resource = "*"
      },
      {
        Sid      = "PlanBackups"
        Effect   = "Allow"
        Action   = ["backup:DescribeBackupVault", "backup:GetBackupPlan", "backup:GetBackupSelection", "backup:ListTags"]
        Resource = flatten([for region in local.regions : ["arn:aws:backup:${local.ids[region]}:backup-vault:${var.service}*", "arn:aws:backup:${local.ids[region]}:backup-plan:*"]])
      },
      {
        Sid      = "FindState"
        Effect   = "Allow"
        Action   = "s3:ListBucket"
        Resource = local.state_arn
      },
      {
        Sid      = "ReadState"
        Effect   = "Allow"
        Action   = "s3:GetObject"
        Resource = "${local.state_arn}/${var.state.folder}/*"
      },
      {
        Sid       = "DecryptState"
        Effect    = "Allow"
        Action    = "kms:Decrypt"
        Resource  = var.state.kms_key_arn
        Condition = { StringEquals = { "kms:ViaService" = "s3.${var.state.region}.amazonaws.com" } }
      },
      ],
      [for table in local.lock_arns : {
        # The table also keeps the checksum of each state, which is compared at every read. Plans take no lock.
        Sid       = "ReadStateChecksum"
        Effect    = "Allow"
        Action    = "dynamodb:GetItem"
        Resource  = table
        Condition = { "ForAllValues:StringLike" = { "dynamodb:LeadingKeys" = ["${var.state.bucket}/${var.state.folder}/*"] } }
      }],
    )
  }
}
