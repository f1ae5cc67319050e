-- Copies of the rows that the services made of the first of each kind (filled_city.py). `made` is such a row
-- with other values of some columns. How many datasets, which departments and teams are given.

CREATE TEMP TABLE named ON COMMIT DROP AS
SELECT n, n % 3 = 0 AS private, row_number() OVER (PARTITION BY n % 3 = 0 ORDER BY n) - 1 AS place,
       (CAST(:departments AS text[]))[1 + n % cardinality(CAST(:departments AS text[]))] AS department,
       CASE WHEN n % 3 = 0 THEN 'health.visits' ELSE 'market.inspections' END AS first,
       CASE WHEN n % 3 = 0 THEN 'visits.d' ELSE 'inspections.d' END || n AS name,
       (ARRAY['monthly', 'yearly', 'quarterly', 'half_yearly'])[1 + n / 3 % 4] AS updates,
       now() - n * interval '7 minutes' AS at
FROM generate_series(1, CAST(:datasets AS integer) - 2) AS n;
ANALYZE named;

INSERT INTO vault.datasets
SELECT made.* FROM vault.datasets AS it JOIN named ON named.first = it.name,
LATERAL jsonb_populate_record(it, jsonb_build_object('name', named.name, 'department', named.department)) AS made;

INSERT INTO vault.dataset_versions
SELECT made.* FROM vault.dataset_versions AS it JOIN named ON named.first = it.dataset,
LATERAL jsonb_populate_record(it, jsonb_build_object(
    'dataset', named.name, 'published_at', named.at, 'opened_at', named.at,
    'policy', replace(replace(replace(replace(replace(it.policy,
        'dataset: ' || it.dataset, 'dataset: ' || named.name),
        'department: ' || CASE WHEN named.private THEN 'health' ELSE 'market' END, 'department: ' || named.department),
        '〇', '第' || named.n || '批'), 'nought', 'number ' || named.n),
        'updates: monthly', 'updates: ' || named.updates))) AS made;

-- what the vault's own indexes say of them: reading 10,000 policies would take minutes
INSERT INTO vault.dataset_index
SELECT made.* FROM vault.dataset_index AS it JOIN named ON named.first = it.dataset,
LATERAL jsonb_populate_record(it, jsonb_build_object(
    'dataset', named.name, 'department', named.department, 'published_at', named.at, 'updates', named.updates,
    'title_zh', replace(it.title_zh, '〇', '第' || named.n || '批'),
    'title_en', replace(it.title_en, 'nought', 'number ' || named.n),
    'words', replace(replace(replace(it.words, it.dataset, named.name),
        '〇', '第' || named.n || '批'), 'nought', 'number ' || named.n))) AS made;
INSERT INTO vault.catalogue_entries
SELECT made.* FROM vault.catalogue_entries AS it JOIN named ON named.first = it.dataset,
LATERAL jsonb_populate_record(it, jsonb_build_object(
    'dataset', named.name, 'department', named.department, 'published_at', named.at, 'updates', named.updates,
    'title_zh', replace(it.title_zh, '〇', '第' || named.n || '批'),
    'title_en', replace(it.title_en, 'nought', 'number ' || named.n),
    'terms', it.terms || array_to_tsvector(ARRAY[named.name, named.department, named.n::text]))) AS made;

INSERT INTO vault.open_copies OVERRIDING SYSTEM VALUE
SELECT made.* FROM vault.open_copies AS it
JOIN named ON named.first = it.dataset AND it.id = (SELECT min(id) FROM vault.open_copies),
LATERAL jsonb_populate_record(it, jsonb_build_object('id', 1000 + named.n, 'dataset', named.name)) AS made;

INSERT INTO vault.budget_accounts
SELECT made.* FROM vault.budget_accounts AS it JOIN named ON it.level = 'dataset' AND named.first = it.key,
LATERAL jsonb_populate_record(it, jsonb_build_object('key', named.name, 'picorho_held', 0, 'delta_held', 0)) AS made;

-- 2,000 requests that were approved, 200 that wait: of 21 teams on private datasets
CREATE TEMP TABLE asked ON COMMIT DROP AS
SELECT g.n, g.n <= 2000 AS decided, (CAST(:teams AS text[]))[1 + g.n % 21] AS team,
       CASE WHEN g.n % 21 = 0 THEN 'wang' ELSE 'person' || g.n % 400 END AS person,
       named.name, named.department, now() - g.n * interval '20 minutes' AS at
FROM generate_series(1, 2200) AS g (n)
JOIN named ON named.private AND named.place = g.n % (SELECT count(*) FROM named WHERE private);
ANALYZE asked;

INSERT INTO vault.requests OVERRIDING SYSTEM VALUE
SELECT made.* FROM vault.requests AS it JOIN asked ON (it.status = 'approved') = asked.decided,
LATERAL jsonb_populate_record(it, jsonb_build_object('id', 1000 + asked.n, 'dataset', asked.name,
    'department', asked.department, 'team', asked.team, 'asked_by', asked.person, 'asked_at', asked.at)) AS made;

INSERT INTO vault.grants OVERRIDING SYSTEM VALUE
SELECT made.* FROM vault.grants AS it JOIN asked ON asked.decided,
LATERAL jsonb_populate_record(it, jsonb_build_object('id', 1000 + asked.n, 'request', 1000 + asked.n,
    'dataset', asked.name, 'department', asked.department, 'team', asked.team, 'approved_at', asked.at)) AS made;

INSERT INTO vault.budget_accounts
SELECT made.* FROM vault.budget_accounts AS it
JOIN (SELECT DISTINCT team, name FROM asked WHERE decided) AS held ON it.level = 'grant' AND it.dataset IS NOT NULL,
LATERAL jsonb_populate_record(it, jsonb_build_object('key', held.team || '/' || held.name, 'dataset', held.name,
    'picorho_spent', 0, 'delta_spent', 0)) AS made
ON CONFLICT DO NOTHING;

-- what they hold is held at the datasets and at the population
UPDATE vault.budget_accounts AS whole SET picorho_held = held.picorho, delta_held = held.delta
FROM (SELECT dataset, sum(picorho_limit - picorho_spent) AS picorho, sum(delta_limit - delta_spent) AS delta
      FROM vault.budget_accounts WHERE level = 'grant' GROUP BY dataset) AS held
WHERE whole.level = 'dataset' AND whole.key = held.dataset;
UPDATE vault.budget_accounts AS whole SET picorho_held = held.picorho, delta_held = held.delta
FROM (SELECT population, sum(picorho_limit - picorho_spent) AS picorho, sum(delta_limit - delta_spent) AS delta
      FROM vault.budget_accounts WHERE level = 'grant' GROUP BY population) AS held
WHERE whole.level = 'population' AND whole.key = held.population;

-- 10,000 questions and their answers, 100 pages of answers of the team that looks
INSERT INTO vault.questions
SELECT made.* FROM vault.questions AS it, asked, generate_series(1, 5) AS again,
LATERAL jsonb_populate_record(it, jsonb_build_object('id', md5('question' || asked.n || '/' || again)::uuid,
    'grant', 1000 + asked.n, 'asked_by', asked.person, 'version', asked.name || '@1', 'picorho', 0,
    'sql', replace(it.sql, 'health.visits', asked.name), 'asked_at', asked.at + again * interval '3 minutes')) AS made
WHERE asked.decided;
INSERT INTO vault.answer_pages
SELECT made.* FROM vault.answer_pages AS it, generate_series(1, 100) AS n,
LATERAL jsonb_populate_record(it, jsonb_build_object('id', md5('page' || n)::uuid)) AS made;
INSERT INTO vault.answer_page_states
SELECT made.* FROM vault.answer_page_states AS it, generate_series(1, 100) AS n,
LATERAL jsonb_populate_record(it, jsonb_build_object('page', md5('page' || n)::uuid, 'title', it.title || n)) AS made;

-- 1,000 runs with their reviews: 60 wait, the others are decided
CREATE TEMP TABLE ran ON COMMIT DROP AS
SELECT asked.*, md5('run' || n)::uuid AS run, md5('review' || n)::uuid AS review, n <= 60 AS waits,
       now() - n * interval '2 hours' AS then
FROM asked WHERE n <= 1000;
INSERT INTO vault.runs
SELECT made.* FROM vault.runs AS it, ran,
LATERAL jsonb_populate_record(it, jsonb_build_object('id', ran.run, 'team', ran.team, 'submitted_by', ran.person,
    'submitted_at', ran.then, 'started_at', ran.then, 'told_at', ran.then, 'ended_at', ran.then,
    'state', CASE WHEN ran.waits THEN it.state ELSE 'released' END,
    'inputs', replace(it.inputs::text, 'health.visits', ran.name)::jsonb)) AS made;
INSERT INTO vault.run_files
SELECT made.* FROM vault.run_files AS it, ran,
LATERAL jsonb_populate_record(it, jsonb_build_object('run', ran.run)) AS made;
INSERT INTO vault.reviews
SELECT made.* FROM vault.reviews AS it, ran,
LATERAL jsonb_populate_record(it, jsonb_build_object('id', ran.review, 'run', ran.run, 'team', ran.team,
    'requested_by', ran.person, 'requested_at', ran.then, 'due_at', it.due_at - ran.n * interval '2 hours',
    'state', CASE WHEN ran.waits THEN it.state ELSE 'decided' END,
    'outcome', CASE WHEN NOT ran.waits THEN 'released' END,
    'decided_at', CASE WHEN NOT ran.waits THEN ran.then + interval '1 hour' END)) AS made;
INSERT INTO vault.review_files
SELECT made.* FROM vault.review_files AS it, ran,
LATERAL jsonb_populate_record(it, jsonb_build_object('review', ran.review)) AS made;
INSERT INTO vault.released_files
SELECT ran.run, file.path, ran.review, file.object_name, file.object_version, file.sha256, file.size
FROM ran JOIN vault.run_files AS file ON file.run = ran.run AND file.path = 'table.csv' WHERE NOT ran.waits;

-- 300 problems, 300 demands, 400 reviews before datasets open
INSERT INTO vault.problem_reports OVERRIDING SYSTEM VALUE
SELECT made.* FROM vault.problem_reports AS it, asked,
LATERAL jsonb_populate_record(it, jsonb_build_object('id', 1000 + asked.n, 'dataset', asked.name,
    'department', asked.department, 'reported_by', asked.person, 'reported_at', asked.at)) AS made
WHERE asked.n <= 300;
INSERT INTO vault.demands OVERRIDING SYSTEM VALUE
SELECT made.* FROM vault.demands AS it, asked,
LATERAL jsonb_populate_record(it, jsonb_build_object('id', 1000 + asked.n, 'title', it.title || asked.n,
    'department', asked.department, 'asked_by', asked.person, 'asked_at', asked.at)) AS made
WHERE asked.n <= 300;
INSERT INTO vault.opening_reviews OVERRIDING SYSTEM VALUE
SELECT made.* FROM (SELECT * FROM vault.opening_reviews WHERE dataset = 'health.visits' LIMIT 1) AS it,
asked, LATERAL jsonb_populate_record(CAST(it AS vault.opening_reviews), jsonb_build_object('id', 1000 + asked.n,
    'dataset', asked.name, 'department', asked.department, 'asked_at', asked.at)) AS made
WHERE asked.n <= 400;

-- a product of every fourth open dataset
CREATE TEMP TABLE sold ON COMMIT DROP AS
SELECT named.*, 'scores-' || n AS id, row_number() OVER (ORDER BY n) - 1 AS rank FROM named
WHERE NOT private AND place % 4 = 0;
ANALYZE sold;
INSERT INTO market.products
SELECT made.* FROM market.products AS it, sold,
LATERAL jsonb_populate_record(it, jsonb_build_object('id', sold.id, 'dataset', sold.name,
    'department', sold.department, 'title_zh', it.title_zh || sold.n, 'listed_at', sold.at)) AS made;
INSERT INTO market.releases OVERRIDING SYSTEM VALUE
SELECT made.* FROM market.releases AS it, sold,
LATERAL jsonb_populate_record(it, jsonb_build_object('id', 1000 + sold.n, 'product', sold.id)) AS made;
INSERT INTO market.offers OVERRIDING SYSTEM VALUE
SELECT made.* FROM market.offers AS it, sold,
LATERAL jsonb_populate_record(it, jsonb_build_object('id', 1000 + sold.n, 'product', sold.id)) AS made;

-- 200 companies; 2,000 orders, of which every twentieth waits; 100 orders are of the company that looks
INSERT INTO identity.organisations
SELECT made.* FROM identity.organisations AS it, generate_series(0, 199) AS n,
LATERAL jsonb_populate_record(it, jsonb_build_object('id', 'company' || n, 'display_name', '第' || n || '公司')) AS made
WHERE it.id = 'minsheng';
INSERT INTO market.companies
SELECT made.* FROM market.companies AS it, generate_series(0, 199) AS n,
LATERAL jsonb_populate_record(it, jsonb_build_object('organisation', 'company' || n, 'name', '第' || n || '公司',
    'credit_code', it.credit_code, 'status', CASE WHEN n < 20 THEN 'entered' ELSE 'refused' END)) AS made;
CREATE TEMP TABLE ordered ON COMMIT DROP AS
SELECT g.n, g.n % 20 = 0 AS waits, sold.id AS product, sold.department,
       CASE WHEN g.n <= 100 THEN 'minsheng' ELSE 'company' || g.n % 200 END AS organisation,
       now() - g.n * interval '1 hour' AS at
FROM generate_series(1, 2000) AS g (n) JOIN sold ON sold.rank = g.n % (SELECT count(*) FROM sold);
INSERT INTO market.orders OVERRIDING SYSTEM VALUE
SELECT made.* FROM market.orders AS it, ordered,
LATERAL jsonb_populate_record(it, jsonb_build_object('id', 1000 + ordered.n, 'product', ordered.product,
    'department', ordered.department, 'organisation', ordered.organisation, 'placed_at', ordered.at,
    'status', CASE WHEN ordered.waits THEN 'placed' ELSE it.status END,
    'decided_at', CASE WHEN NOT ordered.waits THEN ordered.at END,
    'decided_by', CASE WHEN NOT ordered.waits THEN it.decided_by END,
    'contract', CASE WHEN NOT ordered.waits THEN it.contract END,
    'contract_sha256', CASE WHEN NOT ordered.waits THEN it.contract_sha256 END)) AS made;
-- the table gives each its number, by chance
CREATE TEMP TABLE numbered ON COMMIT DROP AS
SELECT ordered.*, orders.id AS "order" FROM ordered JOIN market.orders ON orders.placed_at = ordered.at;
INSERT INTO market.order_steps OVERRIDING SYSTEM VALUE
SELECT made.* FROM market.order_steps AS it, numbered,
LATERAL jsonb_populate_record(it, jsonb_build_object('id', 10000 + 2 * n + (it.status = 'placed')::integer,
    'order', numbered."order")) AS made
WHERE it.status = 'placed' OR NOT numbered.waits;
INSERT INTO market.licences OVERRIDING SYSTEM VALUE
SELECT made.* FROM market.licences AS it, numbered,
LATERAL jsonb_populate_record(it, jsonb_build_object('id', 1000 + n, 'order', numbered."order",
    'product', numbered.product, 'department', numbered.department, 'organisation', numbered.organisation,
    'starts_at', it.starts_at - interval '90 days', 'issued_at', it.issued_at - interval '90 days')) AS made
WHERE NOT numbered.waits;
INSERT INTO market.entitlements
SELECT held.id, release.id, held.issued_at FROM market.licences AS held
JOIN market.releases AS release ON release.product = held.product
ON CONFLICT DO NOTHING;
INSERT INTO market.keys OVERRIDING SYSTEM VALUE
SELECT made.* FROM market.keys AS it, (SELECT *, row_number() OVER () AS n FROM market.licences) AS held,
LATERAL jsonb_populate_record(it, jsonb_build_object('id', 1000 + held.n, 'licence', held.id,
    'hash', '\x' || encode(sha256(held.id::text::bytea), 'hex'))) AS made;

SELECT setval(pg_get_serial_sequence(format('%I.%I', schema, name), 'id'), 30000)
FROM (VALUES ('vault', 'open_copies'), ('vault', 'requests'), ('vault', 'grants'), ('vault', 'problem_reports'),
    ('vault', 'demands'), ('vault', 'opening_reviews'), ('market', 'releases'), ('market', 'offers'),
    ('market', 'orders'), ('market', 'order_steps'), ('market', 'licences'), ('market', 'keys')) AS given (schema, name);
