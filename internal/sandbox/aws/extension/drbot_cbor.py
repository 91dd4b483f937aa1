"""Smithy RPC v2 CBOR, which present SDKs speak to CloudWatch and Moto does not.

Follows https://smithy.io/2.0/additional-specs/protocols/smithy-rpc-v2.html and RFC 8949.

A request is turned into the JSON protocol that CloudWatch also has, handed to
Moto, and the answer is turned back. CBOR tells timestamps and whole numbers
from other numbers, so answers are encoded by the service's model.
"""

import gzip
import io
import json
import re
import struct
from collections.abc import Callable
from functools import cache
from typing import Any

import botocore.session

PROTOCOL = "rpc-v2-cbor"

PATH = re.compile(r"^/service/(?P<service>[^/]+)/operation/(?P<operation>[^/]+)$")

# What Smithy calls a service in the path, and what botocore calls it.
SERVICES = {"GraniteServiceVersion20100801": "cloudwatch"}


@cache
def model(service: str) -> Any:
    return botocore.session.get_session().get_service_model(SERVICES[service])


def spoken(environ: dict[str, Any]) -> bool:
    path = PATH.match(environ.get("PATH_INFO", ""))
    return environ.get("HTTP_SMITHY_PROTOCOL") == PROTOCOL and path is not None and path["service"] in SERVICES


def serve(application: Callable[[dict[str, Any], Any], Any], environ: dict[str, Any], start_response: Any) -> list[bytes]:
    """Answer one request by asking the application in JSON."""
    path = PATH.match(environ["PATH_INFO"])
    body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    if environ.pop("HTTP_CONTENT_ENCODING", "") == "gzip":
        body = gzip.decompress(body)
    asked = json.dumps(decode(body) if body else {}).encode()
    environ.update(
        {
            "PATH_INFO": "/",
            "RAW_URI": "/",
            "REQUEST_URI": "/",
            "CONTENT_TYPE": "application/x-amz-json-1.0",
            "CONTENT_LENGTH": str(len(asked)),
            "HTTP_X_AMZ_TARGET": f"{path['service']}.{path['operation']}",
            "wsgi.input": io.BytesIO(asked),
        }
    )
    answered: dict[str, Any] = {}

    def started(status: str, headers: list[tuple[str, str]], *_: Any) -> None:
        answered["status"] = status

    content = b"".join(application(environ, started))
    answer = json.loads(content) if content.strip() else {}
    failed = not answered["status"].startswith("2")
    shape = None if failed else model(path["service"]).operation_model(path["operation"]).output_shape
    encoded = encode(answer, shape)
    start_response(
        answered["status"],
        [
            ("Smithy-Protocol", PROTOCOL),
            ("Content-Type", "application/cbor"),
            ("Content-Length", str(len(encoded))),
        ],
    )
    return [encoded]


# ---- RFC 8949, as much as the protocol uses -----------------------------------------------------


def head(major: int, number: int) -> bytes:
    """A major type with its number in the shortest form."""
    if number < 24:
        return bytes([major << 5 | number])
    for code, form, limit in ((24, ">B", 1 << 8), (25, ">H", 1 << 16), (26, ">I", 1 << 32), (27, ">Q", 1 << 64)):
        if number < limit:
            return bytes([major << 5 | code]) + struct.pack(form, number)
    raise ValueError(f"{number} is too large for CBOR")


def encode(value: Any, shape: Any = None) -> bytes:
    """A value of the JSON protocol; the shape, a botocore one, says what its numbers are."""
    kind = shape.type_name if shape else ""
    if value is None:
        return b"\xf6"
    if isinstance(value, bool):
        return b"\xf5" if value else b"\xf4"
    if isinstance(value, str):
        content = value.encode()
        return head(3, len(content)) + content
    if isinstance(value, list):
        return head(4, len(value)) + b"".join(encode(item, shape and shape.member) for item in value)
    if isinstance(value, dict):
        return head(5, len(value)) + b"".join(encode(k) + encode(v, inner(shape, k)) for k, v in value.items())
    if kind == "timestamp":
        return head(6, 1) + encode(float(value))
    if isinstance(value, float) or kind in ("double", "float"):
        return b"\xfb" + struct.pack(">d", value)
    return head(0, value) if value >= 0 else head(1, -1 - value)


def inner(shape: Any, key: str) -> Any:
    """The shape of a member of a structure or of the values of a map."""
    if shape is None:
        return None
    return shape.members.get(key) if shape.type_name == "structure" else shape.value


def decode(content: bytes) -> Any:
    return Decoder(content).item()


class Decoder:
    """Reads one item. Timestamps become the plain numbers that the JSON protocol has for them."""

    def __init__(self, content: bytes):
        self.stream = io.BytesIO(content)

    def item(self) -> Any:
        first = self.stream.read(1)[0]
        major, low = first >> 5, first & 31
        if major == 7:
            return self.simple(low)
        if low == 31:
            return self.indefinite(major)
        number = low if low < 24 else int.from_bytes(self.stream.read(1 << (low - 24)), "big")
        return self.sized(major, number)

    def sized(self, major: int, number: int) -> Any:
        if major == 0:
            return number
        if major == 1:
            return -1 - number
        if major == 2:
            return self.stream.read(number).decode("latin-1")
        if major == 3:
            return self.stream.read(number).decode()
        if major == 4:
            return [self.item() for _ in range(number)]
        if major == 5:
            return {self.item(): self.item() for _ in range(number)}
        return self.item()  # a tag: what is tagged

    def indefinite(self, major: int) -> Any:
        items = list(iter(self.item, STOP))
        if major == 4:
            return items
        if major == 5:
            return dict(zip(items[::2], items[1::2]))
        return "".join(items)

    def simple(self, low: int) -> Any:
        if low in (25, 26, 27):
            form, size = {25: (">e", 2), 26: (">f", 4), 27: (">d", 8)}[low]
            return struct.unpack(form, self.stream.read(size))[0]
        return {20: False, 21: True, 22: None, 23: None, 31: STOP}[low]


STOP = object()  # the break that ends an item of unknown length
