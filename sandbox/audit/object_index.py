"""The index of the log by object: which entries name an account, a dataset, a grant, or anything else.

The database keeps it in the same deed as the entry (`log.append`), from what the entry commits to: its actor
and its subject, and what its payload names by one of `NAMED`. Its rows are as personal as the openings they
come from, and are erased with them. An object is written like a subject: `dataset:health.visits`, `grant:12`.
"""

NAMED = (
    "account",
    "company",
    "competition",
    "dataset",
    "entry",
    "grant",
    "invoice",
    "licence",
    "model",
    "order",
    "organisation",
    "product",
    "request",
    "review",
    "run",
    "team",
)
"""Names in payloads, at any depth, whose value is the id of such a thing."""

LONGEST_OBJECT = 300

# A payload may hold an escaped NUL, which jsonb does not take: it is read as a question mark, so that no
# such text keeps its entry out of the index. `dataset:name@3` is also an entry of `dataset:name`, and
# `model:name/3` one of `model:name`.
OBJECTS_FUNCTION = r"""CREATE FUNCTION log.objects_of(content text) RETURNS SETOF text
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $function$
    WITH opened AS (
        SELECT regexp_replace(content, '(?<!\\)((?:\\\\)*)\\u0000', '\1?', 'g')::jsonb AS document
    ), named AS (
        SELECT 'account:' || (document ->> 'actor') AS object FROM opened
        UNION SELECT document ->> 'subject' FROM opened
        UNION SELECT name || ':' || (value #>> '{}')
          FROM opened, unnest(ARRAY[%s]) AS name,
               jsonb_path_query(document, ('$.payload.**.' || name)::jsonpath) AS value
         WHERE jsonb_typeof(value) IN ('string', 'number')
    )
    SELECT DISTINCT left(object, %s) FROM (
        SELECT object FROM named
        UNION ALL SELECT regexp_replace(object, '@[0-9]+$|^(model:.+)/[0-9]+$', '\1') FROM named
    ) AS each
$function$""" % (", ".join(f"'{name}'" for name in NAMED), LONGEST_OBJECT)  # noqa: UP031  # braces are SQL's
