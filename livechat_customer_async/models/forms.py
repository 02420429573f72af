"""Forms, uploaded files and details of a URL."""

import attrs

from ._base import Model

__all__ = ["Form", "FormField", "FormOption", "FormResult", "UploadedFile", "UrlDetails"]


@attrs.frozen(kw_only=True)
class FormOption(Model):
    """An option of a field; a group_chooser's has `group_id` instead of `id`."""

    label: str | None = None
    id: str | None = None
    group_id: int | None = None
    checked: bool | None = None


@attrs.frozen(kw_only=True)
class FormField(Model):
    """A field of a form.

    Attributes:
        type: `header`, `name`, `email`, `question`, `textarea`, `radio`, `select`, `checkbox`, `group_chooser`,
            `rating` or another one.
        comment_label: label of a rating's comment.
    """

    id: str | None = None
    type: str | None = None
    label: str | None = None
    required: bool | None = None
    options: tuple[FormOption, ...] = ()
    comment_label: str | None = None


@attrs.frozen(kw_only=True)
class Form(Model):
    """A form to be filled in."""

    id: str | None = None
    fields: tuple[FormField, ...] = ()


@attrs.frozen(kw_only=True)
class FormResult(Model):
    """Whether a form is enabled; `form` is `None` if it is not."""

    enabled: bool
    form: Form | None = None


@attrs.frozen(kw_only=True)
class UploadedFile(Model):
    """The URL of an uploaded file. That of `upload_file` expires after 24 h unless a `file` event uses it."""

    url: str


@attrs.frozen(kw_only=True)
class UrlDetails(Model):
    """What a page says about itself; sizes are in pixels, and what it does not say is `None`.

    Attributes:
        image_url: its scheme may be missing.
    """

    title: str | None = None
    description: str | None = None
    image_url: str | None = None
    image_width: int | None = None
    image_height: int | None = None
    url: str | None = None
