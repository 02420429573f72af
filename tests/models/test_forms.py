"""Forms, uploaded files and URL details, by hand-written samples of the wire."""

from typing import Any

import pytest

from livechat_customer_async import (
    DecodeError,
    Form,
    FormField,
    FormOption,
    FormResult,
    UploadedFile,
    UrlDetails,
    structure,
)

FORM: dict[str, Any] = {
    "id": "156630109416307809",
    "fields": [
        {"id": "1", "type": "header", "label": "Welcome"},
        {"id": "2", "type": "name", "label": "Name:", "required": False},
        {"id": "3", "type": "email", "label": "E-mail:", "required": True},
        {
            "id": "4",
            "type": "radio",
            "label": "Pick",
            "required": True,
            "options": [{"id": "0", "label": "One", "checked": True}, {"id": "1", "label": "Two", "checked": False}],
        },
        {"id": "5", "type": "group_chooser", "label": "Team", "options": [{"group_id": 0, "label": "All"}]},
        {"id": "6", "type": "rating", "label": "Rate", "comment_label": "Why?"},
        {"id": "7", "type": "of_tomorrow", "label": "", "options": []},
    ],
}


def test_a_form() -> None:
    assert structure({"enabled": True, "form": FORM}, FormResult) == FormResult(
        enabled=True,
        form=Form(
            id="156630109416307809",
            fields=(
                FormField(id="1", type="header", label="Welcome"),
                FormField(id="2", type="name", label="Name:", required=False),
                FormField(id="3", type="email", label="E-mail:", required=True),
                FormField(
                    id="4",
                    type="radio",
                    label="Pick",
                    required=True,
                    options=(
                        FormOption(id="0", label="One", checked=True),
                        FormOption(id="1", label="Two", checked=False),
                    ),
                ),
                FormField(id="5", type="group_chooser", label="Team", options=(FormOption(group_id=0, label="All"),)),
                FormField(id="6", type="rating", label="Rate", comment_label="Why?"),
                FormField(id="7", type="of_tomorrow", label=""),
            ),
        ),
    )


@pytest.mark.parametrize("data", [{"enabled": False}, {"enabled": False, "form": None, "x": 1}])
def test_a_form_that_is_not_in_use(data: dict[str, Any]) -> None:
    assert structure(data, FormResult) == FormResult(enabled=False)


def test_an_uploaded_file() -> None:
    assert structure({"url": "https://example.com/f", "x": 1}, UploadedFile) == UploadedFile(
        url="https://example.com/f"
    )


def test_url_details() -> None:
    full = {
        "title": "T",
        "description": "",
        "image_url": "cdn.example.com/i.png",
        "image_width": 640,
        "image_height": 0,
        "url": "https://example.com",
    }
    assert structure(full, UrlDetails) == UrlDetails(
        title="T",
        description="",
        image_url="cdn.example.com/i.png",
        image_width=640,
        image_height=0,
        url="https://example.com",
    )
    assert structure({}, UrlDetails) == structure(dict.fromkeys(full), UrlDetails) == UrlDetails()


@pytest.mark.parametrize(
    "data, cls, path",
    [
        ({"form": FORM}, FormResult, "$.enabled"),
        ({"enabled": "true"}, FormResult, "$.enabled"),
        ({"enabled": True, "form": []}, FormResult, "$.form"),
        ({"enabled": True, "form": {"fields": [FORM["fields"][0], {"type": 1}]}}, FormResult, "$.form.fields[1].type"),
        (
            {"id": "1", "type": "radio", "label": "l", "options": [{"id": 0, "label": "l"}]},
            FormField,
            "$.options[0].id",
        ),
        ({"id": "1", "type": "radio", "label": "l", "options": {"0": "l"}}, FormField, "$.options"),
        ({"id": "1", "type": "radio", "label": "l", "required": 1}, FormField, "$.required"),
        ({}, UploadedFile, "$.url"),
        ({"url": 5}, UploadedFile, "$.url"),
        ({"image_width": "640"}, UrlDetails, "$.image_width"),
        ({"image_width": 640.5}, UrlDetails, "$.image_width"),
        (None, UrlDetails, "$"),
    ],
)
def test_the_wrong_type_is_named_by_its_path(data: Any, cls: type, path: str) -> None:
    with pytest.raises(DecodeError) as caught:
        structure(data, cls)
    assert caught.value.path == path


def test_a_ticket_form_has_no_ids() -> None:
    data = {"enabled": True, "form": {"fields": [{"type": "subject", "label": "Subject"}]}}
    form = Form(fields=(FormField(type="subject", label="Subject"),))
    assert structure(data, FormResult) == FormResult(enabled=True, form=form)
    assert structure({"form": {}, "enabled": True}, FormResult) == FormResult(enabled=True, form=Form())
