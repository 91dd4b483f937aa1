"""ACM certificates that are issued once their validation records exist.

Follows
  https://docs.aws.amazon.com/acm/latest/userguide/dns-validation.html
  https://docs.aws.amazon.com/acm/latest/APIReference/API_DomainValidation.html

Moto issues a certificate a minute after it was asked for, whatever Route 53 holds.
Here a certificate validated by DNS is ISSUED as soon as each of its names has its
CNAME in a public hosted zone of Moto's Route 53, and not before. Once issued it stays so.

Out of reach: validation by mail (stays PENDING_VALIDATION), the expiry of a
request after 72 hours, renewal.
"""

from typing import Any

from moto.acm.models import CertBundle
from moto.route53.models import route53_backends


def record_exists(account: str, name: str, value: str) -> bool:
    """Whether a public zone holds the CNAME."""
    for backend in route53_backends[account].values():
        for zone in backend.zones.values():
            if zone.private_zone:
                continue
            for record in zone.rrsets:
                same = record.type == "CNAME" and record.name.rstrip(".").lower() == name.rstrip(".").lower()
                if same and any(v.rstrip(".") == value.rstrip(".") for v in record.records):
                    return True
    return False


def pending(certificate: CertBundle) -> bool:
    return certificate.type == "AMAZON_ISSUED" and certificate.status == "PENDING_VALIDATION"


def check(original: Any) -> Any:
    def settle(self: CertBundle) -> None:
        if not pending(self):
            original(self)
            return
        account = self.arn.split(":")[4]
        records = [o["ResourceRecord"] for o in self.describe()["Certificate"]["DomainValidationOptions"]]
        if all(record_exists(account, r["Name"], r["Value"]) for r in records):
            self.status = "ISSUED"

    return settle


def describe(original: Any) -> Any:
    """DescribeCertificate without IssuedAt while it is not issued, and each name validated by itself."""

    def shown(self: CertBundle) -> dict[str, Any]:
        result = original(self)
        certificate = result["Certificate"]
        if self.type == "AMAZON_ISSUED" and self.status != "ISSUED":
            certificate.pop("IssuedAt", None)
        account = self.arn.split(":")[4]
        for option in certificate.get("DomainValidationOptions", []):
            record = option["ResourceRecord"]
            if pending(self) and record_exists(account, record["Name"], record["Value"]):
                option["ValidationStatus"] = "SUCCESS"
        return result

    return shown


def install() -> None:
    CertBundle.check = check(CertBundle.check)
    CertBundle.describe = describe(CertBundle.describe)
