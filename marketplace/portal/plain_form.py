"""A form whose fields no signature names: each of its texts is plain, as those of all other forms are."""

from fastapi import Request
from starlette.datastructures import FormData

from sandbox.errors import InvalidInput
from sandbox.plain_text import REMEDY, REMEDY_ZH, is_text


async def posted(request: Request) -> FormData:
    """The form of a request; read here because reading is asynchronous and the endpoints are not. Raises
    `InvalidInput`."""
    return plain_form(await request.form())


def plain_form(form: FormData) -> FormData:
    """The form itself. Raises `InvalidInput`."""
    if all(
        is_text(name) and (not isinstance(value, str) or is_text(value)) for name, value in form.multi_items()
    ):
        return form
    raise InvalidInput(
        "A field of the form is not plain text.",
        remedy=REMEDY,
        zh="表单中有一栏不是文字。",
        remedy_zh=REMEDY_ZH,
    )
