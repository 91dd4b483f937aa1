"""KMS replica keys with a policy, a description and tags of their own.

Follows
  https://docs.aws.amazon.com/kms/latest/APIReference/API_ReplicateKey.html
  https://docs.aws.amazon.com/kms/latest/developerguide/multi-region-keys-overview.html

Moto's replica shares the primary's description and aliases and forgets the policy
and the tags it was asked for. Here they are the replica's own; the lists of
replicas agree in every Region, and a replica that is deleted leaves them.

Out of reach: the synchronization of rotation, UpdatePrimaryRegion,
PendingReplicaDeletion (a primary with replicas is deleted like any other key).
"""

import json
from typing import Any

from moto.kms.models import Key, KmsBackend, kms_backends
from moto.kms.responses import KmsResponse


def configuration(key: Key, primary: Key) -> dict[str, Any]:
    """The replica's view: the same primary and list of replicas, another type."""
    return {
        "MultiRegionKeyType": "REPLICA",
        "PrimaryKey": primary.multi_region_configuration["PrimaryKey"],
        "ReplicaKeys": primary.multi_region_configuration["ReplicaKeys"],  # one list, which all share
    }


def replicate_key(self: KmsResponse) -> str:
    key_id, region = self._get_param("KeyId"), self._get_param("ReplicaRegion")
    self._validate_key_id(key_id)
    key_id = self.kms_backend.any_id_to_key_id(key_id)
    primary = self.kms_backend.keys[key_id]
    replica = self.kms_backend.replicate_key(key_id, region)
    replica.multi_region_configuration = configuration(replica, primary)
    replica.aliases, replica.grants, replica.rotations = {}, {}, []
    replica.description = self._get_param("Description") or ""
    replica.policy = self._get_param("Policy") or replica.generate_default_policy()
    replica.key_state, replica.enabled, replica.deletion_date = "Enabled", True, None
    tags = self._get_param("Tags") or []
    kms_backends[self.current_account][region].tag_resource(replica.id, tags)
    return json.dumps(
        {"ReplicaKeyMetadata": replica.to_dict()["KeyMetadata"], "ReplicaPolicy": replica.policy, "ReplicaTags": tags}
    )


def schedule_key_deletion(original: Any) -> Any:
    def schedule(self: KmsBackend, key_id: str, pending_window_in_days: int) -> Any:
        answer = original(self, key_id, pending_window_in_days)
        key = self.keys[key_id]
        if key.multi_region:
            replicas = key.multi_region_configuration["ReplicaKeys"]
            replicas[:] = [r for r in replicas if r["Arn"] != key.arn]
        return answer

    return schedule


def install() -> None:
    KmsResponse.replicate_key = replicate_key
    KmsBackend.schedule_key_deletion = schedule_key_deletion(KmsBackend.schedule_key_deletion)
