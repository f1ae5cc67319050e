"""What tracing a copy answers with."""

from typing_extensions import TypedDict


class SuspectDocument(TypedDict):
    """A buyer whose rows are in the copy. Of `pairs` neighbouring rows, `agreeing` stand as the buyer's
    watermark wants them: of a stranger's about half. `named`: it is this buyer's copy; chance does that once
    in 10^11."""

    product: str
    release: int
    licence: int
    organisation: str
    agreeing: int
    pairs: int
    named: bool


class TraceDocument(TypedDict):
    """What a copy was compared with: `compared` licences with a watermark. `suspects`: likeliest first."""

    sha256: str
    rows: int
    columns: list[str]
    compared: int
    suspects: list[SuspectDocument]
