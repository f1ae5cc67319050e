"""Every bad output is caught with its code; no good one is blocked;
every finding says how to remedy it, in both languages."""

import pytest

from bad_outputs import BAD, Bad
from good_outputs import GOOD, Good
from hostile_author import HONEST, HOSTILE
from review_people import POLICIES, make_people
from sandbox.disclosure.check_file import check_file
from sandbox.disclosure.checks.registry import CHECKS
from sandbox.disclosure.finding import Finding, Severity
from sandbox.disclosure.raw_values.raw_values import RawValues
from sandbox.disclosure.taxonomy import DisclosureRules, load_disclosure


@pytest.fixture(scope="module")
def rules() -> DisclosureRules:
    return load_disclosure(POLICIES / "disclosure.yaml", checks=CHECKS).at("3")


@pytest.fixture(scope="module")
def raw() -> RawValues:
    return RawValues([make_people()], b"a key of the vault's, for tests")


def said_well(found: list[Finding]) -> None:
    for finding in found:
        assert finding.message and finding.remedy and finding.zh and finding.remedy_zh, finding
        assert any("\u4e00" <= sign <= "\u9fff" for sign in finding.zh), finding
        assert finding.risk in {
            "small_group",
            "single_unit",
            "class_disclosure",
            "dominance",
            "differencing",
            "microdata",
            "memorising",
            "hidden_content",
            "unexplained",
        }


def test_there_are_enough_of_them() -> None:
    assert len(BAD) >= 60 and len({bad.name for bad in BAD}) == len(BAD)
    assert len(GOOD) >= 25 and len({good.name for good in GOOD}) == len(GOOD)


@pytest.mark.parametrize("bad", [*BAD, *HOSTILE], ids=lambda bad: bad.name)
def test_a_bad_output_is_caught_with_its_code(bad: Bad, rules: DisclosureRules, raw: RawValues) -> None:
    found = check_file(bad.file, bad.content, bad.declared, rules, raw)
    codes = {finding.code for finding in found if finding.severity is not Severity.NOTES}
    assert bad.code in codes, (codes, bad.source)
    if not bad.asked:
        assert any(finding.code == bad.code and finding.severity is Severity.BLOCKS for finding in found)
    said_well(found)


@pytest.mark.parametrize("good", [*GOOD, *HONEST], ids=lambda good: good.name)
def test_a_good_output_is_not_blocked(good: Good, rules: DisclosureRules, raw: RawValues) -> None:
    found = check_file(good.file, good.content, good.declared, rules, raw)
    assert not [finding for finding in found if finding.severity is Severity.BLOCKS]
    said_well(found)
