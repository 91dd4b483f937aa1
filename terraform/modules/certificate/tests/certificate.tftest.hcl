mock_provider "aws" {
  mock_resource "aws_acm_certificate" {
    defaults = {
      arn = "arn:aws:acm:ap-northeast-2:123456789012:certificate/mock"
      domain_validation_options = [
        {
          domain_name           = "service-be.example.com"
          resource_record_name  = "_a.service-be.example.com."
          resource_record_type  = "CNAME"
          resource_record_value = "_b.acm-validations.aws."
        },
        {
          domain_name           = "ap-northeast-2.service-be.example.com"
          resource_record_name  = "_c.ap-northeast-2.service-be.example.com."
          resource_record_type  = "CNAME"
          resource_record_value = "_d.acm-validations.aws."
        },
      ]
    }
  }
}

variables {
  public_name   = "service-be.example.com"
  regional_name = "ap-northeast-2.service-be.example.com"
  zone_id       = "Z1"
}

run "made" {
  assert {
    condition     = aws_acm_certificate.main[0].validation_method == "DNS" && contains(aws_acm_certificate.main[0].subject_alternative_names, var.regional_name)
    error_message = "The certificate lacks a name."
  }
  assert {
    condition     = length(aws_route53_record.validation) == 2 && alltrue([for r in aws_route53_record.validation : r.allow_overwrite])
    error_message = "Two stacks want the record of the public name: neither may fail for it."
  }
  assert {
    condition     = aws_route53_record.validation["service-be.example.com"].name == "_a.service-be.example.com."
    error_message = "A record proves another name."
  }
}

run "given" {
  variables {
    certificate_arn = "arn:aws:acm:ap-northeast-2:123456789012:certificate/private"
  }

  assert {
    condition     = output.arn == var.certificate_arn && length(aws_acm_certificate.main) == 0 && length(aws_route53_record.validation) == 0
    error_message = "A certificate is made though one was given."
  }
}

run "refuses_what_is_no_certificate" {
  command = plan

  variables {
    certificate_arn = "portal"
  }

  expect_failures = [var.certificate_arn]
}
