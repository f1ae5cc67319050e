"""SQL in, a priced private plan out. Nothing here touches data.

The flow, each step a file and a function:
parse (SQL -> Question, allow-list) -> bind (names and types, by the policy -> BoundQuestion) -> plan
(which integer totals answer it -> Plan) -> price (exact loss and predicted error -> Price) -> compile
(the SQL of each total).
"""

from sandbox.queries.bind import bind
from sandbox.queries.compile import compile_brought, compile_partition_selection, compile_plan
from sandbox.queries.digest import digest, digest_of_keys, digests, digests_of_keys
from sandbox.queries.parse import parse
from sandbox.queries.plan import Plan, make_plan
from sandbox.queries.price import Price, price_within

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
