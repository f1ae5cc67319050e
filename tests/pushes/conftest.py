"""A vault into which a department pushes."""

from collections.abc import Iterator

import pytest

from asked_vault import asked_vault
from pushed_city import PushedCity
from sandbox.standalone.postgres import Postgres
from sandbox.standalone.s3 import S3Server


@pytest.fixture(scope="module")
def city(postgres: Postgres, template: str, s3: S3Server) -> Iterator[PushedCity]:
    with asked_vault(postgres, template, s3) as asked:
        made = PushedCity(asked)
        with asked.start():
            made.add_officers()
            yield made
