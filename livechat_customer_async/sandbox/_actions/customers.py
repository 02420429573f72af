"""The actions on the customer's own data."""

from typing import Any

from ._base import Context, Outcome


def update_customer(context: Context, payload: dict[str, Any]) -> Outcome:
    """Set the customer's name, email, avatar or fields. `AnswerShapes` decides on the result."""
    customer = context.customer
    customer.name = payload.get("name", customer.name)
    customer.email = payload.get("email", customer.email)
    customer.avatar = payload.get("avatar", customer.avatar)
    customer.fields.update(payload.get("fields", {}))
    shape = context.render.shapes.update_customer
    if shape == "nothing":
        return Outcome()
    shown = context.render.customer(customer)
    return Outcome({"customer": shown} if shape == "customer" else shown)


def set_customer_fields(context: Context, payload: dict[str, Any]) -> Outcome:
    """Set the customer's fields, and record the headers of the visitor's browser."""
    customer, caller = context.customer, context.caller
    customer.fields.update(payload["fields"])
    customer.user_agent, customer.referrer = caller.user_agent, caller.referrer
    return Outcome()
