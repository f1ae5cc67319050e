"""What a publishing answers with, over HTTP."""

from sandbox.catalog.publish import Published
from sandbox.catalog.schemas import HeldDocument, PublishedDocument


def published_document(done: Published) -> PublishedDocument:
    document = PublishedDocument(
        dataset=done.version.dataset,
        version=done.version.number,
        rows=done.profile.rows,
        advice=done.advice(),
        sha256=done.version.sha256,
    )
    if done.opening is not None and done.held:
        document["held"] = HeldDocument(review=done.opening.id, unanswered=list(done.opening.unanswered))
    return document
