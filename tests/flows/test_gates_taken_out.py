"""The tour fails if any gate is taken out: each test takes one out of a running city and sees the
tour end at its step.

Nothing in the product knows of this: a service is started with one function changed (`altered.py`), or with
one rule less. A tour that goes on without a gate would be a tour that only plays what is there; so every gate
here is known to be looked at.
"""

import os
import re
import shutil
import sys
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import nullcontext
from dataclasses import dataclass, field
from itertools import count
from math import inf
from pathlib import Path

import pytest

from left_processes import command_line
from live_city import CHECKOUT, PASSWORD, LiveCity, live_city
from sandbox.client.session import ClientSession, ServiceUrls
from sandbox.errors import Unavailable
from sandbox.standalone import process_tree
from sandbox.standalone.tour import Report, play
from sandbox.standalone.workspace_visit import Kernel, open_workspace

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

PLAY = sys.modules["sandbox.standalone.tour.play"]  # in the package the function has the module's name
STEPS = PLAY.STEPS
KERNELS = str(CHECKOUT / ".venv-kernel").encode()
ANALYSE = sys.modules["sandbox.standalone.tour.analyse"]
STAGE = sys.modules["sandbox.standalone.tour.stage"]
QUESTION = ANALYSE.SQL
LOGIN_SECONDS = 600  # less than a login lasts
GRANTED = ("request", "approve", "open_kernel")
NEEDS = {
    # what each step needs of those before it; other steps have nothing to do with the gate, and take minutes
    "publish": (),
    "approve": ("request",),
    "open_kernel": (),
    "ask": GRANTED,
    "refuse_unsafe": GRANTED,
    "budget_stop": GRANTED,
    "product": (),
    "order": ("product",),
    "call": ("product", "order", "key"),
    "invoice_preview": ("product", "order", "key", "call"),
    # what the log is searched for
    "audit_verify": (
        "publish",
        *GRANTED,
        "ask",
        "refuse_unsafe",
        "product",
        "order",
        "key",
        "call",
        "invoice_preview",
    ),
}
POLICIES = Path(__file__).parents[2] / "policies"


@dataclass(frozen=True)
class Gate:
    """What is changed in which service, and the step at which the tour must see it, in these words."""

    part: str
    fails_at: str
    says: str
    changes: dict[str, str] = field(default_factory=dict)


GATES = {
    # --- what may be asked
    "the allow-list: a condition on the privacy unit": Gate(
        "vault",
        "refuse_unsafe",
        "was not refused by name",
        {
            "sandbox.queries.types.value_ranges": """
            _ranged = _column
            def _column(name, scope):
                column = scope.column(name)
                if column.role is not Role.UNIT:
                    return _ranged(name, scope)
                return Range(column.type, whole=column.type is Type.INTEGER)
            """
        },
    ),
    "the allow-list: grouping by a column that is no public key": Gate(
        "vault",
        "refuse_unsafe",
        "was not refused by name",
        {
            "sandbox.queries.plan.bind": """
            _checked = bind
            def bind(question, policy):
                if [getattr(key, "text", "") for key in question.keys] == ["person"]:
                    question = Question(question.dataset, tuple(o for o in question.outputs if isinstance(o.of, Aggregate)))
                return _checked(question, policy)
            """  # noqa: E501
        },
    ),
    "the allow-list: an aggregate that is not in it": Gate(
        "vault",
        "refuse_unsafe",
        "was not refused by name",
        {
            "sandbox.queries.parse.expressions": """
            _listed = Reader._read_aggregate
            def _read_aggregate(self, node):
                return _listed(self, exp.Sum(this=node.this) if isinstance(node, exp.Mode) else node)
            Reader._read_aggregate = _read_aggregate
            """
        },
    ),
    # --- who may do what
    "every decision of the vault": Gate(
        "vault",
        "publish",
        "publishing by zhou was let through",
        {"sandbox.policy.gate": "Gate.require = Gate.decide"},
    ),
    "the decision on a request": Gate(
        "vault",
        "approve",
        "approval by zhou was let through",
        {
            "sandbox.policy.gate": """
            _required = Gate.require
            def require(self, principal, action, resource, context=None):
                deed = self.decide if action == "decide_request" else _required.__get__(self)
                return deed(principal, action, resource, context)
            Gate.require = require
            """
        },
    ),
    "the decision on a question": Gate(
        "vault",
        "refuse_unsafe",
        "a question by lin was let through",
        {
            "sandbox.policy.gate": """
            _required = Gate.require
            def require(self, principal, action, resource, context=None):
                deed = self.decide if action == "ask" else _required.__get__(self)
                return deed(principal, action, resource, context)
            Gate.require = require
            """
        },
    ),
    # --- what it costs, and what leaves
    "the budget: nothing is charged": Gate(
        "vault",
        "ask",
        "was not charged at every level",
        {"sandbox.budgets.ledger": "def reserve(tx, **_): pass"},
    ),
    "the budget: only the grant is charged": Gate(
        "vault",
        "ask",
        "was not charged at every level",
        {
            "sandbox.budgets.ledger": """
            _all = _accounts
            def _accounts(*given):
                return [account for account in _all(*given) if account.level is Level.GRANT]
            """
        },
    ),
    "the budget: its end": Gate(
        "vault",
        "budget_stop",
        "the budget did not stop it",
        {
            "sandbox.budgets.ledger": """
            _reserve = reserve
            def reserve(tx, **said):
                try:
                    with tx.begin_nested():
                        _reserve(tx, **said)
                except BudgetExhausted:
                    pass
            """
        },
    ),
    "the noise": Gate(
        "vault",
        "ask",
        "values left without noise",
        {"sandbox.releases.noise": "def add_noise(share, cells): return list(cells)"},
    ),
    "the stored answer": Gate(
        "vault",
        "ask",
        "the same question gave other numbers",
        {
            # its numbers are drawn, charged and kept anew
            "sandbox.releases.prepare": "def already_released(tx, prepared): return {}",
            "sandbox.releases.ask": """
            from sqlalchemy.dialects.postgresql import insert as _insert
            def insert(table):
                return _insert(table).on_conflict_do_nothing()
            """,
        },
    ),
    # --- what is written down
    "the log's entry of a question": Gate(
        "vault",
        "audit_verify",
        "the log misses {'query.asked'",
        {
            "sandbox.audit.append": """
            _append = append
            def append(tx, event, **more):
                return 0 if event.kind == "query.asked" else _append(tx, event, **more)
            """
        },
    ),
    "the log's signature": Gate(
        "vault",
        "audit_verify",
        "signature",
        {
            # every note leaves with a signature that no key made
            "sandbox.audit.log": """
            import base64 as _base64
            def _spoilt(note):
                head, _, line = note.rstrip("\\n").rpartition(" ")
                raw = bytearray(_base64.b64decode(line))
                raw[-1] ^= 1
                return head + " " + _base64.b64encode(bytes(raw)).decode() + "\\n"
            _checkpoint, _receipt = Log.checkpoint, Log.receipt
            def checkpoint(self):
                return _spoilt(_checkpoint(self))
            def receipt(self, index, *, opening=False):
                found = _receipt(self, index, opening=opening)
                return found | {"checkpoint": _spoilt(found["checkpoint"])}
            Log.checkpoint, Log.receipt = checkpoint, receipt
            """
        },
    ),
    # --- who is who, and what is sold
    "the password": Gate(
        "portal",
        "publish",
        "a wrong password was let through",
        {"sandbox.identity.passwords": "def password_matches(stored, password): return True"},
    ),
    "the decision on an order": Gate(
        "portal",
        "order",
        "was let through",
        {"sandbox.policy.gate": "Gate.require = Gate.decide"},
    ),
    "the key at the market's door": Gate(
        "portal",
        "call",
        "a wrong key was answered with 200",
        {
            # whatever key was sent, a live one of the product is taken for it
            "marketplace.keys.verify_key": "def check_shape(secret): return None",
            "marketplace.delivery.answer_call": """
            from sqlalchemy import text as _text
            _admit = Delivery.admit
            async def admit(self, call):
                with self.metering.database.transaction() as tx:
                    live = tx.execute(_text("SELECT keys.hash FROM market.keys JOIN market.licences ON "
                                            "licences.id = keys.licence WHERE licences.product = :product"),
                                      {"product": call.product}).scalar()
                self.metering.cache.read_any = live
                return await _admit(self, call)
            Delivery.admit = admit
            """,
            "marketplace.metering.licence_cache": """
            _read = LicenceCache.read
            def read(self, hash):
                return _read(self, getattr(self, "read_any", None) or hash)
            LicenceCache.read = read
            """,
        },
    ),
    "the key's scope": Gate(
        "portal",
        "call",
        "a wrong key was answered with",
        {
            # both: the check in memory, and that of the commit, which is told the licence's own product
            "marketplace.keys.verify_key": """
            _judge = judge
            def judge(key, licence, now, product_id, **more):
                return _judge(key, licence, now, licence.product, **more)
            """
        },
    ),
    "a retry is billed once": Gate(
        "portal",
        "invoice_preview",
        "the usage of rows is [0, 30, 30]",
        {
            "marketplace.delivery.endpoints": """
            def request_id_of(headers):
                return "request:" + secrets.token_hex(16)
            """
        },
    ),
    "a call is metered": Gate(
        "portal",
        "invoice_preview",
        "the usage of rows is",
        {
            "marketplace.metering.line": """
            from marketplace.metering.model import Reason
            def charge(price, month_so_far, quantity):
                return Charge(Reason.FREE_QUOTA, 0)
            """
        },
    ),
    # --- the seal
    "the seal of the kernel": Gate(
        "hub",
        "open_kernel",
        "the kernel reaches [",
        {
            # the kernel is started as a plain process, in the folders that the seal would have shown it
            "sandbox.seals.check": "def check_seal(python): pass",
            "sandbox.seals.bubblewrap": """
            class Bubblewrap(Bubblewrap):
                def start(self, seal, *, output=subprocess.DEVNULL):
                    return subprocess.Popen(seal.command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, cwd="/",
                                            env=dict(seal.environment))
                def shut(self, process, folder):
                    pass
            """,  # noqa: E501
            "sandbox.hub.run_folder": """
            def _write_connection(self, connection):
                key = connection["key"]
                self.write("connection.json", json.dumps({
                    **connection, "ip": self.socket_prefix, "key": key.decode() if isinstance(key, bytes) else key}))
            RunFolder.write_connection = _write_connection
            def _clear_sockets(self, owner):
                shutil.rmtree(self.sockets, ignore_errors=True)
                self.sockets.mkdir(mode=0o700)
            RunFolder.clear_sockets = _clear_sockets
            """,  # noqa: E501
            "sandbox.hub.kernel_seal": """
            _sealed = kernel_seal
            def kernel_seal(*, inbox, vault_folder, **more):
                from dataclasses import replace
                import os
                seal = _sealed(inbox=inbox, vault_folder=vault_folder, **more)
                where = {INSIDE: str(inbox), VAULT: str(vault_folder), HOME: str(inbox), TEMPORARY: str(inbox)}
                def real(text):
                    if text not in where and os.path.exists(text):  # the checkout may itself be in a temporary folder
                        return text
                    for inside, outside in where.items():
                        if text == inside or text.startswith(inside + "/"):
                            return outside + text[len(inside):]
                    return text
                return replace(seal, command=tuple(map(real, seal.command)),
                               environment=tuple((name, real(value)) for name, value in seal.environment))
            """,  # noqa: E501
        },
    ),
}


@dataclass(frozen=True)
class Opened:
    """A city with published datasets, a kernel of wang's and people's logins, which go on from one tour to
    the next."""

    city: LiveCity
    kernel: Kernel
    folder: Path
    logins: dict[str, tuple[float, ClientSession]] = field(default_factory=dict)
    bounds: Iterator[int] = field(default_factory=lambda: count(10**9))

    def play(self, patch: pytest.MonkeyPatch, steps: Collection[str], *, whole: bool = False) -> Report:
        """Steps of the tour; a `whole` one has a kernel and logins of its own."""
        patch.setattr(PLAY, "STEPS", tuple(step for step in STEPS if step[0] in steps))
        if not whole:
            # every row, but no question that was asked before, whose answer would be there already
            new = f"WHERE spending < {next(self.bounds)} GROUP BY"
            patch.setattr(ANALYSE, "SQL", QUESTION.replace("GROUP BY", new))
            patch.setattr(ANALYSE, "open_workspace", lambda *_: nullcontext(self.kernel))
            patch.setattr(STAGE, "ClientSession", self.logged_in)
        # the tour tries a wrong password of lin's: their next right one forgets it, as in a tour of its own
        self.logins.pop("lin", None)
        return play(
            self.city.where, password=PASSWORD, policies=POLICIES, folder=self.folder, told=lambda _: None
        )

    def logged_in(self, where: ServiceUrls, account: str, password: str) -> ClientSession:
        since, session = self.logins.get(account, (-inf, None))
        if session is None or time.monotonic() - since > LOGIN_SECONDS:
            session = ClientSession(where, account, password)
            self.logins[account] = time.monotonic(), session
        return session


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Opened]:
    folder = tmp_path_factory.mktemp("demo")
    with live_city() as city, open_workspace(city.where, "wang", PASSWORD) as kernel:
        made = Opened(city, kernel, folder)
        with pytest.MonkeyPatch.context() as patch:
            report = made.play(patch, ["publish"])
        assert report.steps[-1].ok, report.steps[-1]
        kernel.run("import cihu")
        yield made
    # the kernel of the gate without a seal is tied to nobody
    ours = process_tree.descendants(os.getpid())
    process_tree.end([one for one in ours if KERNELS in command_line(one.pid)], patience_seconds=1)


@pytest.fixture
def city(opened: Opened) -> LiveCity:
    return opened.city


@pytest.fixture
def tour(opened: Opened, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Report]:
    """Play what leads to a step, and the step."""

    def perform(fails_at: str) -> Report:
        steps = (*NEEDS[fails_at], fails_at)
        return opened.play(monkeypatch, steps, whole=fails_at in ("open_kernel", "audit_verify"))

    return perform


def check_fails(report: Report, step: str, says: str) -> None:
    assert not report.ok, "the tour did not see that the gate was gone"
    last = report.steps[-1]
    assert (last.name, last.ok) == (step, False), f"it ended at {last}"
    assert says in last.detail, last.detail
    assert all(before.ok for before in report.steps[:-1])


def test_the_tour_fails_without_the_rule_on_the_grade_of_what_is_sold_openly(
    city: LiveCity, tour: Callable[[str], Report], tmp_path: Path
) -> None:
    """The rules are data, so the gate is taken out of the data. Behind it stands the review of a copy."""
    shutil.copytree(POLICIES, tmp_path / "policies")
    for name in ("grade_not_for_open_sale", "not_declared_open"):
        take_rule_out(tmp_path / "policies" / "datasets.cedar", name)
    city.change("vault", {}, CIHU_POLICIES=str(tmp_path / "policies"))
    check_fails(tour("product"), "product", "opening personal data was refused as opening_waits")


@pytest.mark.parametrize("name", GATES)
def test_the_tour_fails_without(name: str, city: LiveCity, tour: Callable[[str], Report]) -> None:
    gate = GATES[name]
    city.change(gate.part, gate.changes)
    check_fails(tour(gate.fails_at), gate.fails_at, gate.says)


def take_rule_out(file: Path, name: str) -> None:
    rules, taken = re.subn(rf'@id\("{name}"\).*?;\n', "", file.read_text(), flags=re.DOTALL)
    assert taken == 1
    file.write_text(rules)


def test_a_hub_whose_seals_do_not_hold_does_not_start(city: LiveCity) -> None:
    """Only the wall is taken away, and not the check of it: then there is no hub, and so no kernel."""
    with pytest.raises(Unavailable, match="hub"):
        city.change(
            "hub",
            {"sandbox.seals.bubblewrap": GATES["the seal of the kernel"].changes["sandbox.seals.bubblewrap"]},
        )
    assert "The seal does not hold on this machine" in city.part("hub").log.read_text()


def test_with_every_gate_in_its_place_again_the_tour_ends_well(
    opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So it was the gate, and not the city, at which the tours above failed."""
    opened.city.restore()
    report = opened.play(monkeypatch, [step[0] for step in STEPS], whole=True)
    assert report.ok, report.steps[-1]
