"""A vault, officers of a department, and machines that push rows into its datasets."""

import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx

from asked_vault import AskedVault, Asker
from lock_waiters import await_lock_waiter
from pulled_city import OPEN, POLICY
from sandbox.catalog.merge_rows import last_rows, last_version
from sandbox.identity import create_account, create_organisation

CSV = "text/csv"
HEAD = "person,year,cost\n"
FIRST = f"{HEAD}a,2024,1.5\nb,2025,2\n".encode()
WARDS = b"ward,beds\na,4\nb,6\n"


@dataclass
class PushedCity:
    asked: AskedVault

    def add_officers(self) -> None:
        with self.asked.story.database.transaction() as tx:
            create_organisation(tx, organisation_id="transport", display_name="transport", by="system")
            for name, organisation in (("sun", "health"), ("ming", "health"), ("qiao", "transport")):
                create_account(
                    tx,
                    account_id=name,
                    display_name=name,
                    organisation=organisation,
                    roles=["officer"],
                    by="system",
                )

    def officer(self, name: str = "lin") -> Asker:
        return self.asked.person(name)

    def machine(self, secret: str) -> Asker:
        return Asker(self.officer().client, secret)

    def people(self, policy: str = POLICY, rows: bytes = FIRST) -> str:
        """A dataset about people, with one version."""
        return self._published(policy, rows)

    def wards(self, rows: bytes = WARDS) -> str:
        return self._published(OPEN, rows)

    def _published(self, policy: str, rows: bytes) -> str:
        name = f"clinic.p{secrets.token_hex(4)}"
        made = self.asked.publish(policy.format(name=name, grade="3"), rows)
        assert made.status_code == 201, made.text
        return name

    def credential(self, dataset: str, *, agreed: bool = True, **more: Any) -> dict[str, Any]:
        """Issued by lin, and agreed to by sun where that is needed."""
        path = f"/v1/datasets/{dataset}/push-credentials"
        made = self.officer().send("POST", path, json={"label": "nightly", **more})
        assert made.status_code == 201, made.text
        told: dict[str, Any] = made.json()
        if agreed and told["state"] == "waiting":
            body = {"revision": told["revision"]}
            answer = self.officer("sun").send("POST", f"{path}/{told['id']}/agree", json=body)
            assert answer.status_code == 200, answer.text
        return told

    def opened(self, pusher: Asker, dataset: str, **more: Any) -> str:
        told = pusher.send("POST", f"/v1/datasets/{dataset}/pushes", json=more)
        assert told.status_code == 201, told.text
        return f"/v1/datasets/{dataset}/pushes/{told.json()['id']}"

    def sent(
        self, pusher: Asker, push: str, body: bytes | Iterator[bytes], key: str = "1", kind: str = CSV
    ) -> httpx.Response:
        headers = {
            "Authorization": f"Bearer {pusher.token}",
            "Idempotency-Key": key,
            "Content-Type": kind,
        }
        return pusher.client.post(f"{push}/batches", content=body, headers=headers)

    def completed(self, pusher: Asker, push: str, batches: int | None = None) -> httpx.Response:
        return pusher.send("POST", f"{push}/complete", json={"batches": batches} if batches else {})

    def pushed(self, pusher: Asker, dataset: str, *bodies: bytes, **more: Any) -> dict[str, Any]:
        """A whole push of CSV batches, and what became of it."""
        push = self.opened(pusher, dataset, **more)
        for key, body in enumerate(bodies):
            taken = self.sent(pusher, push, body, str(key))
            assert taken.status_code == 201, taken.text
        told = self.completed(pusher, push, len(bodies))
        assert told.status_code == 200, told.text
        return dict(told.json())

    def version(self, dataset: str) -> int:
        return int(self.officer().send("GET", f"/v1/datasets/{dataset}").json()["version"])

    def rows(self, dataset: str) -> list[dict[str, Any]]:
        """What the newest version holds."""
        story = self.asked.story
        version = last_version(story.repository, dataset)
        return list(last_rows(story.store, version).to_pylist())

    def left_objects(self) -> int:
        return len(self.asked.story.store.versions("pushes/"))

    def await_waiter(self) -> None:
        """Until somebody waits for a lock of this database: a version is about to be registered."""
        with self.asked.story.database.transaction() as tx:
            await_lock_waiter(tx, "advisory")
