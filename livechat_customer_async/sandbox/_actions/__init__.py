"""The 25 actions, by name."""

from typing import Final

from . import chats, customers, events, other, properties, status
from ._base import Caller, Context, Handler, Outcome

__all__ = ["ACTIONS", "Caller", "Context", "Handler", "Outcome"]

ACTIONS: Final[dict[str, Handler]] = {
    "get_chats_summary": chats.get_chats_summary,
    "get_chat_threads_summary": chats.get_chat_threads_summary,
    "get_chat_threads": chats.get_chat_threads,
    "start_chat": chats.start_chat,
    "activate_chat": chats.activate_chat,
    "close_thread": chats.close_thread,
    "send_event": events.send_event,
    "send_file": events.send_file,
    "upload_file": events.upload_file,
    "send_rich_message_postback": events.send_rich_message_postback,
    "send_sneak_peek": events.send_sneak_peek,
    "update_chat_properties": properties.update_chat_properties,
    "delete_chat_properties": properties.delete_chat_properties,
    "update_chat_thread_properties": properties.update_chat_thread_properties,
    "delete_chat_thread_properties": properties.delete_chat_thread_properties,
    "update_event_properties": properties.update_event_properties,
    "delete_event_properties": properties.delete_event_properties,
    "update_customer": customers.update_customer,
    "set_customer_fields": customers.set_customer_fields,
    "get_groups_status": status.get_groups_status,
    "check_goals": other.check_goals,
    "get_form": other.get_form,
    "get_predicted_agent": other.get_predicted_agent,
    "get_url_details": other.get_url_details,
    "update_last_seen_timestamp": other.update_last_seen_timestamp,
}
