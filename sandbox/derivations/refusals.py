"""Says why a derivation's SQL is refused: why, what to do instead, and both in Chinese."""

from typing import NoReturn

from sqlglot import exp

from sandbox.errors import QueryRefused
from sandbox.queries.parse.sql_text import SqlText, construct

Reason = tuple[str, str, str, str]

UNNAMED: Reason = (
    "it has no name.",
    "Write ... AS name.",
    "它没有名称。",
    "请写 ... AS 名称。",
)
ODD_NAME: Reason = (
    "a name here has letters, digits and _ alone.",
    "Write ... AS name.",
    "此处的名称只能由字母、数字和下划线组成。",
    "请写 ... AS 名称。",
)
WITHOUT_UNIT: Reason = (
    "each level gives the unit's own column once.",
    "Select the unit's column as it is.",
    "每一层都须给出一次保护对象的标识栏。",
    "请原样选出标识栏。",
)
COMPUTED_UNIT: Reason = (
    "nothing is computed of who somebody is.",
    "Use the unit's column as it is, or `IS NULL` after a LEFT JOIN.",
    "不能对标识进行计算。",
    "请原样使用标识栏；LEFT JOIN 之后可用 IS NULL。",
)
GROUP_BY_UNIT: Reason = (
    "rows are put together for each unit alone: anything else mixes people.",
    "Write GROUP BY and the unit's column.",
    "只能按保护对象汇总，否则会混合多人的数据。",
    "请写 GROUP BY 标识栏。",
)
NOT_AGGREGATED: Reason = (
    "a unit can have several rows, with several values.",
    "Write MIN(x), MAX(x) or another aggregate.",
    "同一对象可能有多行、多个值。",
    "请写 MIN(x)、MAX(x) 等聚合。",
)
NO_AGGREGATE: Reason = (
    "it is none of the aggregates of a unit's rows.",
    "Use COUNT, COUNT(DISTINCT x), SUM, AVG, MIN or MAX; SUM and AVG of numbers.",
    "不是可用的聚合。",
    "可用 COUNT、COUNT(DISTINCT x)、SUM、AVG、MIN、MAX；SUM 和 AVG 只用于数值。",
)
ONE_ROW_EACH: Reason = (
    "of a unit with several rows there, each would meet each.",
    "Put them together first: JOIN (SELECT person, COUNT(*) AS n FROM ... GROUP BY person) AS b.",
    "所联的一方同一对象有多行，会两两相联。",
    "请先汇总：JOIN (SELECT person, COUNT(*) AS n FROM ... GROUP BY person) AS b。",
)
ONLY_JOINS: Reason = (
    "only JOIN and LEFT JOIN are there.",
    "Join on the unit: JOIN ... ON a.person = b.person.",
    "只能用 JOIN 和 LEFT JOIN。",
    "请按标识联接：JOIN ... ON a.person = b.person。",
)
ONLY_UNIT_JOINS: Reason = (
    "datasets are joined on their units alone, with the first one after FROM: else rows of two people meet.",
    "Write USING (person), or ON a.person = b.person where a is the first.",
    "只能按标识与 FROM 之后的第一个数据集联接，否则会把两个人的数据联在一起。",
    "请写 USING (person)，或 ON a.person = b.person，其中 a 为第一个。",
)
NO_SUCH_SOURCE: Reason = (
    "nothing after FROM has this name.",
    "Use the name that stands after AS.",
    "FROM 之后没有这个名称。",
    "请用 AS 之后的名称。",
)
SEVERAL_HAVE_IT: Reason = (
    "several of the joined have it.",
    "Write its table before it: a.column.",
    "所联的几个都有它。",
    "请在前面写明所属的表：a.column。",
)
NO_CONDITION: Reason = (
    "it is neither true nor false.",
    "Write a comparison, such as age >= 60.",
    "它不是条件。",
    "请写比较，例如 age >= 60。",
)


def not_allowed(text: SqlText, node: exp.Expression, clause: str = "") -> NoReturn:
    """A part of SQL that a derivation does not have."""
    raise QueryRefused(
        clause.upper() or construct(node),
        "a derivation has SELECT, FROM, JOIN, WHERE, GROUP BY the unit and HAVING.",
        instead="Leave it out; what chooses among the rows of all is asked of the result, as a question.",
        position=text.position(node),
        why_zh="派生语句只有 SELECT、FROM、JOIN、WHERE、按标识 GROUP BY 和 HAVING。",
        instead_zh="请去掉；需要在全体行中选择的，请对结果提问。",
    )


def no_version(text: SqlText, node: exp.Table) -> NoReturn:
    raise QueryRefused(
        f"The dataset {node.sql(dialect='duckdb')}",
        "a derivation names the version that it reads.",
        instead="Write schema.name@2, such as health.visits@2.",
        position=text.position(node),
        construct_zh=f"数据集 {node.sql(dialect='duckdb')}",
        why_zh="派生语句须写明所读的版本。",
        instead_zh="请写 schema.name@2，例如 health.visits@2。",
    )


def name_twice(text: SqlText, node: exp.Expression, name: str) -> NoReturn:
    text.refuse(
        node,
        f"something else is called {name} already.",
        "Give it a name of its own: JOIN ... AS b.",
        f"已有别的叫 {name}。",
        "请另起名称：JOIN ... AS b。",
    )


def hidden_or_unknown(text: SqlText, node: exp.Expression, usable: str) -> NoReturn:
    text.refuse(
        node,
        "there is no such column that may be used.",
        f"There are: {usable}.",
        "没有可用的这个栏目。",
        f"现有：{usable}。",
    )
