"""S3: a replication configuration that reads back whole, and access logs beside a policy for everybody.

Follows
  https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketReplication.html
  https://docs.aws.amazon.com/AmazonS3/latest/userguide/enable-server-access-logging.html

Moto looks for the logging service in the policy of the target bucket and fails on
a statement with `"Principal": "*"`, which every "TLS only" policy has. Of a
replication rule it shows the destination alone; here it is all that was sent.

Out of reach: replication (the configuration is kept, objects are not copied), the
delivery of logs, the expiry by lifecycle rules.
"""

import json
from typing import Any

from moto.core.responses import ActionResult
from moto.s3.exceptions import ReplicationConfigurationNotFoundError
from moto.s3.models import FakeBucket
from moto.s3.responses import S3Response


def allows_logging(original: Any) -> Any:
    def allows(target_bucket: FakeBucket, target_prefix: str | None) -> bool:
        policy = target_bucket.policy
        if not policy:
            return original(target_bucket, target_prefix)
        statements = json.loads(policy.decode())["Statement"]
        named = [s for s in statements if isinstance(s.get("Principal"), dict)]
        stand_in = type("Bucket", (), vars(target_bucket) | {"policy": json.dumps({"Statement": named}).encode()})
        return original(stand_in, target_prefix)

    return allows


# ---- Replication -----------------------------------------------------------------------------


def get_bucket_replication(self: S3Response) -> Any:
    self.data["Action"] = "GetBucketReplication"
    held = self.backend.get_bucket_replication(self.bucket_name)
    if not held:
        raise ReplicationConfigurationNotFoundError(bucket_name=self.bucket_name)
    rules = [{**rule, "Filter": described(rule.get("Filter"))} for rule in held["Rule"]]
    return self.serialized(ActionResult({"ReplicationConfiguration": {"Role": held["Role"], "Rules": rules}}))


def described(sent: dict[str, Any] | None) -> dict[str, Any]:
    """A filter as it was sent; the tags of an And are a list of any length."""
    if not sent or sent == {"Prefix": None}:
        return {"Prefix": ""}
    both = sent.get("And")
    if not both:
        return sent
    tags = both.get("Tag") or []
    return {"And": {"Prefix": both.get("Prefix") or "", "Tags": tags if isinstance(tags, list) else [tags]}}


def install() -> None:
    FakeBucket._log_permissions_enabled_policy = staticmethod(allows_logging(FakeBucket._log_permissions_enabled_policy))
    S3Response.get_bucket_replication = get_bucket_replication
