"""AWS Backup: selections, and plans that can be changed and really go away.

Follows
  https://docs.aws.amazon.com/aws-backup/latest/devguide/API_CreateBackupSelection.html
  https://docs.aws.amazon.com/aws-backup/latest/devguide/API_GetBackupSelection.html
  https://docs.aws.amazon.com/aws-backup/latest/devguide/API_DeleteBackupPlan.html
  https://docs.aws.amazon.com/aws-backup/latest/devguide/API_UpdateBackupPlan.html

Added: {Create,Get,List,Delete}BackupSelection(s), UpdateBackupPlan. A plan that
still has selections is not deleted, and the name of a deleted one may be used again.
Tags are found with and without the slash at the end of the path, which SDKs differ in.

Out of reach: backup, copy and restore jobs, recovery points; nothing is ever
backed up. Access policies and notifications of a vault.
"""

import re
import uuid
from typing import Any
from urllib.parse import unquote

from moto.backup.exceptions import InvalidRequestException, ResourceNotFoundException
from moto.backup.models import BackupBackend, Plan
from moto.backup.responses import BackupResponse
from moto.core.utils import unix_time

from drbot_calls import add, given

PATH = re.compile(r"/backup/plans/(?P<plan>[^/]+)(/selections/?(?P<selection>[^/]*))?")


def selections(plan: Plan) -> dict[str, dict[str, Any]]:
    return vars(plan).setdefault("drbot_selections", {})


def plan_of(response: Any) -> Plan:
    return response.backup_backend.get_backup_plan(PATH.search(response.path)["plan"], None)


def selection_of(response: Any) -> dict[str, Any]:
    plan, wanted = plan_of(response), PATH.search(response.path)["selection"]
    if wanted not in selections(plan):
        # The provider knows a selection that is gone by these words.
        raise ResourceNotFoundException(f"Cannot find Backup plan selection with ID {wanted}")
    return selections(plan)[wanted]


def create_backup_selection(response: Any, params: dict[str, Any]) -> dict[str, Any]:
    plan = plan_of(response)
    made = {
        "BackupPlanId": plan.backup_plan_id,
        "SelectionId": str(uuid.uuid4()),
        "CreationDate": unix_time(),
        "BackupSelection": given(params["BackupSelection"]),
        **({"CreatorRequestId": params["CreatorRequestId"]} if params.get("CreatorRequestId") else {}),
    }
    selections(plan)[made["SelectionId"]] = made
    return {name: made[name] for name in ("BackupPlanId", "SelectionId", "CreationDate")}


def get_backup_selection(response: Any, _: dict[str, Any]) -> dict[str, Any]:
    return selection_of(response)


def delete_backup_selection(response: Any, _: dict[str, Any]) -> dict[str, Any]:
    found = selection_of(response)
    del selections(plan_of(response))[found["SelectionId"]]
    return {}


def list_backup_selections(response: Any, _: dict[str, Any]) -> dict[str, Any]:
    return {
        "BackupSelectionsList": [
            {
                **{name: value for name, value in found.items() if name != "BackupSelection"},
                "SelectionName": found["BackupSelection"]["SelectionName"],
                "IamRoleArn": found["BackupSelection"]["IamRoleArn"],
            }
            for found in selections(plan_of(response)).values()
        ]
    }


def update_backup_plan(response: Any, params: dict[str, Any]) -> dict[str, Any]:
    plan = plan_of(response)
    new = Plan(params["BackupPlan"], plan.creator_request_id, response.backup_backend)
    plan.backup_plan, plan.version_id = new.backup_plan, new.version_id
    plan.advanced_backup_settings = new.advanced_backup_settings
    return plan.to_dict()


def tagged(response: Any) -> str:
    """The ARN in the path."""
    return unquote(re.search(r"/(?:tags|untag)/(.+?)/?$", response.path)[1])


def list_tags(response: Any, _: dict[str, Any]) -> dict[str, Any]:
    return {"Tags": response.backup_backend.list_tags(tagged(response))}


def tag_resource(response: Any, params: dict[str, Any]) -> dict[str, Any]:
    response.backup_backend.tag_resource(tagged(response), params["Tags"])
    return {}


def untag_resource(response: Any, params: dict[str, Any]) -> dict[str, Any]:
    response.backup_backend.untag_resource(tagged(response), params["TagKeyList"])
    return {}


def delete_backup_plan(original: Any) -> Any:
    def delete(self: BackupBackend, backup_plan_id: str) -> Any:
        plan = self.plans.get(backup_plan_id)
        if plan and selections(plan):
            raise InvalidRequestException("Related backup plan selections must be deleted prior to backup plan deletion")
        deleted = original(self, backup_plan_id)
        del self.plans[backup_plan_id]
        return deleted

    return delete


def install() -> None:
    BackupBackend.delete_backup_plan = delete_backup_plan(BackupBackend.delete_backup_plan)
    add(
        BackupResponse,
        create_backup_selection,
        get_backup_selection,
        delete_backup_selection,
        list_backup_selections,
        update_backup_plan,
        list_tags,
        tag_resource,
        untag_resource,
    )
