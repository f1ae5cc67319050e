"""Many paid calls while portals are killed: answered = lines = invoice, to the fen. One JSON line.

Usage: python -m benchmarks.soak [--calls 100000] [--kills 10]
"""

import argparse
import json
import sys
import tempfile
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path

from benchmarks.bench_api import market_of_rows
from marketplace.products.model import Terms
from soak import portals, soak


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=100_000)
    parser.add_argument("--kills", type=int, default=10)
    asked = parser.parse_args()
    with ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="cihu-soak-")))
        market, sell, variables = stack.enter_context(market_of_rows(home))
        terms = Terms(price_fen=5, purpose="x", calls_per_month=10**9, calls_per_second=100_000)
        sold = {keyed: sell(terms) for keyed in (True, False)}
        started = stack.enter_context(portals(variables, home, many=3))
        results = soak(
            market,
            started,
            sold,
            calls=asked.calls,
            kills=asked.kills,
            callers=8,
            parameters={"number": "7"},
            tell=lambda line: print(line, file=sys.stderr, flush=True),
        )
    names = {True: "with_keys", False: "without_keys"}
    print(json.dumps({names[keyed]: asdict(result) for keyed, result in results.items()}))
    exact = results[True]
    if exact.answered != exact.billed or exact.unsent_billed or results[False].unsent_billed:
        sys.exit("what was answered is not what is billed")


if __name__ == "__main__":
    main()
