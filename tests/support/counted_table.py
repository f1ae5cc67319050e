"""Answers the questions of bought stand-in rows from a table that is not secret: exact counts by DuckDB,
with noise of the size that the price certifies. For measuring how near the rows come, without a vault."""

from math import prod

import duckdb
import numpy as np
import pandas as pd

from sandbox.catalog import Version
from sandbox.privacy import PrivacyLoss
from sandbox.queries import bind, make_plan, parse, price_within
from sandbox.queries.types.scope import Scope
from sandbox.queries.weights import WEIGHT
from sandbox.synthesis.marginals import Marginal, Question


class CountedTable:
    """`frame`: the rows, of which no unit has more than `max_rows`."""

    def __init__(self, version: Version, frame: pd.DataFrame, *, seed: int = 1) -> None:
        self.version, self.scope, self.noise = version, Scope(version.policy), np.random.default_rng(seed)
        self.duckdb = duckdb.connect()
        schema, table = version.dataset.split(".")
        self.duckdb.register("frame", frame)
        self.duckdb.execute(f'CREATE SCHEMA "{schema}"')
        self.duckdb.execute(f'CREATE TABLE "{schema}"."{table}" AS SELECT * FROM frame')

    def ask(self, question: Question, price: PrivacyLoss) -> Marginal:
        plan = make_plan(bind(parse(question.sql), self.scope), self.version, self.scope)
        [share] = price_within(plan, price).shares
        sigma = float(share.scale / WEIGHT)
        exact = np.zeros(question.shape)
        for *at, count in self.duckdb.execute(question.sql).fetchall():
            exact[tuple(at)] = count
        counts = exact.ravel() + self.noise.normal(0, sigma, prod(question.shape))
        return Marginal(
            question.kind,
            question.columns,
            question.shape,
            tuple(map(float, counts)),
            sigma,
            share.loss.picorho,
        )
