"""What does OpenDP Polars say? At the same unit, bounds and loss.
`rho` in the settings asks in zCDP, else it is epsilon."""

import datetime
import os
import warnings
from collections.abc import Callable, Mapping
from typing import Any

from benchmarks.contestants.turn import Ask, take_turns


def open_opendp(settings: Mapping[str, Any]) -> Ask:
    os.environ["POLARS_MAX_THREADS"] = str(settings["threads"])  # polars reads it when it is imported
    import opendp.prelude as dp
    import polars as pl

    warnings.simplefilter("ignore")
    dp.enable_features("contrib")
    taps, stops = pl.scan_parquet(settings["taps"]), pl.scan_parquet(settings["stops"])
    districts = pl.LazyFrame({"district": settings["districts"]})
    hours = pl.LazyFrame({"hour": list(range(24))})
    n = dp.len(signed=True)

    def measured(column: str, high: float) -> Any:
        return pl.col(column).fill_null(0.0).fill_nan(0.0).dp.sum((0.0, high))

    fare = measured("fare", 20.0)

    def loss() -> Any:
        if settings.get("rho"):
            return dp.loss_of(rho=settings["rho"], delta=settings["delta"])
        return dp.loss_of(epsilon=float(settings["epsilon"]), delta=settings["delta"])

    def query() -> Any:
        return dp.Context.compositor(
            data=taps,
            privacy_unit=dp.unit_of(contributions=1, identifier=pl.col("card")),
            privacy_loss=loss(),
            split_evenly_over=1,
            margins=[dp.polars.Margin(max_length=settings["rows"])],
        ).query()

    def bounded(rows: Any) -> Any:
        return rows.truncate_per_group(settings["max_rows"])

    def mean(column: str = "fare", by: str = "len") -> Any:
        return pl.col(column) / pl.col(by)

    morning, old = (pl.col("hour") >= 7) & (pl.col("hour") <= 9), pl.col("age") >= 60
    ways: dict[str, Callable[[], Any]] = {
        "q1": lambda: bounded(query()).group_by("district").agg(n).with_keys(districts).release().collect(),
        "q2": lambda: (
            bounded(query())
            .group_by("district", "hour")
            .agg(n, fare)
            .with_keys(districts.join(hours, how="cross"))
            .release()
            .collect()
            .with_columns(mean=mean())
        ),
        "q3": lambda: (
            bounded(query()).group_by("stop").agg(n).with_keys(stops.select("stop")).release().collect()
        ),
        "q4": lambda: query().truncate_per_group(1).select(n).release().collect(),
        "q5": lambda: (
            bounded(query())
            .select(pl.col("age").fill_null(0).dp.median(candidates=list(range(101))))
            .release()
            .collect()
        ),
        "q6": lambda: (
            bounded(query().filter(morning))
            .group_by("district")
            .agg(n, fare)
            .with_keys(districts)
            .release()
            .collect()
            .select("district", mean=mean())
        ),
        "q7": lambda: (
            bounded(query().filter(old & (pl.col("day") >= datetime.date(2026, 9, 15))))
            .group_by("hour")
            .agg(n, fare)
            .with_keys(hours)
            .release()
            .collect()
        ),
        "q8": lambda: (
            bounded(query().filter(pl.col("age") < 18))
            .group_by("district")
            .agg(pl.col("card").dp.n_unique())
            .with_keys(districts)
            .release()
            .collect()
        ),
        "q9": lambda: (
            bounded(query().join(stops, on="stop"))
            .group_by("zone")
            .agg(n, fare)
            .release()
            .collect()
            .with_columns(mean=mean())
            .select("zone", "len", "mean")
        ),
        "q10": lambda: (
            bounded(query())
            .group_by("card")
            .agg(pl.col("fare").sum().alias("total"))
            .select(n, measured("total", 20.0 * settings["max_rows"]))
            .release()
            .collect()
            .select(mean=mean("total"))
        ),
    }
    return lambda question, _: ways[question]().rows()


if __name__ == "__main__":
    take_turns(open_opendp)
