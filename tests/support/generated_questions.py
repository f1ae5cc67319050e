"""A grammar of questions: joins, outer joins, subqueries, NULL predicates, DISTINCT, FILTER and CASE,
made from a seed.

Each is SQL that an engine runs as it is written. Some are refused by the private language; none may
mean something else.
"""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

TEXTS = {
    "district": ("north", "south", "east"),
    "note": ("a", "Bb", "née", ""),
    "zone": ("z1", "z2", "z3"),
    "trade": ("shop", "farm"),
    "area": ("inner", "outer"),
}
TYPES = {
    "t.t": {
        "district": "text",
        "year": "integer",
        "stop": "integer",
        "cost": "number",
        "visits": "integer",
        "balance": "integer",
        "note": "text",
        "smoker": "boolean",
    },
    "t.jobs": {"trade": "text", "year": "integer", "wage": "integer"},
    "city.stops": {"stop": "integer", "zone": "text", "shelters": "integer"},
    "city.zones": {"zone": "text", "area": "text", "rank": "integer"},
}
UNITS = {"t.t": "person", "t.jobs": "worker"}
SUMMABLE = {"year", "stop", "cost", "visits", "balance", "wage", "shelters", "rank"}


@dataclass
class Source:
    """Something after FROM: its alias, its columns by type, and the unit's column where it has one."""

    alias: str
    columns: dict[str, str]
    unit: str | None = None
    summable: set[str] = field(default_factory=set)

    def column(self, name: str) -> str:
        return f"{self.alias}.{name}"


class Questions:
    """Questions from one seed."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.count = 0

    # --- small choices

    def one(self, parts: Sequence[str]) -> str:
        return self.chance.choice(list(parts))

    def often(self, share: float) -> bool:
        return self.chance.random() < share

    def alias(self) -> str:
        self.count += 1
        return f"x{self.count}"

    def table(self, dataset: str) -> Source:
        return Source(self.alias(), dict(TYPES[dataset]), UNITS.get(dataset), {*TYPES[dataset]} & SUMMABLE)

    # --- expressions

    def any_column(
        self, sources: list[Source], kind: str | None = None, *, summed: bool = False
    ) -> tuple[str, str, str] | None:
        """A column as it is written, its type and its name."""
        found = [
            (source.column(name), type, name)
            for source in sources
            for name, type in source.columns.items()
            if (kind is None or type == kind) and (not summed or name in source.summable)
        ]
        return self.chance.choice(found) if found else None

    def value(self, kind: str, name: str) -> str:
        if kind == "text":
            return "'" + self.one(TEXTS.get(name, ("a", "north", "z1"))) + "'"
        if kind == "boolean":
            return self.one(("TRUE", "FALSE"))
        return str(self.chance.randint(-2, 12))

    def condition(self, sources: list[Source], depth: int = 0) -> str:
        if depth < 2 and self.often(0.3):
            word = self.one((" AND ", " OR "))
            return (
                "("
                + word.join(self.condition(sources, depth + 1) for _ in range(self.chance.randint(2, 3)))
                + ")"
            )
        if depth < 3 and self.often(0.15):
            return f"NOT ({self.condition(sources, depth + 1)})"
        units = [source for source in sources if source.unit]
        if len(units) > 1 and self.often(0.25):
            source = self.chance.choice(units)
            return f"{source.column(source.unit or '')} IS {self.one(('', 'NOT '))}NULL"
        column = self.any_column(sources)
        if column is None:
            return f"{units[0].column(units[0].unit or '')} IS NOT NULL" if units else "1 < 2"
        written, kind, name = column
        forms: list[Callable[[], str]] = [
            lambda: f"{written} IS {self.one(('', 'NOT '))}NULL",
            lambda: f"{written} {self.one(('=', '<>'))} {self.value(kind, name)}",
            lambda: f"{written} IS {self.one(('', 'NOT '))}DISTINCT FROM {self.value(kind, name)}",
            lambda: (
                f"{written} {self.one(('', 'NOT '))}IN ({self.value(kind, name)}, {self.value(kind, name)})"
            ),
            lambda: (
                f"COALESCE({written}, {self.value(kind, name)}) {self.one(('=', '<>'))} "
                f"{self.value(kind, name)}"
            ),
            lambda: (
                f"CASE WHEN {written} IS NULL THEN {self.one(('TRUE', 'FALSE'))} "
                f"ELSE {written} = {self.value(kind, name)} END"
            ),
            lambda: (
                f"({written} = {self.value(kind, name)}) IS "
                f"{self.one(('', 'NOT '))}{self.one(('TRUE', 'FALSE', 'NULL'))}"
            ),
            lambda: f"NULLIF({written}, {self.value(kind, name)}) IS {self.one(('', 'NOT '))}NULL",
        ]
        if kind in ("integer", "number"):
            forms += [
                lambda: f"{written} {self.one(('<', '<=', '>', '>='))} {self.value(kind, name)}",
                lambda: (
                    f"{written} {self.one(('', 'NOT '))}BETWEEN {self.value(kind, name)} AND "
                    f"{self.value(kind, name)}"
                ),
                lambda: f"{self.value(kind, name)} {self.one(('<', '<=', '>', '>='))} {written}",
                lambda: f"{written} % 2 = 0",
                lambda: f"ABS({written}) > {self.value(kind, name)}",
            ]
        if kind == "text":
            forms += [
                lambda: f"{written} {self.one(('', 'NOT '))}LIKE '%{self.one(('n', 'o', '1'))}%'",
                lambda: f"LENGTH({written}) > {self.chance.randint(0, 4)}",
                lambda: f"UPPER({written}) = {self.value(kind, name).upper()}",
            ]
        if kind == "boolean":
            forms += [
                lambda: written,
                lambda: f"NOT {written}",
                lambda: f"{written} IS {self.one(('', 'NOT '))}TRUE",
            ]
        other = self.any_column(sources, kind)
        if other is not None:
            forms.append(lambda: f"{written} {self.one(('=', '<>'))} {other[0]}")
        return self.chance.choice(forms)()

    def where(self, sources: list[Source], share: float = 0.6) -> str:
        parts = [self.condition(sources)] if self.often(share) else []
        first = sources[0]
        if first.unit and self.often(0.15):
            parts.append(self.among(first))
        return f" WHERE {' AND '.join(parts)}" if parts else ""

    def among(self, first: Source) -> str:
        """A condition with a subquery."""
        no = self.one(("", "NOT "))
        other = self.alias()
        if self.often(0.5):
            inside = Source(other, TYPES["t.t"], None)
            said = f" WHERE {self.condition([inside])}" if self.often(0.8) else ""
            if self.often(0.5):
                return f"{first.column('person')} {no}IN (SELECT {other}.person FROM t.t AS {other}{said})"
            link = f"{other}.person = {first.column('person')}"
            said = f"{said} AND {link}" if said and " OR " not in said else f" WHERE {link}"
            return f"{no}EXISTS (SELECT 1 FROM t.t AS {other}{said})"
        inside = Source(other, TYPES["city.stops"], None)
        column, mine = self.chance.choice([("stop", "stop"), ("shelters", "visits"), ("zone", "note")])
        if mine not in first.columns:
            return f"{first.column('person')} IS NOT NULL"
        said = f" WHERE {self.condition([inside])}" if self.often(0.7) else ""
        return f"{first.column(mine)} {no}IN (SELECT {other}.{column} FROM city.stops AS {other}{said})"

    def number(self, sources: list[Source]) -> str:
        column = self.any_column(sources, summed=True)
        if column is None:
            return "1"
        written, _, _ = column
        forms = [
            written,
            f"COALESCE({written}, {self.chance.randint(0, 9)})",
            f"{written} + 1",
            f"{written} * 2",
            f"CASE WHEN {self.condition(sources, 2)} THEN {written} END",
            f"CASE WHEN {self.condition(sources, 2)} THEN {written} ELSE {self.chance.randint(0, 3)} END",
            f"LEAST({written}, {self.chance.randint(0, 9)})",
            f"ABS({written})",
        ]
        return self.one(forms)

    def nested(self, sources: list[Source], depth: int = 3) -> str:
        """A number made of numbers, some of them empty where no column is."""
        if depth == 0 or self.often(0.15):
            return self.number(sources)

        def part() -> str:
            return self.nested(sources, depth - 1)

        forms: list[Callable[[], str]] = [
            lambda: f"({part()} + {self.chance.randint(0, 9)})",
            lambda: f"({part()} - {part()})",
            lambda: f"(2 * {part()})",
            lambda: f"({part()} / {self.one(('2', '4'))})",
            lambda: f"({part()} % 7)",
            lambda: f"ABS({part()})",
            lambda: f"FLOOR({part()})",
            lambda: f"COALESCE({part()}, {part()})",
            lambda: f"LEAST({part()}, {part()})",
            lambda: f"GREATEST({part()}, {self.chance.randint(0, 9)})",
            lambda: f"NULLIF({part()}, {self.chance.randint(0, 9)})",
            lambda: f"NULLIF({part()}, {part()})",
            lambda: f"POW({part()}, 0)",
            lambda: f"CAST({part()} AS DECIMAL(18, {self.chance.randint(0, 2)}))",
            lambda: f"CASE WHEN {self.condition(sources, 2)} THEN {part()} END",
        ]
        return self.chance.choice(forms)()

    def aggregate(self, sources: list[Source], *, own: bool = False) -> str:
        """`own`: of one unit's rows."""
        filtered = f" FILTER (WHERE {self.condition(sources, 2)})" if self.often(0.2) else ""
        some = self.any_column(sources)
        counted = some[0] if some else "1"
        units = [source.column(source.unit) for source in sources if source.unit]
        forms = [
            f"COUNT(*){filtered}",
            f"COUNT({counted}){filtered}",
            f"SUM({self.number(sources)}){filtered}",
            f"AVG({self.number(sources)}){filtered}",
            f"COUNT(CASE WHEN {self.condition(sources, 2)} THEN 1 END)",
        ]
        if not own:
            forms += [
                f"COUNT(DISTINCT {self.one(units)}){filtered}" if units else "COUNT(*)",
                f"COUNT({self.one(units)}){filtered}" if units else "COUNT(*)",
                f"COUNT_IF({self.condition(sources, 2)})",
            ]
            text = self.any_column(sources, "text")
            forms += [f"COUNT(DISTINCT {text[0]}){filtered}"] if text else []
        else:
            number = self.any_column(sources, summed=True)
            forms += [f"{self.one(('MIN', 'MAX'))}({number[0]}){filtered}"] if number else []
        return self.one(forms)

    def key(self, sources: list[Source]) -> str:
        text = [
            source.column(name)
            for source in sources
            for name in source.columns
            if name in ("district", "trade", "zone", "area")
        ]
        some = self.any_column(sources)
        forms = [*text, *text]
        if text:
            forms += [f"COALESCE({self.one(text)}, 'none')", f"UPPER({self.one(text)})"]
        if some:
            forms += [
                f"{some[0]} IS NULL",
                f"CASE WHEN {self.condition(sources, 2)} THEN 'yes' ELSE 'no' END",
                f"COALESCE({self.condition(sources, 2)}, FALSE)",
            ]
        return self.one(forms or ["TRUE IS NULL"])

    # --- what stands after FROM

    def per_unit(self, dataset: str) -> tuple[str, Source]:
        """A subquery with one row for each unit."""
        inner = self.table(dataset)
        unit = UNITS[dataset]
        outer = self.alias()
        having = (
            f" HAVING {self.aggregate([inner], own=True)} > {self.chance.randint(0, 4)}"
            if self.often(0.3)
            else ""
        )
        sql = (
            f"(SELECT {inner.column(unit)}, {self.aggregate([inner], own=True)} AS g "
            f"FROM {dataset} AS {inner.alias}{self.where([Source(inner.alias, inner.columns)], 0.7)} "
            f"GROUP BY {inner.column(unit)}{having}) AS {outer}"
        )
        return sql, Source(outer, {"g": "number"}, unit, {"g"})

    def some_rows(self, dataset: str) -> tuple[str, Source]:
        """A subquery with some of the rows, and something computed."""
        inner, outer = self.table(dataset), self.alias()
        names = [name for name in inner.columns if self.often(0.6)]
        said = [inner.column(name) for name in (*([inner.unit] if inner.unit else []), *names)]
        columns = {name: inner.columns[name] for name in names}
        if self.often(0.5):
            said.append(f"{self.number([inner])} AS e")
            columns["e"] = "number"
        if self.often(0.3):
            said.append("1 AS one")
            columns["one"] = "integer"
        where = self.where([Source(inner.alias, inner.columns)], 0.7)
        sql = f"(SELECT {', '.join(said or ['1 AS one'])} FROM {dataset} AS {inner.alias}{where}) AS {outer}"
        return sql, Source(outer, columns, inner.unit, ({*names} & SUMMABLE) | ({"e", "one"} & {*columns}))

    def joined(self, sources: list[Source]) -> str:
        """One more source beside the others."""
        first = sources[0]
        side = self.one(
            ("JOIN", "JOIN", "LEFT JOIN", "LEFT JOIN", "LEFT JOIN", "INNER JOIN", "LEFT OUTER JOIN")
        )
        kind = self.chance.randint(0, 7)
        if kind <= 1:
            dataset = "t.t" if kind == 0 else self.one(("t.t", "t.jobs"))
            written, other = self.per_unit(dataset)
            on = f"{first.column('person')} = {other.column(other.unit or '')}"
        elif kind <= 3:
            dataset = self.one(("t.t", "t.jobs"))
            if self.often(0.5):
                other = self.table(dataset)
                written = f"{dataset} AS {other.alias}"
            else:
                written, other = self.some_rows(dataset)
            on = f"{first.column('person')} = {other.column(other.unit or '')}"
            if "year" in other.columns and "year" in first.columns and self.often(0.4):
                on += f" AND {first.column('year')} = {other.column('year')}"
        else:
            zones = next((source for source in sources if "zone" in source.columns), None)
            dataset = "city.zones" if zones and self.often(0.7) else "city.stops"
            if self.often(0.7):
                other = self.table(dataset)
                written = f"{dataset} AS {other.alias}"
            else:
                written, other = self.some_rows(dataset)
            name = "zone" if dataset == "city.zones" else "stop"
            if name not in other.columns:
                return ""
            left = zones.column("zone") if zones and dataset == "city.zones" else first.column("stop")
            if "stop" not in first.columns and dataset == "city.stops":
                return ""
            on = f"{left} = {other.column(name)}"
        if self.often(0.3):
            on += f" AND {self.condition([Source(other.alias, other.columns)], 2)}"
        if self.often(0.08) and not other.unit:
            return f" {self.one(('SEMI', 'ANTI'))} JOIN {written} ON {on}"
        sources.append(other)
        return f" {side} {written} ON {on}"

    def source(self) -> tuple[str, list[Source]]:
        if self.often(0.2):
            written, first = self.some_rows("t.t")
        elif self.often(0.1):
            written, first = self.per_unit("t.t")
        else:
            first = self.table("t.t")
            written = f"t.t AS {first.alias}"
        sources = [first]
        for _ in range(self.chance.choice([0, 1, 1, 1, 2])):
            written += self.joined(sources)
        if len(sources) == 2 and self.often(0.1) and " LEFT JOIN " in written and " ON " in written:
            left, _, rest = written.partition(" LEFT JOIN ")
            if "JOIN" not in left and "SEMI" not in rest and "ANTI" not in rest and rest.count(" JOIN ") == 0:
                right, _, on = rest.rpartition(" ON ")
                written = f"{right} RIGHT JOIN {left} ON {on}"
        return written, sources

    def question(self) -> tuple[str, int]:
        """The SQL, and how many of its columns are keys."""
        self.count = 0
        written, sources = self.source()
        where = self.where(sources)
        if self.often(0.15) and sources[0].unit:
            unit = sources[0].column("person")
            return (
                f"SELECT COUNT(*) AS c, AVG(n) AS m, SUM(LEAST(n, 20)) AS s FROM (SELECT {unit}, "
                f"{self.aggregate(sources, own=True)} AS n FROM {written}{where} GROUP BY {unit}) AS q"
                f"{self.one(('', ' WHERE n > 1', ' WHERE n IS NULL', ' WHERE n IS NOT NULL'))}"
            ), 0
        keys = [self.key(sources)] if self.often(0.4) else []
        aggregates = [self.aggregate(sources) for _ in range(self.chance.randint(1, 3))]
        said = [
            *(f"{key} AS k{place}" for place, key in enumerate(keys)),
            *(f"{aggregate} AS v{place}" for place, aggregate in enumerate(aggregates)),
        ]
        group = f" GROUP BY {', '.join(str(place + 1) for place in range(len(keys)))}" if keys else ""
        return f"SELECT {', '.join(said)} FROM {written}{where}{group}", len(keys)
