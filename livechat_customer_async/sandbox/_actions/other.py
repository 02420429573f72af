"""Goals, forms, the predicted agent, link previews and last-seen timestamps."""

from typing import Any
from urllib.parse import urlsplit

from .._errors import Refusal, invalid
from ._base import Context, Outcome


def check_goals(context: Context, payload: dict[str, Any]) -> Outcome:
    """Mark goals as reached if the page's URL contains their text. Offline customers only."""
    context.world.group(payload["group_id"])
    if context.customer.online:
        raise Refusal("authorization", "Goals are checked for offline customers only")
    reached = {goal for goal, text in context.world.goals.items() if text in payload["page_url"]}
    context.customer.goals |= reached
    context.customer.fields.update(payload["customer_fields"])
    return Outcome()


def get_form(context: Context, payload: dict[str, Any]) -> Outcome:
    """Return the group's form, or that it has none."""
    context.world.group(payload["group_id"])
    form = context.world.forms.get((payload["group_id"], payload["type"]))
    return Outcome({"enabled": False} if form is None else {"enabled": True, "form": form})


def get_predicted_agent(context: Context, payload: dict[str, Any]) -> Outcome:
    """Return the agent who would take the chat. Only for customers logged in over the RTM API."""
    if not context.customer.online:
        raise Refusal("authentication", "Customer is not logged in over the RTM API")
    context.world.group(payload.get("group_id", 0))
    agent = context.render.agent(context.world.agent)
    return Outcome({"agent": agent} if context.render.shapes.predicted_agent == "agent" else agent)


def get_url_details(context: Context, payload: dict[str, Any]) -> Outcome:
    """Return the configured preview of the URL, or one generated from its host."""
    url: str = payload["url"]
    if url in context.world.url_details:
        return Outcome(context.world.url_details[url])
    try:
        parts = urlsplit(url)
    except ValueError as error:
        raise invalid("url", "is not a URL") from error
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise invalid("url", "must be an http or https URL")
    return Outcome(
        {
            "title": parts.hostname,
            "description": f"The page {parts.path or '/'} of {parts.hostname}",
            "image_url": f"//{parts.hostname}/preview.png",
            "image_width": 640,
            "image_height": 480,
            "url": url,
        }
    )


def update_last_seen_timestamp(context: Context, payload: dict[str, Any]) -> Outcome:
    """Set the time until which the customer has seen the chat. Default: now."""
    chat = context.chat(payload)
    timestamp: int = payload.get("timestamp", context.world.now())
    chat.last_seen[context.customer.id] = timestamp
    return Outcome({"timestamp": timestamp})
