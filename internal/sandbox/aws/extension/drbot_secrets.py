"""Secrets Manager: the KMS key of a replica.

Follows
  https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_ReplicaRegionType.html

Moto shows every replica under AWS's own key. Here it is the key that was asked for,
in the primary's ReplicationStatus and in the replica's own description.

Out of reach: rotation, the encryption itself (values are held as they are).
"""

from typing import Any

from moto.secretsmanager.models import FakeSecret, ReplicaSecret, SecretsManagerBackend


def create_replicas(original: Any) -> Any:
    def create(self: FakeSecret, replica_regions: list[dict[str, str]], force_overwrite: bool) -> list[ReplicaSecret]:
        made = original(self, replica_regions, force_overwrite)
        for replica, asked in zip(made, replica_regions or []):
            replica.config["KmsKeyId"] = asked.get("KmsKeyId") or SecretsManagerBackend.DEFAULT_KMS_KEY_ALIAS
        return made

    return create


def describe(original: Any) -> Any:
    def to_dict(self: ReplicaSecret) -> dict[str, Any]:
        return {**original(self), "KmsKeyId": self.config["KmsKeyId"]}

    return to_dict


def install() -> None:
    FakeSecret.create_replicas = create_replicas(FakeSecret.create_replicas)
    ReplicaSecret.to_dict = describe(ReplicaSecret.to_dict)
