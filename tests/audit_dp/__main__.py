"""Does the noise keep what the prices claim?
A table of claims and of lower bounds proved by many runs, and one JSON line.

Usage: python -m audit_dp [--runs 20000]. Exits with 1 where a claim is refuted.
"""

import argparse
import json
import sys
from collections.abc import Callable

from audit_dp.audit import FALSE_ALARM, KINDS, audit
from audit_dp.subjects import (
    AT_THE_BOUND,
    HEAVY,
    SPREAD,
    Subject,
    bounds_bought,
    keys_found,
    mechanism,
    question,
)

SUBJECTS: tuple[Callable[[], Subject], ...] = (
    lambda: mechanism("noise: one cell, epsilon 1", [0], [4096], "1"),
    lambda: mechanism("noise: one cell, epsilon 8", [0], [4096], "8"),
    lambda: mechanism("noise: a unit's rows in four cells", [0, 5, 10**6, -7], [1024] * 4, "4"),
    lambda: question("SELECT COUNT(*) AS n FROM t.t", AT_THE_BOUND, "1"),
    lambda: question("SELECT COUNT(*) AS n FROM t.t", HEAVY, "4"),
    lambda: question("SELECT SUM(cost) AS s FROM t.t", HEAVY, "4"),
    lambda: question(
        "SELECT district, COUNT(*) AS n, SUM(visits) AS s FROM t.t GROUP BY district", HEAVY, "4"
    ),
    lambda: question(
        "SELECT district, COUNT(*) AS n FROM t.t GROUP BY district HAVING n > 2", AT_THE_BOUND, "4"
    ),
    lambda: question("SELECT district, AVG(cost) AS a FROM t.t GROUP BY district", AT_THE_BOUND, "8"),
    lambda: question("SELECT district, COUNT(DISTINCT person) AS n FROM t.t GROUP BY district", SPREAD, "8"),
    lambda: question("SELECT COUNT(DISTINCT note) AS n FROM t.t", HEAVY, "4"),
    lambda: question("SELECT MEDIAN(visits) AS m FROM t.t", HEAVY, "8"),
    lambda: question(
        "SELECT SUM(s) AS a FROM (SELECT person, SUM(visits) AS s FROM t.t GROUP BY person)", HEAVY, "4"
    ),
    lambda: keys_found("8"),
    lambda: bounds_bought("8"),
)


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--runs", type=int, default=20_000, help="on each of the two tables")
    runs = options.parse_args().runs
    print(
        f"{'question [the unit that is added or removed]':96}{'claim':>7}"
        + "".join(f"{kind:>10}" for kind in KINDS)
        + f"{'ratio':>7}  verdict"
    )
    findings = []
    for make in SUBJECTS:
        found = audit(make(), runs, subjects=len(SUBJECTS))
        findings.append(found)
        print(
            f"{found.name:96}{found.claim:7.3f}"
            + "".join(f"{found.lower[kind]:10.3f}" for kind in KINDS)
            + f"{found.best / found.claim:7.2f}  {found.verdict}",
            flush=True,
        )
    print(
        f"epsilon at delta {findings[0].delta:g}; {runs} runs on each table; all lower "
        f"bounds hold together with confidence 1 - {FALSE_ALARM:g}; ratio is the best of them to the claim"
    )
    print(
        json.dumps(
            {
                "audit_dp": [
                    {
                        "question": found.name,
                        "claim": round(found.claim, 4),
                        "delta": found.delta,
                        "runs": found.runs,
                        "lower": {kind: round(value, 4) for kind, value in found.lower.items()},
                        "holds": found.holds,
                    }
                    for found in findings
                ],
                "confidence": 1 - FALSE_ALARM,
                "holds": all(found.holds for found in findings),
            }
        )
    )
    return 0 if all(found.holds for found in findings) else 1


if __name__ == "__main__":
    sys.exit(main())
