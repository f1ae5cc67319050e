"""SQL in, a priced private plan out. Nothing here touches data.

The flow, each step a file and a function:
parse (SQL -> Question, allow-list) -> bind (names and types, by the policy -> BoundQuestion) -> plan
(which integer totals answer it -> Plan) -> price (exact loss and predicted error -> Price) -> compile
(the SQL of each total).
"""

from sandbox.queries.compile.totals import compile_brought, compile_partition_selection, compile_plan
from sandbox.queries.parse.question import parse
from sandbox.queries.plan.bind import bind
from sandbox.queries.plan.digest import digest, digest_of_keys, digests, digests_of_keys
from sandbox.queries.plan.plan import Plan, make_plan
from sandbox.queries.plan.price import Price, price_within

__all__ = [
    "Plan",
    "Price",
    "bind",
    "compile_brought",
    "compile_partition_selection",
    "compile_plan",
    "digest",
    "digest_of_keys",
    "digests",
    "digests_of_keys",
    "make_plan",
    "parse",
    "price_within",
]
