output "arns" {
  description = "Roles by purpose and Region: read-<region>, apply-<region>, promote-<region>; and terraform where there is one."
  value = merge(
    { for key, role in aws_iam_role.main : key => role.arn },
    { for role in aws_iam_role.terraform : "terraform" => role.arn },
  )
}
