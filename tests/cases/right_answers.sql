-- Asked in tests/queries/test_right_answers.py, once as it stands here and once privately without noise. Parted by empty lines.

SELECT COUNT(*) FROM t.t;

SELECT district, COUNT(*), COUNT(cost), COUNT(DISTINCT person), SUM(cost), AVG(cost) FROM t.t GROUP BY district;

SELECT year, district, SUM(visits) FROM t.t WHERE cost > 10 AND NOT smoker GROUP BY 1, 2;

SELECT COUNT(*) FROM t.t WHERE cost BETWEEN 10 AND 20 OR balance IN (1, 2, 3) OR note LIKE 'B%' OR note IS NULL;

SELECT COUNT(*) FROM t.t WHERE cost + balance > visits * 3 - 1;

SELECT COUNT(*) FROM t.t WHERE wide > 1000000 AND LENGTH(note) > 1;

SELECT COUNT(*) FROM t.t WHERE day >= '2026-06-01' AND day < DATE '2026-09-01';

SELECT COUNT(*) FROM t.t WHERE (smoker OR cost > 50) IS TRUE;

SELECT COUNT(*) FROM t.t WHERE smoker IS NOT FALSE AND STARTS_WITH(note, 'B');

SELECT SUM(cost * 2 + 1), AVG(cost - balance), SUM(-balance) FROM t.t;

SELECT SUM(CASE WHEN cost > 50 THEN visits ELSE 0 END), AVG(CASE WHEN smoker THEN cost END) FROM t.t;

SELECT SUM(visits) FILTER (WHERE smoker), COUNT(*) FILTER (WHERE cost > 50), COUNT_IF(cost > 50) FROM t.t;

SELECT AVG(CAST(visits > 3 AS INT)) FROM t.t;

SELECT SUM(LEAST(GREATEST(wide, -10), 10)), AVG(LEAST(cost, 30)), SUM(GREATEST(cost, balance)) FROM t.t;

SELECT SUM(COALESCE(cost, 0)), AVG(COALESCE(balance, cost, 7)), SUM(NULLIF(visits, 3)) FROM t.t;

SELECT SUM(ABS(balance)), SUM(FLOOR(cost / 10)), SUM(CEIL(cost / 7)), SUM(ROUND(cost)), SUM(visits // 3), SUM(balance // 4) FROM t.t;

SELECT SUM(visits % 3), SUM(balance % 7) FROM t.t;

SELECT FLOOR(cost / 10) * 10 AS bin, COUNT(*) FROM t.t WHERE cost IS NOT NULL GROUP BY 1;

SELECT CASE WHEN cost < 20 THEN 'low' WHEN cost < 60 THEN 'middle' ELSE 'high' END AS band, COUNT(*), AVG(visits) FROM t.t GROUP BY band;

SELECT CASE district WHEN 'north' THEN 1 ELSE 2 END AS side, COUNT(*) FROM t.t GROUP BY ALL;

SELECT UPPER(district) AS name, COUNT(*) FROM t.t GROUP BY UPPER(district);

SELECT cost > 50 AS dear, COUNT(*) FROM t.t WHERE cost IS NOT NULL GROUP BY dear;

SELECT year + 2000 AS y, COUNT(*) FROM t.t GROUP BY y;

SELECT MONTH(day) AS m, COUNT(*) FROM t.t WHERE day IS NOT NULL GROUP BY 1;

SELECT EXTRACT(quarter FROM day) AS q, DAYOFWEEK(day) AS d, COUNT(*) FROM t.t WHERE day IS NOT NULL GROUP BY 1, 2;

SELECT COUNT(DISTINCT note), COUNT(DISTINCT year) FROM t.t;

SELECT district, COUNT(DISTINCT stop) FROM t.t GROUP BY district;

SELECT VAR_POP(cost), VARIANCE(cost), STDDEV_POP(balance), STDDEV(balance) FROM t.t;

SELECT CORR(cost, balance), COVAR_POP(cost, visits), COVAR_SAMP(cost, visits), REGR_SLOPE(cost, visits), REGR_INTERCEPT(cost, visits) FROM t.t WHERE cost IS NOT NULL AND balance IS NOT NULL;

SELECT QUANTILE_DISC(visits, 0.5), QUANTILE_DISC(balance, 0.25), QUANTILE_DISC(cost, 0.9) FROM t.t;

SELECT SUM(cost) / COUNT(*) AS mean, 100.0 * COUNT_IF(smoker) / COUNT(*) AS percent, ROUND(AVG(cost), 1) AS r FROM t.t;

SELECT SQRT(AVG(cost * cost)) AS rms, SUM(POWER(balance, 2)) AS squares FROM t.t;

SELECT district, AVG(cost) AS m FROM t.t GROUP BY district HAVING AVG(cost) > 1 AND COUNT(*) > 10 ORDER BY m DESC LIMIT 2;

SELECT district FROM t.t GROUP BY district ORDER BY SUM(cost) DESC, district LIMIT 1;

WITH dear AS (SELECT *, cost * 2 AS twice FROM t.t WHERE cost > 30) SELECT district, SUM(twice) AS s FROM dear WHERE twice < 150 GROUP BY 1;

SELECT "t1"."year", AVG("t1"."x") AS "m" FROM (SELECT "t0"."person", "t0"."year", "t0"."cost" / 12 AS "x", "t0"."note" FROM "t"."t" AS "t0" WHERE "t0"."year" <= 2) AS "t1" GROUP BY 1;

SELECT * FROM (SELECT year, COUNT(*) AS n, SUM(cost) AS s FROM t.t GROUP BY 1) AS a WHERE a.n > 3 ORDER BY n DESC LIMIT 2;

SELECT a.year, a.s / a.n AS each FROM (SELECT year, COUNT(*) AS n, SUM(visits) AS s FROM t.t GROUP BY 1) AS a ORDER BY 2;

SELECT AVG(total), COUNT(*) FROM (SELECT person, SUM(visits) AS total FROM t.t GROUP BY person);

SELECT AVG(n), QUANTILE_DISC(n, 0.5) FROM (SELECT person, COUNT(*) AS n FROM t.t WHERE cost > 20 GROUP BY person);

SELECT most, COUNT(*) FROM (SELECT person, MAX(visits) AS most, MIN(cost) AS least FROM t.t GROUP BY person) GROUP BY most;

SELECT LEAST(n, 5) AS times, COUNT(*) FROM (SELECT person, COUNT(*) AS n FROM t.t GROUP BY person) GROUP BY 1;

SELECT COUNT(*), COUNT(DISTINCT person) FROM (SELECT person, district, AVG(balance) AS mean FROM t.t GROUP BY 1, 2) WHERE mean > 0;

SELECT district, AVG(s) FROM (SELECT person, district, SUM(visits) AS s FROM t.t GROUP BY 1, 2 HAVING COUNT(*) > 1) GROUP BY 1;

SELECT zone, COUNT(*), AVG(cost) FROM t.t JOIN city.stops USING (stop) GROUP BY zone;

SELECT s.zone, SUM(t.visits) FROM t.t AS t LEFT JOIN city.stops AS s ON t.stop = s.stop WHERE s.zone IS NOT NULL GROUP BY s.zone;

SELECT COUNT(*) FROM t.t JOIN city.stops AS s ON t.stop = s.stop AND t.visits = s.shelters;

SELECT SUM(LEAST(GREATEST(shelters, 0), 5)) FROM t.t LEFT JOIN city.stops AS s ON t.stop = s.stop;

SELECT t4.zone, COUNT(*) AS n FROM (SELECT t2.year, t3.zone FROM (SELECT * FROM t.t AS t0 WHERE t0.year = 1) AS t2 INNER JOIN city.stops AS t3 ON t2.stop = t3.stop) AS t4 GROUP BY 1;

SELECT COUNT(*), COUNT(DISTINCT person), SUM(wage), AVG(cost) FROM t.t JOIN t.jobs ON t.person = jobs.worker;

SELECT j.trade, district, COUNT(*) AS n, AVG(j.wage) AS w FROM t.t AS a JOIN t.jobs AS j ON a.person = j.worker AND a.year = j.year GROUP BY 1, 2;

SELECT CORR(w, c) FROM (SELECT a.person, AVG(wage) AS w, AVG(cost) AS c FROM t.t AS a JOIN t.jobs AS j ON j.worker = a.person GROUP BY a.person);

SELECT trade, AVG(visits) FROM t.t LEFT JOIN t.jobs ON t.person = jobs.worker WHERE trade IS NOT NULL GROUP BY trade;

SELECT s.zone, j.year, COUNT(*) FROM t.t AS a JOIN t.jobs AS j ON a.person = j.worker JOIN city.stops AS s ON a.stop = s.stop GROUP BY 1, 2;

SELECT COUNT(DISTINCT worker) FROM t.t JOIN t.jobs AS j ON t.person = j.worker WHERE wage > 50;

SELECT a.district, COUNT(*) AS n, AVG(b.visits - a.visits) AS d FROM t.t AS a JOIN t.t AS b ON a.person = b.person AND b.year = a.year + 1 AND a.stop < b.stop GROUP BY 1;

WITH first AS (SELECT person, cost, visits > 5 AS often FROM t.t WHERE year = 1), then_ AS (SELECT person, cost * 2 AS twice, visits > 5 AS often FROM t.t WHERE year = 2)
SELECT first.often, then_.often AS later, COUNT(*) AS n, SUM(then_.twice) AS s FROM first JOIN then_ ON first.person = then_.person GROUP BY 1, 2;

SELECT a.year, b.district, COUNT(b.cost) AS n, COUNT(DISTINCT a.person) AS k FROM t.t AS a LEFT JOIN t.t AS b ON a.person = b.person AND b.year = 3 AND b.smoker WHERE a.stop < 9 AND b.district IS NOT NULL GROUP BY 1, 2;

SELECT COUNT(*), COUNT(DISTINCT c.person), AVG(c.visits) FROM t.t AS a JOIN t.t AS b ON a.person = b.person JOIN t.t AS c ON b.person = c.person WHERE a.visits = 1 AND b.visits = 2 AND c.visits > 8;

SELECT s.zone, h.zone AS home, COUNT(*) AS n, SUM(h.shelters) AS k FROM t.t JOIN city.stops AS s ON t.stop = s.stop LEFT JOIN city.stops AS h ON t.visits = h.stop WHERE h.zone IS NOT NULL GROUP BY 1, 2;

SELECT year, COUNT(*) AS n, COUNT(s.zone) AS k, SUM(s.shelters) AS h FROM t.t LEFT JOIN city.stops AS s ON t.stop = s.stop AND s.shelters > 1 AND s.zone <> 'd' GROUP BY year;

SELECT year, COUNT(more) AS n, SUM(more) AS k, SUM(one) AS o FROM t.t LEFT JOIN (SELECT stop, shelters + 1 AS more, 1 AS one FROM city.stops WHERE zone = 'a') AS s ON t.stop = s.stop GROUP BY year;

SELECT COUNT(*), SUM(s.shelters) FROM t.t JOIN city.stops AS s ON t.stop = s.stop AND t.visits > s.shelters AND s.zone IN ('a', 'b');

SELECT a.year, COUNT(*) AS n, COUNT(j.worker) AS k FROM t.t AS a LEFT JOIN t.jobs AS j ON a.person = j.worker AND j.trade = 'shop' GROUP BY 1;

SELECT COUNT(*), SUM(visits) FROM t.t LEFT JOIN t.jobs AS j ON t.person = j.worker WHERE j.worker IS NULL;

SELECT x.smoker, COUNT(*) AS n, SUM(y.half) AS s, COUNT(y.one) AS o FROM (SELECT person, smoker FROM t.t WHERE year > 1) AS x LEFT JOIN (SELECT person, cost / 2 AS half, 1 AS one FROM t.t WHERE visits > 8 AND year = 1) AS y ON x.person = y.person WHERE x.smoker IS NOT NULL GROUP BY 1;

SELECT COUNT(*) FROM t.t WHERE stop IN (SELECT stop FROM city.stops WHERE zone = 'a' AND shelters BETWEEN 1 AND 2);

SELECT year, COUNT(*) AS n FROM t.t WHERE NOT visits IN (SELECT s.shelters FROM city.stops AS s WHERE s.zone LIKE 'c%') GROUP BY year;

WITH near AS (SELECT stop FROM city.stops WHERE shelters > 2 OR zone IS NULL) SELECT SUM(visits) FROM t.t WHERE stop IN (SELECT DISTINCT stop FROM near);

SELECT COUNT(*), SUM(visits) FROM t.t AS a WHERE EXISTS (SELECT 1 FROM t.t AS b WHERE b.person = a.person AND b.year = 3 AND b.visits > 8);

SELECT district, COUNT(*) AS n FROM t.t WHERE year < 3 AND NOT EXISTS (SELECT * FROM t.t AS b WHERE t.person = b.person AND b.year = 3 AND b.smoker) AND EXISTS (SELECT stop FROM city.stops WHERE stops.stop = t.stop AND stops.zone <> 'b') GROUP BY district;

SELECT COUNT(*) FROM t.t AS a WHERE person IN (SELECT person FROM t.t);

SELECT district, COUNT(*) AS n FROM t.t AS a SEMI JOIN (SELECT person FROM t.t WHERE visits > 8) AS b ON a.person = b.person ANTI JOIN city.stops AS s ON s.stop = a.stop AND s.zone = 'c' WHERE year = 1 GROUP BY district;

SELECT COUNT(*) AS n FROM t.t SEMI JOIN city.stops USING (stop);

SELECT year, district, COUNT(*) AS n, AVG(visits) AS v, SUM(cost) AS c FROM t.t GROUP BY ROLLUP (year, district) ORDER BY year, district;

SELECT year, district, COALESCE(district, 'all') AS place, SUM(visits) / COUNT(*) AS v, MEDIAN(visits) AS m FROM t.t WHERE stop < 7 GROUP BY CUBE (1, 2) ORDER BY 1, 2;

SELECT year AS y, smoker AS s, COUNT(*) AS n FROM t.t WHERE smoker IS NOT NULL GROUP BY GROUPING SETS ((year, smoker), smoker, ()) HAVING COUNT(*) > 400 ORDER BY n DESC LIMIT 4;

SELECT year, district, smoker, COUNT(*) AS n FROM t.t WHERE smoker IS NOT NULL GROUP BY year, ROLLUP (district, smoker) ORDER BY ALL;

SELECT j.trade, COUNT(*) AS n, AVG(j.pay) AS p FROM t.t AS a JOIN (SELECT worker, trade, year AS y, wage / 2 AS pay FROM t.jobs WHERE wage > 20) AS j ON a.person = j.worker AND a.year = j.y GROUP BY 1;

SELECT COUNT(*) FROM t.t WHERE note NOT LIKE 'n%' OR note ILIKE 'b%';

SELECT COUNT(*) FROM t.t WHERE contains(note, 'b') OR ends_with(note, 'e') OR starts_with(note, 'a');

SELECT COUNT(*) FROM t.t WHERE cost IS NOT DISTINCT FROM balance OR note IS DISTINCT FROM 'a';

SELECT SUM(SIGN(balance)) AS a, SUM(LOG10(cost + 1)) AS b, SUM(LOG2(visits + 1)) AS c FROM t.t;

SELECT ROUND(cost, -1) AS tens, COUNT(*) FROM t.t WHERE cost IS NOT NULL GROUP BY tens;

SELECT COUNT(*) FROM t.t WHERE day >= DATE '2026-01-31' + INTERVAL 1 MONTH AND day < DATE '2026-12-31' - INTERVAL 10 WEEK;

SELECT COUNT(*) FROM t.t WHERE DATE_TRUNC('month', day) = DATE '2026-03-01' OR DATE_TRUNC('week', day) = DATE '2026-06-01' OR DATE_TRUNC('quarter', day) = DATE '2026-10-01';

SELECT WEEK(day) AS w, COUNT(*) FROM t.t WHERE day IS NOT NULL GROUP BY w;

SELECT COUNT(*) FROM t.t WHERE EXTRACT(DOY FROM day) > 100 AND LTRIM(note) = 'c ' OR RTRIM(note) = ' c';

SELECT AVG(smoker::INT) AS share, SUM(CAST(smoker AS DOUBLE)) AS n FROM t.t;

SELECT REGR_COUNT(cost, balance) AS n, REGR_R2(cost, balance) AS r FROM t.t;

SELECT COUNT(*) FROM (SELECT DISTINCT person FROM t.t);

SELECT district, COUNT(*) FROM (SELECT DISTINCT person, district FROM t.t WHERE cost > 50) GROUP BY district;

SELECT EXTRACT(HOUR FROM tapped) AS h, COUNT(*) AS n, AVG(cost) AS c FROM t.t WHERE tapped IS NOT NULL GROUP BY h ORDER BY h;

SELECT hour(tapped) >= 17 AS late, COUNT(*) AS n FROM t.t WHERE tapped IS NOT NULL GROUP BY late ORDER BY n;

SELECT DATE_PART('minute', tapped) // 15 AS quarter_hour, COUNT(*) AS n FROM t.t WHERE tapped IS NOT NULL GROUP BY quarter_hour ORDER BY n;

SELECT MONTH(tapped) AS m, DAYOFWEEK(tapped) AS d, SUM(visits) AS v FROM t.t WHERE tapped IS NOT NULL GROUP BY m, d;

SELECT COUNT(*) AS n FROM t.t WHERE tapped >= TIMESTAMP '2026-02-01 12:30:00' AND tapped < '2026-03-01';

SELECT COUNT(*) AS n FROM t.t WHERE tapped BETWEEN DATE '2026-01-10' AND TIMESTAMP '2026-01-20 23:59:59';

SELECT COUNT(*) AS n FROM t.t WHERE CAST(tapped AS DATE) = DATE '2026-01-15' OR tapped::DATE = '2026-01-16';

SELECT COUNT(*) AS n FROM t.t WHERE CAST(tapped AS DATE) < day AND DATE_TRUNC('hour', tapped) > TIMESTAMP '2026-01-05 10:00:00';

SELECT COUNT(*) AS n FROM t.t WHERE tapped IN (TIMESTAMP '2026-01-15 08:00:00', '2026-01-15 08:00:01') OR DATE_TRUNC('month', tapped) = '2026-02-01';

SELECT AVG(late) AS share FROM (SELECT person, MAX(CASE WHEN HOUR(tapped) >= 20 THEN 1 ELSE 0 END) AS late FROM t.t GROUP BY person);

SELECT SUM(cost), AVG(balance), COUNT(*) FROM t.t WHERE cost > 20.5 AND balance BETWEEN -10 AND 7;

SELECT AVG(wide), SUM(wide) FROM t.t WHERE wide > -1000000000000 AND wide <= 1000000000000;

SELECT MEDIAN(visits) FROM t.t WHERE visits IN (2, 3, 4);

SELECT visits, COUNT(*) FROM t.t WHERE visits BETWEEN 2 AND 5 GROUP BY visits ORDER BY visits;

SELECT year, COUNT(*) FROM t.t WHERE year IN (1, 3) GROUP BY year ORDER BY year;

SELECT district, COUNT(*) FROM t.t WHERE district LIKE '%th' AND NOT (district = 'south') GROUP BY district ORDER BY 1;

SELECT UPPER(district) AS m, LEFT(district, 2) || '-' || year AS k, COUNT(*) FROM t.t GROUP BY district, year ORDER BY district, year;

SELECT CONCAT(district, ' ', year) AS k, COUNT(*) FROM t.t GROUP BY k ORDER BY k;

SELECT RIGHT(district, 2) AS a, REPLACE(district, 'th', 'T') AS b, STRPOS(district, 'o') AS c, LENGTH(district) AS d, COUNT(*) FROM t.t GROUP BY 1, 2, 3, 4;

SELECT CAST(visits AS VARCHAR) AS v, COUNT(*) FROM t.t WHERE visits BETWEEN 0 AND 3 GROUP BY v;

SELECT COUNT(*) FROM t.t WHERE CONCAT(note, district) = 'asouth' OR note || 'x' = 'x' OR POSITION('b' IN note) = 2 OR RIGHT(note, 1) = 'e';

SELECT COUNT(*) FROM t.t WHERE CAST(smoker AS VARCHAR) = 'true' OR CAST(day AS VARCHAR) LIKE '2026-03%' OR CAST(balance AS VARCHAR) = '-7';

SELECT COUNT(DISTINCT CONCAT(district, '-', year)) FROM t.t;

SELECT SUM(cost > 50), SUM(smoker), SUM(CASE WHEN smoker THEN 1 ELSE 0 END) FROM t.t WHERE cost IS NOT NULL;

SELECT SUM(TRUNC(balance / 7)), SUM(POWER(cost + 1, -1)), AVG(POW(cost, 0.5)), SUM(SIN(cost)), SUM(COS(balance)) FROM t.t;

SELECT AVG(DEGREES(cost)), AVG(RADIANS(cost)), AVG(visits * PI()) FROM t.t;

SELECT REGR_AVGX(cost, balance), REGR_AVGY(cost, balance), REGR_SXX(cost, balance), REGR_SYY(cost, balance), REGR_SXY(cost, balance) FROM t.t;

SELECT GEOMEAN(visits + 1) AS g, SEM(visits) AS s FROM t.t;

SELECT PERCENTILE_DISC(0.25) WITHIN GROUP (ORDER BY visits), QUANTILE_DISC(visits, 0.75) FROM t.t;

SELECT COUNT(*) FROM t.t WHERE DATE_DIFF('day', DATE '2026-01-01', day) > 100 AND day - DATE '2026-01-01' < 200 AND DATEDIFF('month', day, DATE '2026-12-31') > 2;

SELECT AVG(day - DATE '2026-01-01') AS d FROM t.t WHERE day - DATE '2026-01-01' BETWEEN 0 AND 364;

SELECT DAYNAME(day) AS d, COUNT(*) FROM t.t WHERE day IS NOT NULL GROUP BY d;

SELECT MONTHNAME(day) AS m, COUNT(*) FROM t.t WHERE day IS NOT NULL GROUP BY m;

SELECT COUNT(*) FROM t.t WHERE (district, year) IN (('north', 1), ('east', 3)) OR stop IN (4, 5);

SELECT COUNT(*) FROM t.t WHERE stop IN (SELECT shelters FROM city.stops) OR stop IN (SELECT DISTINCT stop FROM city.stops);

SELECT AVG(shelters), SUM(shelters * visits) FROM t.t LEFT JOIN city.stops AS s ON t.stop = s.stop;

WITH a(place, times) AS (SELECT district, COUNT(*) FROM t.t GROUP BY 1) SELECT place, times FROM a ORDER BY ALL;

SELECT district, COUNT(*) AS n FROM t.t GROUP BY district ORDER BY n DESC LIMIT 1 OFFSET 1;

SELECT t.t.year, COUNT(*) FROM t.t GROUP BY t.t.year ORDER BY t.t.year FETCH FIRST 2 ROWS ONLY;

SELECT 'all' AS label, 2.5 AS x, year * 2 AS twice, CASE WHEN year = 1 THEN 'first' ELSE 'later' END AS c, COUNT(*) AS n FROM t.t GROUP BY year ORDER BY year;

SELECT AVG(s), COUNT(*) FROM (SELECT person, SUM(visits) AS s, COUNT(*) AS n FROM t.t GROUP BY person) WHERE n BETWEEN 5 AND 20 AND s <= 60;

-- all rows of a unit beside each of its rows

SELECT district, COUNT(*) AS n, AVG(cost) AS c FROM t.t
WHERE person IN (SELECT person FROM t.t WHERE year = 3 AND visits > 8) GROUP BY district;

SELECT COUNT(*) AS n FROM t.t WHERE year < 3 AND NOT person IN (SELECT person FROM t.t WHERE year = 3 AND smoker);

WITH often AS (SELECT person FROM t.t GROUP BY person HAVING COUNT(*) > 15 AND MAX(cost) > 90)
SELECT year, SUM(visits) AS v FROM t.t WHERE person IN (SELECT person FROM often) GROUP BY year;

SELECT a.district, SUM(a.visits) AS v, AVG(g.s) AS s, AVG(g.m) AS m, SUM(g.n) AS n
FROM t.t AS a JOIN (SELECT person, SUM(visits) AS s, AVG(cost) AS m, COUNT(*) AS n FROM t.t WHERE cost > 20 GROUP BY person) AS g
ON a.person = g.person WHERE g.s > 30 GROUP BY a.district;

SELECT year, COUNT(*) AS n, COUNT(g.n) AS k, SUM(g.n) AS s FROM t.t LEFT JOIN (
SELECT person, COUNT(*) AS n FROM t.t WHERE visits > 9 GROUP BY person HAVING COUNT(*) > 1) AS g USING (person)
WHERE visits > 3 GROUP BY year;

SELECT AVG(a.s - b.s) AS d, COUNT(*) AS n FROM (SELECT person, SUM(visits) AS s FROM t.t WHERE year = 1 GROUP BY person) AS a
JOIN (SELECT person, SUM(visits) AS s FROM t.t WHERE year = 2 GROUP BY person) AS b ON b.person = a.person WHERE b.s > 2;

SELECT AVG(s) AS m, COUNT(*) AS n FROM (SELECT person, SUM(cost) AS s FROM t.t GROUP BY person)
WHERE person IN (SELECT person FROM t.t WHERE note = 'née');

SELECT district, AVG(d) AS d, SUM(n) AS n FROM (SELECT district, visits - AVG(visits) OVER (PARTITION BY person) AS d,
COUNT(*) OVER (PARTITION BY person) AS n FROM t.t WHERE balance > 0) GROUP BY district;

SELECT zone, COUNT(*) AS n, SUM(top) AS t FROM (SELECT stop, MAX(visits) OVER (PARTITION BY person) AS top FROM t.t) AS r
JOIN city.stops ON r.stop = stops.stop WHERE top > 8 GROUP BY zone;

SELECT CASE WHEN g.n > 12 THEN 'often' ELSE 'seldom' END AS k, COUNT(DISTINCT t.person) AS p, MEDIAN(visits) AS m
FROM t.t JOIN (SELECT person, COUNT(*) AS n FROM t.t GROUP BY person) AS g USING (person) GROUP BY k;

SELECT district, COUNT(*) AS n, COUNT(*) * 100.0 / SUM(COUNT(*)) OVER () AS share, RANK() OVER (ORDER BY COUNT(*) DESC) AS place FROM t.t GROUP BY district ORDER BY n DESC;

SELECT district, year, SUM(visits), SUM(SUM(visits)) OVER (PARTITION BY district ORDER BY year) AS so_far, AVG(COUNT(*)) OVER (PARTITION BY district) FROM t.t GROUP BY district, year ORDER BY district, year;

SELECT stop, COUNT(*) AS n, AVG(COUNT(*)) OVER (ORDER BY stop ROWS BETWEEN 2 PRECEDING AND CURRENT ROW) AS smooth, LAG(COUNT(*)) OVER (ORDER BY stop) AS before, COUNT(*) - LEAD(COUNT(*), 2) OVER (ORDER BY stop) AS grown FROM t.t GROUP BY stop ORDER BY stop;

SELECT stop, FIRST_VALUE(AVG(cost)) OVER (ORDER BY stop), MIN(AVG(cost)) OVER (ORDER BY stop), MAX(AVG(cost)) OVER (), COUNT(*) OVER (PARTITION BY stop % 3), ROW_NUMBER() OVER (ORDER BY stop DESC) FROM t.t GROUP BY stop ORDER BY stop;

SELECT * FROM (SELECT stop, COUNT(*) AS n, ROW_NUMBER() OVER (PARTITION BY stop % 4 ORDER BY COUNT(*) DESC) AS place FROM t.t GROUP BY stop) WHERE place <= 2 ORDER BY stop;

SELECT stop, COUNT(*) AS n FROM t.t GROUP BY stop QUALIFY DENSE_RANK() OVER (ORDER BY COUNT(*) DESC) <= 3 ORDER BY n DESC, stop;

SELECT SUM(n), AVG(n), MIN(n), MAX(n), COUNT(*), COUNT(m) FROM (SELECT stop, COUNT(*) AS n, AVG(cost) AS m FROM t.t GROUP BY stop);

SELECT year, MAX(n) AS most, SUM(n) / COUNT(*) AS mean FROM (SELECT district, year, COUNT(*) AS n FROM t.t WHERE smoker GROUP BY district, year) GROUP BY year ORDER BY year;

SELECT CASE WHEN n > 100 THEN 'large' ELSE 'small' END AS size, COUNT(*), SUM(n) FROM (SELECT stop, COUNT(*) AS n FROM t.t GROUP BY stop HAVING COUNT(*) > 80) GROUP BY size ORDER BY size;

WITH by_year AS (SELECT district, year, SUM(visits) AS v FROM t.t GROUP BY district, year), totals AS (SELECT district, SUM(v) AS v, MAX(v) AS peak FROM by_year GROUP BY district) SELECT district, v, peak / v AS of_peak FROM totals WHERE v > 100 ORDER BY v DESC LIMIT 2;

SELECT MAX(people), AVG(rows_each) FROM (SELECT n AS rows_each, COUNT(*) AS people FROM (SELECT person, COUNT(*) AS n FROM t.t GROUP BY person) GROUP BY n) WHERE people > 0.5;

SELECT district, SUM(n) AS n FROM (SELECT district, year, COUNT(*) AS n FROM t.t GROUP BY district, year) WHERE year < 3 GROUP BY district HAVING SUM(n) > 10 ORDER BY n DESC;

SELECT district, COUNT(*) - AVG(COUNT(*)) OVER () AS above FROM t.t GROUP BY district ORDER BY above;

SELECT SUM(cost::INTEGER), SUM(CAST(cost - 50 AS BIGINT)), SUM(ROUND(cost - 50)) FROM t.t;

SELECT CAST(cost AS INTEGER) AS c, COUNT(*) FROM t.t WHERE cost < 5.5 GROUP BY c;

SELECT ROUND(cost - 50.5) AS c, COUNT(*) FROM t.t WHERE cost < 5.5 OR cost > 96 GROUP BY c;

-- joins in other words

SELECT s.zone, COUNT(*) AS n, AVG(t.cost) AS c FROM city.stops AS s JOIN t.t AS t ON t.stop = s.stop WHERE s.shelters > 0 AND t.year > 1 GROUP BY s.zone;

SELECT zone, year, SUM(visits) AS v FROM city.stops JOIN t.t USING (stop) GROUP BY zone, year HAVING COUNT(*) > 10;

SELECT s.zone, COUNT(*), COUNT(DISTINCT a.person), AVG(a.visits - b.visits) FROM city.stops AS s, t.t AS a, t.t AS b WHERE a.stop = s.stop AND (a.person = b.person) AND a.visits = 1 AND b.visits = 2 GROUP BY s.zone;

SELECT s.zone, COUNT(*) FROM city.stops AS s JOIN t.t AS t ON t.stop = s.stop JOIN city.stops AS r ON r.stop = t.year WHERE r.zone = 'c' AND t.person IN (SELECT person FROM t.t WHERE smoker) AND s.shelters IN (SELECT shelters FROM city.stops WHERE zone = 'b') GROUP BY s.zone;

SELECT COUNT(*), COUNT(s.zone) FROM city.stops AS s RIGHT JOIN t.t AS t ON t.stop = s.stop AND s.zone <> 'a';

SELECT s.zone, AVG(g.v) FROM (SELECT * FROM city.stops WHERE shelters > 1) AS s JOIN t.t AS t ON s.stop = t.stop JOIN (SELECT person, SUM(visits) AS v FROM t.t GROUP BY person) AS g ON t.person = g.person GROUP BY s.zone;

SELECT year, COUNT(*) FROM t.t CROSS JOIN city.stops AS s WHERE t.stop = s.stop AND s.zone = 'b' GROUP BY year;

SELECT COUNT(*) FROM t.t WHERE STRFTIME(day, '%Y-%m') = '2026-05' OR STRFTIME('%d/%j', day) = '09/009' OR WEEKDAY(day) = 0;

SELECT COUNT(*), COUNT(DISTINCT STRFTIME(tapped, '%H:%M')) FROM t.t WHERE STRFTIME(tapped, '%Y%m%d %H:%M') BETWEEN '20260115 08:05' AND '20260201 00:00';

-- what analysts write every day

SELECT zone, n FROM (SELECT zone, COUNT(*) AS n FROM t.t JOIN city.stops USING (stop) GROUP BY zone) WHERE n > 10 ORDER BY n DESC;

SELECT COUNT(*) FILTER (WHERE smoker) AS s, COUNT(*) FILTER (WHERE NOT smoker) AS ns FROM t.t;

SELECT AVG(cost) FILTER (WHERE year = 2), SUM(visits) FILTER (WHERE district IN ('north', 'south')) FROM t.t;

SELECT district, SUM(CASE WHEN smoker THEN cost END) / SUM(cost) AS share FROM t.t GROUP BY district;

SELECT year, 100.0 * COUNT(*) FILTER (WHERE smoker) / COUNT(*) AS pct FROM t.t GROUP BY year ORDER BY pct DESC;

SELECT district, COUNT(*) * 1.0 / SUM(COUNT(*)) OVER () AS share FROM t.t GROUP BY district;

SELECT year, COUNT(*) - LAG(COUNT(*)) OVER (ORDER BY year) AS more FROM t.t GROUP BY year ORDER BY year;

SELECT district, year, RANK() OVER (PARTITION BY year ORDER BY COUNT(*) DESC) AS r FROM t.t GROUP BY district, year ORDER BY year, district;

SELECT DAYOFWEEK(day) AS d, COUNT(*) FROM t.t WHERE day IS NOT NULL GROUP BY d ORDER BY d;

SELECT HOUR(tapped) AS h, AVG(visits) FROM t.t WHERE tapped IS NOT NULL GROUP BY h ORDER BY h;

SELECT COUNT(*) FROM t.t WHERE day >= DATE '2026-03-01' AND day < DATE '2026-03-01' + INTERVAL 1 MONTH;

SELECT COUNT(*) FROM t.t WHERE tapped::DATE = DATE '2026-02-03';

SELECT COUNT(*) FROM t.t WHERE STRFTIME(day, '%Y-%m') = '2026-05';

SELECT QUARTER(day) AS q, SUM(cost) FROM t.t WHERE day IS NOT NULL GROUP BY ALL ORDER BY q;

SELECT district, SUM(cost) FROM t.t GROUP BY ALL;

SELECT COUNT(*) FROM t.t WHERE LENGTH(TRIM(note)) = 1;

SELECT COUNT(*) FROM t.t WHERE note = '' OR note IS NULL;

SELECT COUNT(*) FROM t.t WHERE COALESCE(note, 'x') = 'x';

SELECT COUNT(*) FROM t.t WHERE NULLIF(note, '') IS NULL;

SELECT COUNT(*) FROM t.t WHERE IFNULL(balance, 0) = 0;

SELECT COUNT(*) FROM t.t WHERE STARTS_WITH(note, 'B') OR ENDS_WITH(note, 'e');

SELECT COUNT(*) FROM t.t WHERE PREFIX(note, 'a') OR SUFFIX(note, 'b');

SELECT COUNT(*) FROM t.t WHERE LEFT(district, 1) = 'n';

SELECT COUNT(*) FROM t.t WHERE MOD(visits, 2) = 0;

SELECT COUNT(*) FROM t.t WHERE visits % 3 = 1 AND visits // 3 = 2;

SELECT ROUND(AVG(cost), 1), CEIL(AVG(cost)), FLOOR(AVG(cost)), TRUNC(AVG(cost)) FROM t.t;

SELECT SUM(ROUND(cost)), SUM(FLOOR(cost)), SUM(CEIL(cost)), SUM(TRUNC(cost)) FROM t.t;

SELECT SUM(SQRT(cost)), SUM(EXP(visits / 10)), SUM(LN(cost + 1)), SUM(POWER(visits, 2)), SUM(visits ** 2), SUM(visits ^ 2) FROM t.t;

SELECT SUM(SIN(visits)), SUM(COS(visits)) FROM t.t;

SELECT QUANTILE_DISC(visits, 0.5) FROM t.t;

SELECT PERCENTILE_DISC(0.5) WITHIN GROUP (ORDER BY visits) FROM t.t;

SELECT VAR_POP(visits), STDDEV_POP(visits), STDDEV_SAMP(visits), VARIANCE(visits) FROM t.t;

SELECT COVAR_POP(cost, visits), COVAR_SAMP(cost, visits), CORR(cost, visits) FROM t.t;

SELECT COUNT_IF(visits > 3), COUNTIF(smoker) FROM t.t;

SELECT SUM(visits > 3) / COUNT(*) FROM t.t;

SELECT AVG(IF(smoker, cost, 0)) FROM t.t;

SELECT GEOMEAN(cost + 1) FROM t.t;

SELECT COUNT(DISTINCT person) * 1.0 / COUNT(*) FROM t.t;

SELECT year, COUNT(*) AS n FROM t.t GROUP BY year HAVING COUNT(*) > 100 AND AVG(visits) > 1 ORDER BY n;

SELECT year, COUNT(*) AS n FROM t.t GROUP BY year HAVING n > 100 ORDER BY AVG(visits) DESC;

SELECT year, COUNT(*) AS n FROM t.t GROUP BY year ORDER BY 2 DESC LIMIT 1;

SELECT person_n, COUNT(*) FROM (SELECT person, COUNT(*) AS person_n FROM t.t GROUP BY person) GROUP BY person_n;

SELECT CASE WHEN n > 15 THEN 'many' ELSE 'few' END AS k, COUNT(*) FROM (SELECT person, COUNT(*) AS n FROM t.t GROUP BY person) GROUP BY k;

SELECT AVG(total) FROM (SELECT person, SUM(cost) AS total FROM t.t WHERE smoker GROUP BY person HAVING COUNT(*) >= 3);

SELECT district, AVG(total) FROM (SELECT person, district, SUM(cost) AS total FROM t.t GROUP BY person, district) GROUP BY district;

WITH per AS (SELECT person, MIN(year) AS first FROM t.t GROUP BY person) SELECT first, COUNT(*) FROM per GROUP BY first;

SELECT COUNT(*) FROM (SELECT person FROM t.t GROUP BY person HAVING SUM(cost) > 500);

SELECT COUNT(DISTINCT person) FROM t.t WHERE person IN (SELECT person FROM t.t WHERE year = 1) AND person IN (SELECT person FROM t.t WHERE year = 3);

SELECT COUNT(*) FROM t.t WHERE stop IN (SELECT stop FROM city.stops WHERE zone = 'a' AND shelters > 1);

SELECT s.zone, t.year, AVG(t.cost) FROM t.t AS t JOIN city.stops AS s ON t.stop = s.stop WHERE s.shelters >= 1 GROUP BY s.zone, t.year;

SELECT s.zone, COUNT(*) FROM city.stops AS s JOIN t.t AS t ON t.stop = s.stop GROUP BY s.zone;

SELECT s.zone, COUNT(*) FROM t.t AS t, city.stops AS s WHERE t.stop = s.stop GROUP BY s.zone;

SELECT trade, AVG(wage) FROM t.t JOIN t.jobs AS j ON t.person = j.worker AND t.year = j.year GROUP BY trade;

SELECT COUNT(*) FROM t.t LEFT JOIN t.jobs AS j ON t.person = j.worker WHERE wage > 50;

SELECT district, COUNT(*) FROM t.t WHERE NOT (district = 'north') GROUP BY district;

SELECT COUNT(*) FROM t.t WHERE district != 'north' AND district <> 'south';

SELECT COUNT(*) FROM t.t WHERE (district, year) IN (('north', 1), ('south', 2));

SELECT COUNT(*) FROM t.t WHERE smoker IS NOT TRUE;

SELECT COUNT(*) FROM t.t WHERE smoker = TRUE OR smoker IS NULL;

SELECT COUNT(*) FROM t.t WHERE NOT smoker IS NULL;

SELECT COUNT(*) FROM t.t WHERE cost NOT BETWEEN 10 AND 20;

SELECT COUNT(*) FROM t.t WHERE cost BETWEEN 10 AND 20 AND cost NOT IN (11, 12.5);

SELECT COUNT(*) FROM t.t WHERE 1 = 1;

SELECT COUNT(*) FROM t.t WHERE TRUE;

SELECT COUNT(*) FROM t.t WHERE FALSE;

SELECT COUNT(1), COUNT(2 + 2) FROM t.t;

SELECT SUM(1), SUM(2) FROM t.t;

SELECT AVG(3) FROM t.t;

SELECT 'all' AS what, COUNT(*) FROM t.t;

SELECT UPPER(district) AS d, CONCAT(district, '!') AS e, COUNT(*) FROM t.t GROUP BY district;

SELECT LENGTH(district) AS l, COUNT(*) FROM t.t GROUP BY l;

SELECT district = 'north' AS is_north, COUNT(*) FROM t.t GROUP BY is_north;

SELECT year * 10 + 1 AS k, COUNT(*) FROM t.t GROUP BY year;

SELECT FLOOR(cost / 10) * 10 AS b, COUNT(*) FROM t.t WHERE cost IS NOT NULL GROUP BY b ORDER BY b;

SELECT ROUND(cost, -1) AS b, COUNT(*) FROM t.t WHERE cost IS NOT NULL GROUP BY b ORDER BY b;

SELECT CAST(year AS VARCHAR) AS y, COUNT(*) FROM t.t GROUP BY y ORDER BY y;

SELECT SUM(cost::INTEGER) FROM t.t;

SELECT SUM(visits::DECIMAL(10, 2)) FROM t.t;

SELECT MAX(n) - MIN(n) FROM (SELECT district, COUNT(*) AS n FROM t.t GROUP BY district);

SELECT AVG(n) FROM (SELECT district, year, COUNT(*) AS n FROM t.t GROUP BY district, year);

SELECT COUNT(*) FROM t.t WHERE visits = ANY ([1, 2, 3]);

SELECT district, FIRST_VALUE(COUNT(*)) OVER (ORDER BY district) AS f FROM t.t GROUP BY district ORDER BY district;

SELECT district, ROW_NUMBER() OVER (ORDER BY district) AS r, COUNT(*) FROM t.t GROUP BY district ORDER BY r;

SELECT * FROM (SELECT district, COUNT(*) AS n FROM t.t GROUP BY district) ORDER BY n LIMIT 2;

SELECT district, n * 2 AS m FROM (SELECT district, COUNT(*) AS n FROM t.t GROUP BY district) WHERE district <> 'east';

SELECT x.district, x.n FROM (SELECT district, COUNT(*) AS n FROM t.t GROUP BY district) AS x;

WITH g AS (SELECT district, year, COUNT(*) AS n FROM t.t GROUP BY district, year) SELECT year, SUM(n) AS n, MAX(n) AS m FROM g GROUP BY year ORDER BY year;

SELECT COUNT(*) AS "the count", AVG(cost) AS "均值" FROM t.t;

SELECT district d, count(*) n FROM t.t GROUP BY d ORDER BY d;

SELECT COUNT(*) FROM t.t WHERE GREATEST(cost, visits) > 50 AND LEAST(cost, visits) < 5;

SELECT AVG(ABS(balance)), SUM(-balance), SUM(+balance) FROM t.t;

SELECT AVG(visits / 2), AVG(visits / cost) FROM t.t WHERE cost > 1;

SELECT SUM(cost) / COUNT(DISTINCT person) AS per_person FROM t.t;

SELECT SQRT(VAR_POP(cost)) / AVG(cost) AS cv FROM t.t;

SELECT LN(COUNT(*)), EXP(AVG(visits)), ABS(AVG(balance)) FROM t.t;

SELECT COALESCE(AVG(cost), 0), GREATEST(AVG(cost), 3) FROM t.t;

SELECT CASE WHEN COUNT(*) > 100 THEN 'big' ELSE 'small' END FROM t.t;

SELECT district, CASE WHEN AVG(cost) > 50 THEN 'high' ELSE 'low' END AS lvl FROM t.t GROUP BY district ORDER BY district;

SELECT year, SUM(cost) FROM t.t GROUP BY ROLLUP (year) ORDER BY year;

SELECT district, SUM(SUM(cost)) OVER (ORDER BY district) AS running FROM t.t GROUP BY district ORDER BY district;

SELECT COUNT(*) FROM t.t WHERE day = '2026-05-05';

SELECT COUNT(*) FROM t.t WHERE day BETWEEN '2026-05-05' AND '2026-06-05';

SELECT COUNT(*) FROM t.t WHERE YEAR(day) = 2026 AND MONTH(day) IN (1, 2) AND DAY(day) < 10;

SELECT COUNT(*) FROM t.t WHERE ISODOW(day) >= 6;

SELECT WEEKDAY(day) AS w, COUNT(*) FROM t.t WHERE day IS NOT NULL GROUP BY w ORDER BY w;

SELECT DAYNAME(day) AS w, COUNT(*) FROM t.t WHERE day IS NOT NULL GROUP BY w;

SELECT AVG(DATE_PART('day', day)) FROM t.t;

SELECT district, MEDIAN(cost), QUANTILE(cost, 0.9) FROM t.t GROUP BY district;

SELECT district, COUNT(*) FROM t.t GROUP BY district QUALIFY ROW_NUMBER() OVER (ORDER BY COUNT(*) DESC) <= 2;

SELECT COUNT(*), COUNT(y.person), COUNT(DISTINCT y.person) FROM t.t AS x LEFT JOIN (SELECT person FROM t.t WHERE visits > 9 AND cost > 90 GROUP BY person) AS y ON x.person = y.person WHERE y.person IS NOT NULL;

SELECT COUNT(*), SUM(CASE WHEN y.person IS NULL THEN 1 ELSE 0 END), COUNT(DISTINCT z.person) FROM t.t AS x LEFT JOIN (SELECT person FROM t.t WHERE cost > 97 GROUP BY person) AS y ON x.person = y.person LEFT JOIN (SELECT person, SUM(visits) AS s FROM t.t GROUP BY person HAVING SUM(balance) > 40) AS z ON x.person = z.person WHERE y.person IS NULL OR z.person IS NOT NULL;

SELECT COUNT(DISTINCT person) FILTER (WHERE smoker), COUNT(DISTINCT CASE WHEN cost > 90 THEN person END), COUNT(person) FROM t.t;

SELECT district, COUNT(DISTINCT person) FILTER (WHERE smoker AND cost > 60) AS n, COUNT(DISTINCT person) AS k FROM t.t GROUP BY district;

SELECT COUNT(DISTINCT j.worker) AS w, COUNT(*) FILTER (WHERE t.person = j.worker) AS n FROM t.t LEFT JOIN t.jobs AS j ON t.person = j.worker;

SELECT zone, COUNT(*) AS n, AVG(stop) AS s FROM (t.t JOIN city.stops USING (stop)) GROUP BY zone;

SELECT q.zone, SUM(q.visits) AS n FROM (SELECT * FROM t.t JOIN city.stops USING (stop) WHERE shelters > 0) AS q GROUP BY q.zone;

SELECT COUNT(*) FROM t.t WHERE visits = CAST(5.6 AS INTEGER) OR visits = CAST(2.5 AS INTEGER) OR balance = CAST(-4.5e0 AS INTEGER);

SELECT COUNT(*) FROM t.t WHERE cost::DECIMAL(5, 0) = 7 OR cost > CAST(99.26 AS DECIMAL(3, 1));

SELECT SUM(CAST(cost AS DECIMAL(10, 0))) AS a, SUM(CAST(cost / 3 AS DECIMAL)) AS b, AVG(CAST(cost AS DECIMAL(18, 2))) AS c, SUM(CAST(visits AS NUMERIC(9, 4))) AS d FROM t.t;

SELECT CAST(AVG(cost) AS DECIMAL(10, 1)) AS a, CAST(COUNT(*) AS DECIMAL(10, 2)) AS b, CASE WHEN COUNT(*) < 10 THEN NULL ELSE AVG(cost) END AS c, SUM(cost) / NULLIF(COUNT(cost), COUNT(*)) AS d FROM t.t;

SELECT COUNT(NULLIF(balance, stop)) AS a, COUNT(NULLIF(3, balance)) AS b, COUNT(NULLIF(note, district)) AS c, SUM(balance ** 0) AS d FROM t.t;

SELECT CASE WHEN smoker THEN TRUE ELSE FALSE END AS b, CASE WHEN smoker THEN 1 ELSE 0 END AS n, COUNT(*) FROM t.t GROUP BY 1, 2;

SELECT COUNT(*) FROM t.t WHERE LENGTH(SUBSTRING(REPLACE(REPLACE(LEFT(note, 2), 'n', 'mmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmm'), 'm', 'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx'), 3)) > 1500;

SELECT COUNT(*) FILTER (WHERE STARTS_WITH(REPLACE(note, 'a', '_%x'), '_%')) AS a, COUNT(*) FILTER (WHERE CONTAINS(note || '5%_', '%_')) AS b, COUNT(*) FILTER (WHERE SUFFIX(REPLACE(note, 'b', '%'), '%')) AS c FROM t.t;

SELECT stops.zone, COUNT(*) FROM t.t JOIN city.stops ON t.stop = stops.stop GROUP BY zone;

SELECT zone, t.district AS district, COUNT(*) FROM t.t JOIN city.stops ON t.stop = stops.stop GROUP BY stops.zone, district;

SELECT d, UPPER(n) AS y, COUNT(*) FROM (SELECT district AS d, district AS n, year AS y FROM t.t) GROUP BY d, n, y;

SELECT COUNT(DISTINCT day), COUNT(DISTINCT tapped), COUNT(DISTINCT DATE_TRUNC('week', tapped)), COUNT(DISTINCT wide), COUNT(DISTINCT COALESCE(wide, visits)) FROM t.t;

SELECT COUNT(DISTINCT wide) FILTER (WHERE smoker), COUNT(DISTINCT tapped) FILTER (WHERE smoker) FROM t.t;

SELECT district, SUM(n) FROM (SELECT person, district, COUNT(DISTINCT wide) AS n FROM t.t GROUP BY person, district) GROUP BY district;

SELECT SUM(TRY_CAST(cost AS DOUBLE)), SUM(TRY_CAST(cost AS DECIMAL(4, 1))), COUNT(TRY_CAST(cost AS DECIMAL(3, 2))), COUNT(TRY_CAST(balance * 5 AS TINYINT)), TRY_CAST(AVG(cost) AS DECIMAL(5, 1)) FROM t.t;

SELECT COUNT(*) FROM t.t WHERE (smoker, note) NOT IN ((TRUE, 'a'), (FALSE, ''));

SELECT district, MEDIAN(balance), QUANTILE_CONT(balance, 0.3), QUANTILE_DISC(balance, 0.3), QUANTILE_CONT(visits, 0.9), QUANTILE_DISC(balance, 0.9) FROM t.t GROUP BY district;

SELECT COUNT(*), MAX(n), SUM(n), COALESCE(AVG(n), 7), SUM(n) IS NULL FROM (SELECT district, COUNT(*) AS n FROM t.t GROUP BY district HAVING COUNT(*) > 40000);

SELECT COUNT(*) FROM (SELECT district, COUNT(*) AS n FROM t.t GROUP BY district HAVING COUNT(*) > 40000) HAVING COUNT(*) > 1;

SELECT district, CASE WHEN COUNT(*) > 40000 THEN COUNT(*) END FROM t.t GROUP BY district;

SELECT CASE WHEN balance / 10 = 0.3 THEN 'yes' ELSE 'no' END AS a, COUNT(*) FROM t.t GROUP BY 1;

SELECT CASE WHEN visits * 0.1 = 0.3 THEN 'three' WHEN visits * 0.1 > 0.2 THEN 'more' ELSE 'few' END AS a, COUNT(*) FROM t.t GROUP BY 1;

SELECT CASE WHEN balance * 0.1 IN (0.1, 0.3) THEN 'in' ELSE 'out' END AS a, COUNT(*) FROM t.t GROUP BY 1;

SELECT CASE WHEN district LIKE 'w%' THEN 1 ELSE 0 END AS a, CASE WHEN UPPER(district) = 'WEST' THEN 1 ELSE 0 END AS b, COUNT(*) FROM t.t GROUP BY 1, 2;

SELECT j.worker IS NULL AS a, CASE WHEN j.worker IS NULL THEN 'none' ELSE 'some' END AS b, COUNT(*) FROM t.t AS p LEFT JOIN t.jobs AS j ON p.person = j.worker GROUP BY 1, 2;
