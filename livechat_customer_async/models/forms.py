"""Forms, uploaded files and details of a URL."""

import attrs

from .._base.value import Value

__all__ = ["Form", "FormField", "FormOption", "FormResult", "UploadedFile", "UrlDetails"]


@attrs.frozen(kw_only=True, eq=False, repr=False)
class FormOption(Value):
    """Option of a field; `group_id` in place of `id` for a group_chooser."""

    label: str
    id: str | None = None
    group_id: int | None = None
    checked: bool | None = None


@attrs.frozen(kw_only=True, eq=False, repr=False)
class FormField(Value):
    """Field of a form.

    Attributes:
        type: `header`, `name`, `email`, `question`, `textarea`, `radio`, `select`, `checkbox`, `group_chooser` or
            `rating`; an open set.
        comment_label: label of a rating's comment.
    """

    id: str
    type: str
    label: str
    required: bool | None = None
    options: tuple[FormOption, ...] = ()
    comment_label: str | None = None


@attrs.frozen(kw_only=True, eq=False, repr=False)
class Form(Value):
    """A form to be filled in."""

    id: str
    fields: tuple[FormField, ...] = ()


@attrs.frozen(kw_only=True, eq=False, repr=False)
class FormResult(Value):
    """Whether a form is in use; `form` is `None` where it is not."""

    enabled: bool
    form: Form | None = None


@attrs.frozen(kw_only=True, eq=False, repr=False)
class UploadedFile(Value):
    """Where an uploaded file is. From `upload_file` it dies after 24 h unless a `file` event uses it."""

    url: str


@attrs.frozen(kw_only=True, eq=False, repr=False)
class UrlDetails(Value):
    """What a page says of itself; sizes in pixels, `None` for what it does not say.

    Attributes:
        image_url: may lack its scheme.
    """

    title: str | None = None
    description: str | None = None
    image_url: str | None = None
    image_width: int | None = None
    image_height: int | None = None
    url: str | None = None
