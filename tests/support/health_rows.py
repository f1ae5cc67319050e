"""Made-up rows in the shape of health.visits, for tests that need the demo's dataset but not its numbers."""

import random
from pathlib import Path

HEALTH_POLICY = (Path(__file__).parents[2] / "policies" / "datasets" / "health.visits.yaml").read_text()
HEADS = (
    "person",
    "year",
    "site",
    "coinsurance",
    "female",
    "child",
    "health",
    "age",
    "income",
    "doctor_visits",
    "spending",
    "chronic",
    "black",
)


def health_csv(people: int = 4000, *, seed: int = 11) -> bytes:
    """About three rows a person; people who pay more of their bill go to the doctor less,
    as in the real data."""
    chance = random.Random(seed)
    lines = [",".join(HEADS)]
    for person in range(people):
        site, share = chance.randint(1, 6), chance.choice([0, 25, 50, 95, 100])
        female, child = chance.randint(0, 1), int(chance.random() < 0.3)
        for year in range(1, chance.choice([3, 3, 5]) + 1):
            visits = min(77, int(chance.expovariate(1 / (3.2 - share / 60))))
            row = (
                person,
                year,
                site,
                share,
                female,
                child,
                chance.choice(["excellent", "good", "good", "fair", "poor"]),
                round(chance.uniform(0, 18) if child else chance.uniform(18, 65), 1),
                round(chance.uniform(500, 20000)),
                visits,
                round(visits * chance.uniform(10, 60), 2),
                round(chance.uniform(0, 30), 1),
                0,
            )
            lines.append(",".join(map(str, row)))
    return ("\n".join(lines) + "\n").encode()
