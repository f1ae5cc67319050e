"""Releases files to their team.
They are copied first, and are the team's only once the transaction that records it commits.

A copy without its row is unreachable: the team's files are found by rows alone.
"""

from collections.abc import Mapping
from uuid import UUID

from sqlalchemy import insert

from sandbox.database import Transaction
from sandbox.disclosure.decode import Decoded
from sandbox.disclosure.finding import Unfit
from sandbox.errors import Conflict, NotFound
from sandbox.identity import Principal
from sandbox.jobs import load_run
from sandbox.jobs.quarantine import object_name
from sandbox.jobs.read import load_own_run
from sandbox.reviews.checks import exact, fetched, leaving_files
from sandbox.reviews.context import ReviewContext
from sandbox.reviews.model import Review
from sandbox.reviews.read import StoredFile, output_files, released
from sandbox.reviews.tables import released_files


def copy_files(tx: Transaction, context: ReviewContext, review: Review) -> Mapping[str, StoredFile]:
    """Copy each file that was asked for and is there, and write its row.
    Raises `Unavailable`; then nothing is released."""
    left = output_files(tx, review.run)
    wanted = {file.declared.path: file.declared.statbarn for file in review.files}
    contents = {
        path: (fetched(context, left[path]), statbarn)
        for path, statbarn in sorted(wanted.items())
        if path in left
    }
    copied = {}
    for path, decoded in leaving_files(context, tx, load_run(tx, review.run), contents).items():
        name, content = _cleaned(path, decoded, review.paths)
        stored = context.released.put(object_name(review.run, name), content)
        copied[name] = StoredFile(name, stored.name, stored.version_id, stored.sha256, stored.size)
    if copied:
        tx.execute(
            insert(released_files),
            [
                {
                    "run": review.run,
                    "path": one.path,
                    "review": review.id,
                    "object_name": one.object_name,
                    "object_version": one.object_version,
                    "sha256": one.sha256,
                    "size": one.size,
                }
                for one in copied.values()
            ],
        )
    return copied


def _cleaned(path: str, decoded: Decoded, taken: frozenset[str]) -> tuple[str, bytes]:
    """What the file shows, and nothing that hides beside it.
    Raises `Conflict` for what cannot be written anew."""
    try:
        name, written = decoded.require_leaves()
    except Unfit as unfit:
        raise Conflict(
            f"{path} cannot be released: {unfit.finding.message}",
            remedy="Return the review, with that as its reason.",
            zh=f"{path} 无法放行：{unfit.finding.zh}",
            remedy_zh="请退回，并说明此原因。",
        ) from None
    return (name, written) if name == path or name not in taken else (f"{path}.png", written)


def read_released(context: ReviewContext, *, principal: Principal, run: UUID, path: str) -> bytes:
    """A released file, for somebody of its team. Raises `NotFound` for everything else."""
    with context.database.transaction() as tx:
        load_own_run(tx, principal, run)
        file = released(tx, run).get(path)
    if file is None:
        raise NotFound(
            "No file of this name was released.",
            remedy="See which were: GET /v1/runs/{id}/files.",
            zh="没有放行此名称的文件。",
        )
    return exact(context.released.get(file.object_name, file.object_version), file)
