"""The checks that precede every action: license, token, region and content type."""

import re
from typing import Final

from ._customers import REGIONS, Customers
from ._errors import Refusal, invalid
from ._records import RecordedRequest, RequestHeaders
from ._rules import UPLOADS
from ._state import Customer

_POSITIVE_INT: Final = re.compile(r"0*[1-9][0-9]*", re.ASCII)


def admit(request: RecordedRequest, customers: Customers, *, license_id: int | None, region: str | None) -> Customer:
    """Return the customer who sent the request, or raise the refusal it deserves."""
    if request.method != "POST":
        raise Refusal("validation", "the method must be POST", status=405)
    _check_license(request, license_id)
    token = _bearer_token(request.headers)
    _check_region(request.headers, customers.find(token), region)
    customer = customers.authenticate(token)
    _check_content_type(request)
    return customer


def _check_license(request: RecordedRequest, license_id: int | None) -> None:
    values = [value for name, value in request.query if name == "license_id"]
    if len(values) != 1:
        raise invalid("license_id", "must be given once in the query")
    if not _POSITIVE_INT.fullmatch(values[0]):
        raise invalid("license_id", "must be a positive integer")
    if license_id is not None and int(values[0]) != license_id:
        raise Refusal("license_not_found")


def _bearer_token(headers: RequestHeaders) -> str:
    values = headers.get_list("authorization")
    scheme, _, token = values[0].partition(" ") if len(values) == 1 else ("", "", "")
    if scheme.lower() != "bearer" or not token:
        raise Refusal("authentication", "`Authorization` must be given once, with a bearer token")
    return token


def _check_region(headers: RequestHeaders, customer: Customer | None, region: str | None) -> None:
    """Refuse a request that reached a data center other than the customer's."""
    named = headers.get("x-region")
    if named is not None and named not in REGIONS:
        raise invalid("X-Region", f"must be one of {', '.join(REGIONS)}")
    if region is not None and customer is not None and customer.region != (named or region):
        raise Refusal("misdirected_request", data={"region": customer.region})


def _check_content_type(request: RecordedRequest) -> None:
    wanted = "multipart/form-data" if request.action in UPLOADS else "application/json"
    given = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if given != wanted:
        raise invalid("Content-Type", f"must be {wanted}")
