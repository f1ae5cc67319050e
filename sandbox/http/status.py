"""The HTTP status of each kind of refusal: one table, without a web framework, for servers and clients."""

from sandbox import errors

STATUS: tuple[tuple[type[errors.CihuError], int], ...] = (
    (errors.InvalidInput, 422),
    (errors.NotAuthenticated, 401),
    (errors.Forbidden, 403),
    (errors.NotFound, 404),
    (errors.NotAcceptable, 406),
    (errors.Conflict, 409),
    (errors.BudgetExhausted, 402),
    (errors.TooMany, 429),
    (errors.Unavailable, 503),
)


def status_of(error: errors.CihuError) -> int:
    return next((status for kind, status in STATUS if isinstance(error, kind)), 503)
