output "arns" {
  description = "Roles by purpose and Region: read-<region>, apply-<region>, promote-<region>; and terraform where there is one."
  value = merge(
    { for key, role in aws_iam_role.main : key => role.arn },
    { for role in aws_iam_role.terraform : "terraform" => role.arn },
  )
}

output "profiles" {
  description = "Profiles for Terraform, as the text of an AWS configuration file; %s stands for where drbot's own credentials come from."
  value = join("\n", [for key in sort(concat(
    [for key, role in local.roles : key if role.purpose != "promote"], var.one_terraform_role ? ["terraform"] : [],
    )) : join("\n", [
    "[profile ${var.prefix}-${key}]",
    "role_arn = arn:aws:iam::${var.account_id}:role/${var.prefix}-${key}",
    "role_session_name = drbot-${lookup({ read = "plan" }, split("-", key)[0], split("-", key)[0])}",
    "credential_source = %s",
    "sts_regional_endpoints = regional", # never the global one, which is in us-east-1
    "",
  ])])
}
