"""The index of the log names models and entries of competitions, and all versions of a model by its name."""

from alembic import op

revision = "0052"
down_revision = "0051"


def upgrade() -> None:
    op.get_bind().exec_driver_sql(OBJECTS_FUNCTION)  # as it is: it has colons and percent signs
    op.get_bind().exec_driver_sql(FILL)


# sandbox/audit/object_index.py says why
OBJECTS_FUNCTION = r"""CREATE OR REPLACE FUNCTION log.objects_of(content text) RETURNS SETOF text
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $function$
    WITH opened AS (
        SELECT regexp_replace(content, '(?<!\\)((?:\\\\)*)\\u0000', '\1?', 'g')::jsonb AS document
    ), named AS (
        SELECT 'account:' || (document ->> 'actor') AS object FROM opened
        UNION SELECT document ->> 'subject' FROM opened
        UNION SELECT name || ':' || (value #>> '{}')
          FROM opened, unnest(ARRAY['account', 'company', 'competition', 'dataset', 'entry', 'grant', 'invoice', 'licence', 'model', 'order', 'organisation', 'product', 'request', 'review', 'run', 'team']) AS name,
               jsonb_path_query(document, ('$.payload.**.' || name)::jsonpath) AS value
         WHERE jsonb_typeof(value) IN ('string', 'number')
    )
    SELECT DISTINCT left(object, 300) FROM (
        SELECT object FROM named
        UNION ALL SELECT regexp_replace(object, '@[0-9]+$|^(model:.+)/[0-9]+$', '\1') FROM named
    ) AS each
$function$"""  # noqa: E501

FILL = """INSERT INTO log.objects (object, index, kind)
SELECT named.object, openings.index, entries.entry::jsonb ->> 'kind'
  FROM log.openings JOIN log.entries ON entries.index = openings.index,
       log.objects_of(openings.content) AS named(object)
ON CONFLICT DO NOTHING"""
