"""AWS Transfer: SFTP servers with host keys, in a VPC, that stop and start; their users and keys.

Follows
  https://docs.aws.amazon.com/transfer/latest/APIReference/API_CreateServer.html
  https://docs.aws.amazon.com/transfer/latest/APIReference/API_UpdateServer.html
  https://docs.aws.amazon.com/transfer/latest/APIReference/API_DescribedServer.html
  https://docs.aws.amazon.com/transfer/latest/APIReference/API_ImportHostKey.html
  https://docs.aws.amazon.com/transfer/latest/APIReference/API_DescribedUser.html

Moto keeps the private host key and shows it as the fingerprint. Here the key is
read once for its fingerprint and never kept. A server in a VPC makes the
interface endpoint that AWS makes, in Moto's EC2, and takes it away again.

Replaced: {Create,Describe,Delete}Server, ListServers, {Create,Describe,Delete}User,
{Import,Delete}SshPublicKey. Added: UpdateServer, StartServer, StopServer,
{Import,Describe,List,Delete}HostKey(s), UpdateUser, ListUsers, TagResource,
UntagResource, ListTagsForResource. A server is ONLINE or OFFLINE at once.

Out of reach: the SFTP protocol (no server listens), workflows, agreements,
identity providers other than SERVICE_MANAGED (stored, never asked), DNS of the endpoint.
"""

import base64
import hashlib
import uuid
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from moto.core.utils import unix_time
from moto.ec2.models import ec2_backends
from moto.transfer.models import transfer_backends
from moto.transfer.responses import TransferResponse

from drbot_calls import add, given, refusal

# What AWS fills in when it is not sent.
DEFAULTS = {
    "Domain": "S3",
    "EndpointType": "PUBLIC",
    "IdentityProviderType": "SERVICE_MANAGED",
    "Protocols": ["SFTP"],
    "SecurityPolicyName": "TransferSecurityPolicy-2018-11",
}
PROTOCOL_DETAILS = {"PassiveIp": "AUTO", "SetStatOption": "DEFAULT", "TlsSessionResumptionMode": "ENFORCED"}


def invalid(message: str) -> Exception:
    return refusal("InvalidRequestException", message)


def missing(what: str, name: str) -> Exception:
    return refusal("ResourceNotFoundException", f"Unknown {what} {name}")


class Server:
    """A server: what was sent, its host keys and users."""

    def __init__(self, account: str, region: str, params: dict[str, Any]):
        self.account, self.region = account, region
        self.id = f"s-{uuid.uuid4().hex[:17]}"
        self.state = "ONLINE"
        self.users: dict[str, dict[str, Any]] = {}
        self.host_keys: list[dict[str, Any]] = []
        self.config = DEFAULTS | given(params)
        key = self.config.pop("HostKey", None)
        self.config.pop("Tags", None)
        self.add_host_key(key or generated())
        self.endpoint: dict[str, Any] = {}
        self.set_endpoint(self.config.pop("EndpointDetails", {}))

    @property
    def arn(self) -> str:
        return f"arn:aws:transfer:{self.region}:{self.account}:server/{self.id}"

    def add_host_key(self, private: str, description: str = "") -> dict[str, Any]:
        """Host keys are one of each type; the first that is added is the one of HostKeyFingerprint."""
        kind, fingerprint = read_host_key(private)
        key = {
            "HostKeyId": f"hostkey-{uuid.uuid4().hex[:17]}",
            "HostKeyFingerprint": fingerprint,
            "Type": kind,
            "DateImported": unix_time(),
            **({"Description": description} if description else {}),
        }
        key["Arn"] = self.arn.replace(":server/", ":host-key/") + "/" + key["HostKeyId"]
        self.host_keys.append(key)
        return key

    def set_endpoint(self, details: dict[str, Any]) -> None:
        """EndpointDetails; a server in a VPC has an interface endpoint there."""
        groups = details.pop("SecurityGroupIds", None)
        self.endpoint.update(details)
        if self.config["EndpointType"] != "VPC" or self.endpoint.get("VpcEndpointId"):
            return
        ec2 = ec2_backends[self.account][self.region]
        if not self.endpoint.get("VpcId"):
            raise invalid("VpcId must be specified for EndpointType: VPC")
        made = ec2.create_vpc_endpoint(
            vpc_id=self.endpoint["VpcId"],
            service_name=f"com.amazonaws.{self.region}.transfer.server.c-0001",
            endpoint_type="Interface",
            policy_document=None,
            route_table_ids=[],
            subnet_ids=self.endpoint.setdefault("SubnetIds", []),
            security_group_ids=groups or [ec2.get_default_security_group(self.endpoint["VpcId"]).id],
            private_dns_enabled=False,
        )
        self.endpoint["VpcEndpointId"] = made.id

    def update(self, params: dict[str, Any]) -> None:
        changes = given(params)
        kind = changes.get("EndpointType", self.config["EndpointType"])
        if kind != self.config["EndpointType"] and self.state != "OFFLINE":
            raise refusal("ConflictException", "Server must be OFFLINE to change EndpointType")
        private = changes.pop("HostKey", None)
        if private:
            self.host_keys.clear()
            self.add_host_key(private)
        details = changes.pop("EndpointDetails", {})
        self.config.update(changes)
        self.set_endpoint(details)
        if self.endpoint.get("VpcEndpointId") and "SubnetIds" in details:
            ec2 = ec2_backends[self.account][self.region]
            ec2.vpc_end_points[self.endpoint["VpcEndpointId"]].subnet_ids = details["SubnetIds"]

    def close(self) -> None:
        if self.config["EndpointType"] == "VPC":
            ec2_backends[self.account][self.region].delete_vpc_endpoints([self.endpoint["VpcEndpointId"]])

    def describe(self) -> dict[str, Any]:
        return {
            **self.config,
            "Arn": self.arn,
            "ServerId": self.id,
            "State": self.state,
            "UserCount": len(self.users),
            "HostKeyFingerprint": self.host_keys[0]["HostKeyFingerprint"],
            "ProtocolDetails": PROTOCOL_DETAILS | given(self.config.get("ProtocolDetails") or {}),
            **({"EndpointDetails": self.endpoint} if self.endpoint else {}),
        }


def generated() -> str:
    """The host key that AWS makes for a server that is given none."""
    private = ed25519.Ed25519PrivateKey.generate()
    form = serialization.PrivateFormat.OpenSSH
    return private.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()).decode()


def read_host_key(private: str) -> tuple[str, str]:
    """The type and the SHA256 fingerprint of a private key, the latter as AWS writes it: with base64's padding."""
    content = private.strip().encode() + b"\n"
    try:
        ssh = content.startswith(b"-----BEGIN OPENSSH")
        load = serialization.load_ssh_private_key if ssh else serialization.load_pem_private_key
        key = load(content, password=None)
    except (ValueError, TypeError, KeyError) as err:
        raise invalid("Unsupported or invalid SSH private key.") from err
    if not isinstance(key, (rsa.RSAPrivateKey, ec.EllipticCurvePrivateKey, ed25519.Ed25519PrivateKey)):
        raise invalid("Unsupported or invalid SSH private key.")
    public = key.public_key().public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
    kind, body = public.decode().split()[:2]
    return kind, "SHA256:" + base64.b64encode(hashlib.sha256(base64.b64decode(body)).digest()).decode()


def backend(response: Any) -> Any:
    return transfer_backends[response.current_account][response.region]


def tags(response: Any) -> dict[str, dict[str, str]]:
    """ARN -> tags."""
    return vars(backend(response)).setdefault("drbot_tags", {})


def tag(response: Any, arn: str, given_tags: list[dict[str, str]] | None) -> None:
    tags(response).setdefault(arn, {}).update({t["Key"]: t["Value"] for t in given_tags or []})


def tagged(response: Any, described: dict[str, Any]) -> dict[str, Any]:
    listed = [{"Key": k, "Value": v} for k, v in tags(response).get(described["Arn"], {}).items()]
    return {**described, "Tags": listed}


def server(response: Any, params: dict[str, Any]) -> Server:
    found = backend(response).servers.get(params["ServerId"])
    if found is None:
        raise missing("server", params["ServerId"])
    return found


# ---- Servers ---------------------------------------------------------------------------------


def create_server(response: Any, params: dict[str, Any]) -> dict[str, Any]:
    made = Server(response.current_account, response.region, params)
    tag(response, made.arn, params.get("Tags"))
    backend(response).servers[made.id] = made
    return {"ServerId": made.id}


def describe_server(response: Any, params: dict[str, Any]) -> dict[str, Any]:
    return {"Server": tagged(response, server(response, params).describe())}


def list_servers(response: Any, _: dict[str, Any]) -> dict[str, Any]:
    shown = ("Arn", "Domain", "EndpointType", "IdentityProviderType", "LoggingRole", "ServerId", "State", "UserCount")
    found = [s.describe() for s in backend(response).servers.values()]
    return {"Servers": [{name: s[name] for name in shown if name in s} for s in found]}


def update_server(response: Any, params: dict[str, Any]) -> dict[str, Any]:
    found = server(response, params)
    found.update({name: value for name, value in params.items() if name != "ServerId"})
    return {"ServerId": found.id}


def delete_server(response: Any, params: dict[str, Any]) -> dict[str, Any]:
    found = server(response, params)
    found.close()
    del backend(response).servers[found.id]
    return {}


def start_server(response: Any, params: dict[str, Any]) -> dict[str, Any]:
    server(response, params).state = "ONLINE"
    return {}


def stop_server(response: Any, params: dict[str, Any]) -> dict[str, Any]:
    server(response, params).state = "OFFLINE"
    return {}


# ---- Host keys -------------------------------------------------------------------------------


def host_key(response: Any, params: dict[str, Any]) -> dict[str, Any]:
    for key in server(response, params).host_keys:
        if key["HostKeyId"] == params["HostKeyId"]:
            return key
    raise missing("host key", params["HostKeyId"])


def import_host_key(response: Any, params: dict[str, Any]) -> dict[str, Any]:
    key = server(response, params).add_host_key(params["HostKeyBody"], params.get("Description") or "")
    tag(response, key["Arn"], params.get("Tags"))
    return {"ServerId": params["ServerId"], "HostKeyId": key["HostKeyId"]}


def describe_host_key(response: Any, params: dict[str, Any]) -> dict[str, Any]:
    return {"HostKey": tagged(response, host_key(response, params))}


def update_host_key(response: Any, params: dict[str, Any]) -> dict[str, Any]:
    host_key(response, params)["Description"] = params["Description"]
    return {"ServerId": params["ServerId"], "HostKeyId": params["HostKeyId"]}


def list_host_keys(response: Any, params: dict[str, Any]) -> dict[str, Any]:
    listed = []
    for key in server(response, params).host_keys:
        shown = dict(key)
        shown["Fingerprint"] = shown.pop("HostKeyFingerprint")
        listed.append(shown)
    return {"ServerId": params["ServerId"], "HostKeys": listed}


def delete_host_key(response: Any, params: dict[str, Any]) -> dict[str, Any]:
    if len(server(response, params).host_keys) == 1:
        raise invalid("A server must have a host key")
    server(response, params).host_keys.remove(host_key(response, params))
    return {}


# ---- Users -----------------------------------------------------------------------------------


def user(response: Any, params: dict[str, Any]) -> dict[str, Any]:
    found = server(response, params).users.get(params["UserName"])
    if found is None:
        raise missing("user", params["UserName"])
    return found


def create_user(response: Any, params: dict[str, Any]) -> dict[str, Any]:
    to = server(response, params)
    if params["UserName"] in to.users:
        raise refusal("ResourceExistsException", f"User {params['UserName']} exists")
    made = {"HomeDirectoryType": "PATH", **given(params), "SshPublicKeys": []}
    for name in ("ServerId", "Tags", "SshPublicKeyBody"):
        made.pop(name, None)
    made["Arn"] = f"arn:aws:transfer:{to.region}:{to.account}:user/{to.id}/{params['UserName']}"
    tag(response, made["Arn"], params.get("Tags"))
    to.users[params["UserName"]] = made
    if params.get("SshPublicKeyBody"):
        import_ssh_public_key(response, params)
    return {"ServerId": to.id, "UserName": params["UserName"]}


def describe_user(response: Any, params: dict[str, Any]) -> dict[str, Any]:
    return {"ServerId": params["ServerId"], "User": tagged(response, user(response, params))}


def update_user(response: Any, params: dict[str, Any]) -> dict[str, Any]:
    user(response, params).update({name: value for name, value in given(params).items() if name != "ServerId"})
    return {"ServerId": params["ServerId"], "UserName": params["UserName"]}


def delete_user(response: Any, params: dict[str, Any]) -> dict[str, Any]:
    tags(response).pop(user(response, params)["Arn"], None)
    del server(response, params).users[params["UserName"]]
    return {}


def list_users(response: Any, params: dict[str, Any]) -> dict[str, Any]:
    shown = ("Arn", "HomeDirectory", "HomeDirectoryType", "Role", "UserName")
    users = [
        {**{name: u[name] for name in shown if name in u}, "SshPublicKeyCount": len(u["SshPublicKeys"])}
        for u in server(response, params).users.values()
    ]
    return {"ServerId": params["ServerId"], "Users": users}


def import_ssh_public_key(response: Any, params: dict[str, Any]) -> dict[str, Any]:
    key = {
        "DateImported": unix_time(),
        "SshPublicKeyBody": params["SshPublicKeyBody"],
        "SshPublicKeyId": f"key-{uuid.uuid4().hex[:17]}",
    }
    user(response, params)["SshPublicKeys"].append(key)
    return {"ServerId": params["ServerId"], "SshPublicKeyId": key["SshPublicKeyId"], "UserName": params["UserName"]}


def delete_ssh_public_key(response: Any, params: dict[str, Any]) -> dict[str, Any]:
    keys = user(response, params)["SshPublicKeys"]
    kept = [k for k in keys if k["SshPublicKeyId"] != params["SshPublicKeyId"]]
    if len(kept) == len(keys):
        raise missing("key", params["SshPublicKeyId"])
    keys[:] = kept
    return {}


# ---- Tags ------------------------------------------------------------------------------------


def tag_resource(response: Any, params: dict[str, Any]) -> dict[str, Any]:
    tag(response, params["Arn"], params["Tags"])
    return {}


def untag_resource(response: Any, params: dict[str, Any]) -> dict[str, Any]:
    for key in params["TagKeys"]:
        tags(response).get(params["Arn"], {}).pop(key, None)
    return {}


def list_tags_for_resource(response: Any, params: dict[str, Any]) -> dict[str, Any]:
    return tagged(response, {"Arn": params["Arn"]})


def install() -> None:
    add(TransferResponse, create_server, describe_server, list_servers, update_server, delete_server)
    add(TransferResponse, start_server, stop_server)
    add(TransferResponse, import_host_key, describe_host_key, update_host_key, list_host_keys, delete_host_key)
    add(TransferResponse, create_user, describe_user, update_user, delete_user, list_users)
    add(TransferResponse, import_ssh_public_key, delete_ssh_public_key)
    add(TransferResponse, tag_resource, untag_resource, list_tags_for_resource)
