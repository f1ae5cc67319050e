"""`cihu` in this process, against a city of the tests."""

import json
from typing import Any

import pytest

from sandbox.cli import main


class CommandLine:
    """Runs commands as people of a city; `city`: with a portal and a vault that listen."""

    def __init__(
        self, city: Any, password: str, patch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        self.patch, self.capsys = patch, capsys
        for variable, value in (
            ("CIHU_PORTAL_URL", city.portal.url),
            ("CIHU_VAULT_URL", city.vault_url),
            ("CIHU_HUB_URL", city.portal.settings.hub_url),
            ("CIHU_PASSWORD", password),
        ):
            patch.setenv(variable, value)

    def run(self, *words: str, ends: int = 0) -> str:
        """What it printed."""
        self.patch.setattr("sys.argv", ["cihu", *words])
        with pytest.raises(SystemExit) as ended:
            main()
        printed = self.capsys.readouterr()
        assert (ended.value.code or 0) == ends, printed.err
        return printed.out

    def json(self, *words: str) -> Any:
        return json.loads(self.run(*words, "--json"))
