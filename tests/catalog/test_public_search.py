"""The public catalogue's search: the terms of texts, and its work with ten thousand datasets."""

from datetime import UTC, datetime

from sqlalchemy import cast, func, insert
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.types import Text

from sandbox.catalog.tables import datasets
from sandbox.public.entries import PublicContext
from sandbox.public.search import Search, search
from sandbox.public.tables import catalogue_entries
from sandbox.public.terms import query_of, terms_of
from statements import statements_of
from story import Story

MANY = 10_000
MOST_STATEMENTS = 8
"""Of one search, however many datasets there are."""


def test_texts_are_cut_into_words_and_pairs_of_characters() -> None:
    assert terms_of(["就诊记录 RAND-health v2"]) == ["health", "rand", "v2", "就诊", "录", "记录", "诊记"]
    assert query_of("就诊 Heal") == "'就诊' & 'heal':*"
    assert query_of("诊") == "'诊':*"
    assert query_of(" ') | !x:* --") == "'x':*"
    assert query_of("，。") is None


def test_ten_thousand_datasets_are_searched_at_once(story: Story) -> None:
    context = PublicContext(story.database, story.repository, story.gate)
    names = [f"many.set_{number}" for number in range(MANY)]
    with story.database.transaction() as tx:
        tx.execute(insert(datasets), [{"name": name, "department": "market", "latest": 1} for name in names])
        for at in range(0, MANY, 1000):
            rows = [
                {
                    "dataset": name,
                    "number": 1,
                    "rules": context.rules,
                    "listed": True,
                    "title_zh": f"检查 {name}",
                    "title_en": name,
                    "department": f"d{number % 50}",
                    "grade": str(1 + number % 4),
                    "theme": f"主题{number % 12}",
                    "updates": "monthly",
                    "delivery": ["questions"],
                    "published_at": datetime.now(UTC),
                    "terms": func.array_to_tsvector(cast(terms_of([f"检查 {name}"]), ARRAY(Text))),
                }
                for number, name in enumerate(names[at : at + 1000], at)
            ]
            tx.execute(insert(catalogue_entries).values(rows))
    for wanted, total in (
        (Search(), MANY),
        (Search(q="检查", page=400), MANY),
        (Search(q="set 4242"), 1),
        (Search(theme="主题3", grade="2"), 0),
        (Search(department="d7", sort="title"), MANY // 50),
    ):
        with statements_of(story.database) as asked:
            found = search(context, wanted)
        assert len(asked) <= MOST_STATEMENTS, asked
        assert not [sql for sql in asked if "policy" in sql], asked
        assert found["total"] == total, wanted
