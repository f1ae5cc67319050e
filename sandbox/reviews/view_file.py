"""Shows a reviewer a file that is in quarantine: as it would be released, or as the run left it, only after
the log records that they are about to see it."""

from dataclasses import dataclass
from uuid import UUID

from sandbox.audit import Event, append
from sandbox.disclosure.decode import Undecoded
from sandbox.errors import NotFound
from sandbox.identity import Principal
from sandbox.jobs import load_run
from sandbox.reviews.checks import decoder_of, fetched, undecoded
from sandbox.reviews.context import ReviewContext
from sandbox.reviews.permit import refusals_logged, require_reviewer
from sandbox.reviews.read import load_review, output_files, versions_of
from sandbox.spreadsheet_cells import guarded_csv

PARQUET = b"PAR1"


@dataclass(frozen=True)
class Viewed:
    """`original`: as the run left it; else exactly the bytes that a release would copy,
    under the name they would have."""

    name: str
    content: bytes
    original: bool


def view_file(
    context: ReviewContext, *, officer: Principal, id: UUID, path: str, original: bool = False
) -> Viewed:
    """A requested file, or its supporting counts, which are never released and so are always shown as they
    are. What cannot be written anew is shown as it is, too, and marked as such.

    Raises `Refused`, `NotFound`, `Unavailable`.
    """
    with refusals_logged(context.database), context.database.transaction() as tx:
        review = load_review(tx, id)
        run = load_run(tx, review.run)
        require_reviewer(tx, context.gate, officer, review, run)
        asked = {name for file in review.files for name in (file.declared.path, file.declared.counts) if name}
        file = output_files(tx, review.run).get(path) if path in asked else None
        if file is None:
            raise NotFound("There is no such file in this review.", zh="该审核中没有此文件。")
        versions = versions_of(tx, context.repository, run)
        append(
            tx,
            Event(
                "file.viewed",
                officer.id,
                f"review:{id}",
                {
                    "run": str(review.run),
                    "path": path,
                    "sha256": file.sha256,
                    "original": original or path not in review.paths,
                },
            ),
        )
    content = fetched(context, file)  # the entry is committed: now the bytes may be read
    declared = next((file.declared for file in review.files if file.declared.path == path), None)
    if not original and declared is not None:
        wanted = undecoded(context, run, versions, {path: (content, declared.statbarn)})
        (decoded,) = decoder_of(context, run)(wanted, context.taxonomy.file_limits)
        if decoded.leaves is not None:
            return Viewed(*decoded.leaves, original=False)
    return Viewed(path, content, original=True)


def as_csv(context: ReviewContext, viewed: Viewed) -> bytes | None:
    """The table of a Parquet file as CSV, decoded where hostile files are, so that no reader of it needs to;
    no cell runs as a formula. None for another file, and for one that cannot be decoded."""
    if not viewed.content.startswith(PARQUET):
        return None
    file = Undecoded(viewed.name, viewed.content, leaves=False)
    decoded = context.decode([file], context.taxonomy.file_limits)[0]
    if decoded.opened is None or len(decoded.opened.grids) != 1:
        return None
    grid = decoded.opened.grids[0]
    return guarded_csv([grid.header, *grid.rows]).encode()
