"""What is tried with SQL? Questions that would tell of a row, at the vault's address and from a sealed kernel."""

OWN_VALUES = (
    "SELECT person, COUNT(*) FROM {0} GROUP BY person", "SELECT secret, COUNT(*) FROM {0} GROUP BY secret",
    "SELECT cost, COUNT(*) FROM {0} GROUP BY cost", "SELECT DISTINCT note FROM {0}",
    "SELECT COUNT(DISTINCT secret) FROM {0}", "SELECT MIN(district) FROM {0}", "SELECT MIN(note) FROM {0}",
    "SELECT MODE(note) FROM {0}", "SELECT STRING_AGG(note, ',') FROM {0}", "SELECT ARBITRARY(note) FROM {0}",
    "SELECT HISTOGRAM(note) FROM {0}", "SELECT COUNT(*) FROM {0} GROUP BY CUBE(cost, note)",
    "SELECT COALESCE(person, 'x'), COUNT(*) FROM {0} GROUP BY 1", "SELECT cost + visits AS k, COUNT(*) FROM {0} GROUP BY k",
    "SELECT person, n FROM (SELECT person, COUNT(*) AS n FROM {0} GROUP BY person)",
    "SELECT n, COUNT(*) FROM (SELECT secret, COUNT(*) AS n FROM {0} GROUP BY secret) GROUP BY n",
    "SELECT m, COUNT(*) FROM (SELECT person, MAX(cost) AS m FROM {0} GROUP BY person) GROUP BY m",
    "SELECT FIRST(note ORDER BY cost) FROM {0}", "SELECT ARG_MAX(person, cost) FROM {0}",
)

CHOSEN_ROWS = (
    "SELECT COUNT(*) FROM {0} JOIN {0} b ON TRUE", "SELECT COUNT(*) FROM {0}, {0} b",
    "SELECT COUNT(*) FROM {0} a NATURAL JOIN {0} b",
    "SELECT COUNT(*) FROM (SELECT * FROM {0} ORDER BY cost LIMIT 1) x",
    "SELECT COUNT(*) FROM {0} UNION ALL SELECT COUNT(*) FROM {0}",
    "WITH x AS (SELECT * FROM {0} LIMIT 1) SELECT COUNT(*) FROM x", "SELECT COUNT(*) FROM {0}, UNNEST([1, 2, 3])",
    "SELECT COUNT(*) FROM {0}, generate_series(1, 1000000)", "SELECT COUNT(*) FROM {0} TABLESAMPLE 1 ROWS",
    "SELECT COUNT(*) FROM {0} USING SAMPLE 1", "SELECT COUNT(*) FROM {0} WHERE random() < 0.5",
    "SELECT COUNT(*) FROM {0} WHERE now() > DATE '2026-01-01'", "SELECT COUNT(*) OVER (ORDER BY cost) FROM {0}",
    "SELECT SUM(cost) FROM {0} QUALIFY row_number() OVER (ORDER BY cost DESC) = 1",
    "SELECT COUNT(*) FROM {0} WHERE cost = (SELECT MAX(cost) FROM {0})", "SELECT SUM(cost) FROM {0} LIMIT (SELECT 1)",
    "SELECT COUNT(*) FROM {0} WHERE note IN (SELECT note FROM {0})", "SELECT COUNT(*) FROM {0} POSITIONAL JOIN {0} b",
)

NO_QUESTIONS = (
    "SELECT COUNT(*) FROM {0}; DROP TABLE private_rows", "SELECT COUNT(*) FROM {0}; SELECT * FROM {0}", "DROP TABLE {0}",
    "COPY {0} TO '/tmp/out.csv'", "ATTACH '/tmp/x.db'", "INSTALL httpfs", "LOAD httpfs", "PRAGMA database_list",
    "SET threads = 1",
    "SELECT COUNT(*) FROM read_csv('/etc/passwd')", "SELECT COUNT(*) FROM '/etc/passwd'", "SELECT COUNT(*) FROM glob('/*')",
    "SELECT COUNT(*) FROM private_rows", "SELECT COUNT(*) FROM main.private_rows", "SELECT COUNT(*) FROM duckdb_settings()",
    "SELECT COUNT(*) FROM information_schema.tables", "SELECT COUNT(*) FROM pg_catalog.pg_tables",
    "SELECT COUNT(*) FROM vault.questions", "SELECT COUNT(*) FROM {0} WHERE getenv('CIHU_S3_SECRET_KEY') = 'x'",
    "EXPLAIN ANALYZE SELECT COUNT(*) FROM {0}", "DESCRIBE {0}", "SUMMARIZE {0}", "FROM {0}", "FROM {0} SELECT COUNT(*), note",
    "SELECT COUNT(*) FROM {0} AS OF TIMESTAMP '2026-01-01'", "EXPORT DATABASE '/tmp'", "CALL pragma_version()",
    'SELECT COUNT("cost"" OR 1=1 --") FROM {0}', 'SELECT COUNT(*) FROM {0} WHERE "note"" = \'a" = \'a\'',
    "SELECT COLUMNS(*) FROM {0}", "SELECT COUNT(COLUMNS('s.*')) FROM {0}", "SELECT {0}.* FROM {0}",
)

FAILING = (
    "SELECT COUNT(*) FROM {0} WHERE CAST(note AS INTEGER) > 0", "SELECT COUNT(*) FROM {0} WHERE note::DOUBLE > 0",
    "SELECT COUNT(*) FROM {0} WHERE TRY_CAST(note AS INTEGER) IS NULL", "SELECT SUM(1 / visits) FROM {0}",
    "SELECT COUNT(*) FROM {0} WHERE visits % 0 = 1", "SELECT AVG(cost / 0) FROM {0}", "SELECT SUM(LENGTH(note)) FROM {0}",
    "SELECT COUNT(*) FROM {0} WHERE ln(cost) > 0",
    "SELECT COUNT(*) FROM {0} WHERE sqrt(cost - 1) > 0", "SELECT COUNT(*) FROM {0} WHERE exp(cost) > 0",
    "SELECT COUNT(*) FROM {0} WHERE substring(note, 5000, 1) = 'n'", "SELECT COUNT(*) FROM {0} WHERE chr(visits) = 'a'",
    "SELECT COUNT(*) FROM {0} WHERE repeat(note, 1000000) = 'a'", "SELECT COUNT(*) FROM {0} WHERE error(note) IS NULL",
    "SELECT SUM(CASE WHEN note = 'n1' THEN 0 / 0 ELSE 0 END) FROM {0}", "SELECT SUM(CAST(note AS INT)) FROM {0}",
    "SELECT COUNT(*) FROM {0} WHERE day + 1 > DATE '9999-12-31'", "SELECT COUNT(*) FROM {0} WHERE note ~ '(a+)+$'",
    "SELECT COUNT(*) FROM {0} WHERE note LIKE '%_%_%_%_%'", "SELECT COUNT(*) FROM {0} WHERE visits << 62 > 0",
    "SELECT COUNT(*) FROM {0} WHERE visits = '1'", "SELECT COUNT(*) FROM {0} WHERE cost > 1e400",
)
