"""Says whether a dataset is retired. Its last day is announced; from the end of it on nobody uses it."""

from datetime import UTC, datetime


def is_retired(retires_at: datetime | None) -> bool:
    return retires_at is not None and retires_at <= datetime.now(UTC)
