"""Direct Connect gateways, their associations, and virtual interfaces.

Follows
  https://docs.aws.amazon.com/directconnect/latest/APIReference/API_CreateDirectConnectGateway.html
  https://docs.aws.amazon.com/directconnect/latest/APIReference/API_CreateDirectConnectGatewayAssociation.html
  https://docs.aws.amazon.com/directconnect/latest/APIReference/API_DescribeVirtualInterfaces.html
  https://docs.aws.amazon.com/directconnect/latest/UserGuide/direct-connect-gateways-intro.html

Added: {Create,Describe,Update,Delete}DirectConnectGateway(s),
{Create,Describe,Update,Delete}DirectConnectGatewayAssociation(s),
DescribeDirectConnectGatewayAttachments, Create{Private,Transit}VirtualInterface,
DescribeVirtualInterfaces, DescribeVirtualGateways, DeleteVirtualInterface.

A gateway is global: every Region sees it and its associations. A virtual
interface stands in the Region of its connection, its BGP session is up, and both
are down while the fault direct_connect_down names the Region. Everything takes
effect at once; AWS takes minutes for an association.

Out of reach: association proposals of another account, public virtual
interfaces, BGP peers of their own, routes (nothing is routed here), the check
that the prefixes of two associations do not overlap.
"""

import uuid
from typing import Any

from moto.directconnect.models import directconnect_backends
from moto.directconnect.responses import DirectConnectResponse
from moto.ec2.models import ec2_backends

from drbot_calls import add, given, refusal
from drbot_state import LOCK, faulty

# By account: gateway or association id -> its description.
GATEWAYS: dict[str, dict[str, dict[str, Any]]] = {}
ASSOCIATIONS: dict[str, dict[str, dict[str, Any]]] = {}
AWS_ASN = 64512  # of a gateway that asks for none


def client_error(message: str) -> Exception:
    return refusal("DirectConnectClientException", message)


def gateways(response: Any) -> dict[str, dict[str, Any]]:
    return GATEWAYS.setdefault(response.current_account, {})


def associations(response: Any) -> dict[str, dict[str, Any]]:
    return ASSOCIATIONS.setdefault(response.current_account, {})


def interfaces(response: Any) -> dict[str, dict[str, Any]]:
    backend = directconnect_backends[response.current_account][response.region]
    return vars(backend).setdefault("drbot_interfaces", {})


def gateway(response: Any, gateway_id: str) -> dict[str, Any]:
    if gateway_id not in gateways(response):
        raise client_error(f"Direct Connect Gateway {gateway_id} does not exist.")
    return gateways(response)[gateway_id]


# ---- Gateways --------------------------------------------------------------------------------


def create_direct_connect_gateway(response: Any, params: dict[str, Any]) -> dict[str, Any]:
    asn = params.get("amazonSideAsn") or AWS_ASN
    if not (64512 <= asn <= 65534 or 4200000000 <= asn <= 4294967294):
        raise client_error(f"Invalid amazonSideAsn {asn}.")
    made = {
        "directConnectGatewayId": str(uuid.uuid4()),
        "directConnectGatewayName": params["directConnectGatewayName"],
        "amazonSideAsn": asn,
        "ownerAccount": response.current_account,
        "directConnectGatewayState": "available",
        "tags": params.get("tags") or [],
    }
    gateways(response)[made["directConnectGatewayId"]] = made
    return {"directConnectGateway": made}


def describe_direct_connect_gateways(response: Any, params: dict[str, Any]) -> dict[str, Any]:
    wanted = params.get("directConnectGatewayId")
    found = [g for g in gateways(response).values() if wanted in (None, g["directConnectGatewayId"])]
    return {"directConnectGateways": found}


def update_direct_connect_gateway(response: Any, params: dict[str, Any]) -> dict[str, Any]:
    found = gateway(response, params["directConnectGatewayId"])
    found["directConnectGatewayName"] = params["newDirectConnectGatewayName"]
    return {"directConnectGateway": found}


def delete_direct_connect_gateway(response: Any, params: dict[str, Any]) -> dict[str, Any]:
    found = gateway(response, params["directConnectGatewayId"])
    used = [a for a in associations(response).values() if a["directConnectGatewayId"] == params["directConnectGatewayId"]]
    if used:
        raise client_error(f"Direct Connect Gateway {params['directConnectGatewayId']} has associations.")
    del gateways(response)[params["directConnectGatewayId"]]
    return {"directConnectGateway": {**found, "directConnectGatewayState": "deleted"}}


# ---- Associations ----------------------------------------------------------------------------


def associated(response: Any, gateway_id: str) -> dict[str, Any]:
    """The virtual private or transit gateway of an association, looked for in the Region that asks."""
    ec2 = ec2_backends[response.current_account][response.region]
    kind = "virtualPrivateGateway" if gateway_id in ec2.vpn_gateways else "transitGateway"
    if kind == "transitGateway" and gateway_id not in ec2.transit_gateways:
        raise client_error(f"{gateway_id} does not exist in {response.region}.")
    return {"id": gateway_id, "type": kind, "ownerAccount": response.current_account, "region": response.region}


def attached_vpc(response: Any, gateway_id: str) -> str | None:
    ec2 = ec2_backends[response.current_account][response.region]
    attachments = ec2.vpn_gateways[gateway_id].attachments if gateway_id in ec2.vpn_gateways else {}
    return next((vpc for vpc, a in attachments.items() if a.state == "attached"), None)


def create_direct_connect_gateway_association(response: Any, params: dict[str, Any]) -> dict[str, Any]:
    found = gateway(response, params["directConnectGatewayId"])
    gateway_id = params.get("gatewayId") or params.get("virtualGatewayId") or ""
    other = associated(response, gateway_id)
    for present in associations(response).values():
        if present["associatedGateway"]["id"] == gateway_id:
            raise client_error(f"{gateway_id} is associated with a Direct Connect Gateway already.")
    prefixes = params.get("addAllowedPrefixesToDirectConnectGateway") or []
    vpc = attached_vpc(response, gateway_id)
    if not prefixes and vpc:  # by default the CIDR of the VPC, as AWS does
        prefixes = [{"cidr": ec2_backends[response.current_account][response.region].vpcs[vpc].cidr_block}]
    made = {
        "associationId": str(uuid.uuid4()),
        "associationState": "associated",
        "directConnectGatewayId": params["directConnectGatewayId"],
        "directConnectGatewayOwnerAccount": found["ownerAccount"],
        "associatedGateway": other,
        "allowedPrefixesToDirectConnectGateway": prefixes,
    }
    if other["type"] == "virtualPrivateGateway":
        made |= {
            "virtualGatewayId": gateway_id,
            "virtualGatewayRegion": response.region,
            "virtualGatewayOwnerAccount": response.current_account,
        }
    associations(response)[made["associationId"]] = made
    return {"directConnectGatewayAssociation": made}


def describe_direct_connect_gateway_associations(response: Any, params: dict[str, Any]) -> dict[str, Any]:
    other = params.get("associatedGatewayId") or params.get("virtualGatewayId")
    found = [
        a
        for a in associations(response).values()
        if params.get("associationId") in (None, a["associationId"])
        and params.get("directConnectGatewayId") in (None, a["directConnectGatewayId"])
        and other in (None, a["associatedGateway"]["id"])
    ]
    return {"directConnectGatewayAssociations": found}


def update_direct_connect_gateway_association(response: Any, params: dict[str, Any]) -> dict[str, Any]:
    found = association(response, params["associationId"])
    gone = [p["cidr"] for p in params.get("removeAllowedPrefixesToDirectConnectGateway") or []]
    kept = [p for p in found["allowedPrefixesToDirectConnectGateway"] if p["cidr"] not in gone]
    more = [p for p in params.get("addAllowedPrefixesToDirectConnectGateway") or [] if p not in kept]
    found["allowedPrefixesToDirectConnectGateway"] = kept + more
    return {"directConnectGatewayAssociation": found}


def delete_direct_connect_gateway_association(response: Any, params: dict[str, Any]) -> dict[str, Any]:
    association_id = params.get("associationId") or next(
        (
            a["associationId"]
            for a in associations(response).values()
            if a["directConnectGatewayId"] == params.get("directConnectGatewayId")
            and a["associatedGateway"]["id"] == params.get("virtualGatewayId")
        ),
        "",
    )
    found = association(response, association_id)
    del associations(response)[association_id]
    return {"directConnectGatewayAssociation": {**found, "associationState": "disassociating"}}


def association(response: Any, association_id: str) -> dict[str, Any]:
    if association_id not in associations(response):
        raise client_error(f"Association {association_id} does not exist.")
    return associations(response)[association_id]


# ---- Virtual interfaces ----------------------------------------------------------------------


def virtual_interface(kind: str, key: str) -> Any:
    """Create{Private,Transit}VirtualInterface."""

    def create(response: Any, params: dict[str, Any]) -> dict[str, Any]:
        backend = directconnect_backends[response.current_account][response.region]
        connection = backend.describe_connections(params["connectionId"])[0]
        asked = given(params[key])
        made = {
            "ownerAccount": response.current_account,
            "virtualInterfaceId": f"dxvif-{uuid.uuid4().hex[:8]}",
            "location": connection.location,
            "connectionId": params["connectionId"],
            "virtualInterfaceType": kind,
            "amazonSideAsn": AWS_ASN,
            "addressFamily": "ipv4",
            "mtu": 1500,
            "routeFilterPrefixes": [],
            "region": response.region,
            "siteLinkEnabled": asked.pop("enableSiteLink", False),
            "tags": [],
            **asked,
        }
        made["asnLong"] = made.setdefault("asn", made.get("asnLong", 0))
        made["jumboFrameCapable"] = True
        if made.get("directConnectGatewayId"):
            made["amazonSideAsn"] = gateway(response, made["directConnectGatewayId"])["amazonSideAsn"]
        interfaces(response)[made["virtualInterfaceId"]] = made
        return described(made)

    return create


def described(interface: dict[str, Any]) -> dict[str, Any]:
    """An interface with its states, which follow the fault."""
    down = faulty("direct_connect_down", interface["region"])
    peer = {
        "bgpPeerId": "dxpeer-" + interface["virtualInterfaceId"][6:],
        "asn": interface["asn"],
        "addressFamily": interface["addressFamily"],
        "bgpPeerState": "available",
        "bgpStatus": "down" if down else "up",
        "awsDeviceV2": "SANDBOX-1",
    }
    return {**interface, "virtualInterfaceState": "down" if down else "available", "bgpPeers": [peer]}


def describe_virtual_interfaces(response: Any, params: dict[str, Any]) -> dict[str, Any]:
    with LOCK:
        found = [
            described(i)
            for i in interfaces(response).values()
            if params.get("virtualInterfaceId") in (None, i["virtualInterfaceId"])
            and params.get("connectionId") in (None, i["connectionId"])
        ]
    return {"virtualInterfaces": found}


def delete_virtual_interface(response: Any, params: dict[str, Any]) -> dict[str, Any]:
    if interfaces(response).pop(params["virtualInterfaceId"], None) is None:
        raise client_error(f"Virtual interface {params['virtualInterfaceId']} does not exist.")
    return {"virtualInterfaceState": "deleted"}


def describe_direct_connect_gateway_attachments(response: Any, params: dict[str, Any]) -> dict[str, Any]:
    found = []
    for backend in directconnect_backends[response.current_account].values():
        for interface in vars(backend).get("drbot_interfaces", {}).values():
            if not interface.get("directConnectGatewayId"):
                continue
            if params.get("directConnectGatewayId") not in (None, interface["directConnectGatewayId"]):
                continue
            if params.get("virtualInterfaceId") not in (None, interface["virtualInterfaceId"]):
                continue
            found.append(
                {
                    "directConnectGatewayId": interface["directConnectGatewayId"],
                    "virtualInterfaceId": interface["virtualInterfaceId"],
                    "virtualInterfaceRegion": interface["region"],
                    "virtualInterfaceOwnerAccount": interface["ownerAccount"],
                    "attachmentState": "attached",
                    "attachmentType": interface["virtualInterfaceType"].title() + "VirtualInterface",
                }
            )
    return {"directConnectGatewayAttachments": found}


def describe_virtual_gateways(response: Any, _: dict[str, Any]) -> dict[str, Any]:
    ec2 = ec2_backends[response.current_account][response.region]
    return {"virtualGateways": [{"virtualGatewayId": g, "virtualGatewayState": "available"} for g in ec2.vpn_gateways]}


def install() -> None:
    private = virtual_interface("private", "newPrivateVirtualInterface")
    private.__name__ = "create_private_virtual_interface"
    transit = virtual_interface("transit", "newTransitVirtualInterface")
    transit.__name__ = "create_transit_virtual_interface"
    add(
        DirectConnectResponse,
        create_direct_connect_gateway,
        describe_direct_connect_gateways,
        update_direct_connect_gateway,
        delete_direct_connect_gateway,
        create_direct_connect_gateway_association,
        describe_direct_connect_gateway_associations,
        update_direct_connect_gateway_association,
        delete_direct_connect_gateway_association,
        private,
        transit,
        describe_virtual_interfaces,
        delete_virtual_interface,
        describe_direct_connect_gateway_attachments,
        describe_virtual_gateways,
    )
