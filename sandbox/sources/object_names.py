"""Says which names of objects stay within their source's folder."""

from sandbox.sources.failures import SourceFailure


def checked_object(name: str) -> str:
    """The name of an object, which may not lead out of its source's folder. Raises `SourceFailure`."""
    parts = name.split("/")
    if (
        not name
        or name.startswith("/")
        or not name.isprintable()
        or "\\" in name
        or {"", ".", ".."} & {*parts}
    ):
        raise SourceFailure("source_object_missing")
    return name
