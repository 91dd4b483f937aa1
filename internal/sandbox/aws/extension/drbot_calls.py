"""How the other pieces add calls to a service of Moto that speaks JSON.

A call is a function of the response object and the decoded request, and returns
what the answer holds; a refusal is raised. A call that neither Moto nor the
extension has is refused with NotImplemented and its name: Moto's own answer, 500,
is tried again by every client for minutes before the name can be seen.
"""

import json
from collections.abc import Callable
from typing import Any

from moto.core.exceptions import JsonRESTError, ServiceException
from moto.core.responses import ActionResult, BaseResponse
from moto.core.utils import camelcase_to_underscores

Call = Callable[[Any, dict[str, Any]], dict[str, Any]]


def refusal(code: str, message: str) -> JsonRESTError:
    return JsonRESTError(code, message)


def add(response: type[BaseResponse], *calls: Call) -> None:
    """Add calls, each named as the operation in snake case, or replace Moto's."""
    for call in calls:
        setattr(response, call.__name__, method(call))


def method(call: Call) -> Callable[[BaseResponse], str]:
    def answer(self: BaseResponse) -> str:
        return json.dumps(call(self, json.loads(self.body or "{}")))

    return answer


def given(params: dict[str, Any]) -> dict[str, Any]:
    """What was sent with a value."""
    return {name: value for name, value in params.items() if value is not None}


class NotImplementedHere(ServiceException):
    code = "NotImplemented"


def call_action(original: Any) -> Any:
    def call(self: BaseResponse) -> Any:
        try:
            return original(self)
        except NotImplementedError as err:
            name = camelcase_to_underscores(self._get_action())
            message = f"The sandbox has no {self.service_name} {name}: {err}"
            status, headers, body = self.serialized(ActionResult(NotImplementedHere(message)))
            headers["status"] = str(status)
            return status, headers, body

    return call


def install() -> None:
    BaseResponse.call_action = call_action(BaseResponse.call_action)
