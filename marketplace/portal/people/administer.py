"""Looks after accounts: each operation is decided by Cedar, and is one transaction with its entry in the
log."""

from collections.abc import Sequence
from dataclasses import dataclass

from marketplace.portal.city_login.identities import connected_accounts, disconnect, issuer_named
from marketplace.portal.city_login.providers import CityProvider
from marketplace.portal.people.csv_file import Line, read_people
from marketplace.portal.people.schemas import GroupDocument, InvitationDocument, NewPerson, PersonDocument
from marketplace.vault import Vault, segment
from sandbox.database import Database, Transaction
from sandbox.errors import CihuError, Conflict, InvalidInput
from sandbox.identity import (
    IdentityRules,
    Principal,
    create_organisation,
    create_team,
    disable_account,
    enable_account,
    join_team,
    leave_team,
    set_roles,
    unlock_account,
)
from sandbox.identity.accounts import require_person
from sandbox.identity.invitations import Invitation, invite, reset_password, withdraw_invitation
from sandbox.identity.people_list import (
    Group,
    Member,
    find_member,
    list_members,
    list_organisations,
    list_teams,
)
from sandbox.identity.second_factors import remove_factors
from sandbox.identity.teams import merge_teams
from sandbox.policy import Gate, Resource

SHOWN = 50  # faults of a file in one message


@dataclass(frozen=True)
class People:
    """The accounts of the city, for whoever may look after them. Every method raises `Refused` for others."""

    database: Database
    gate: Gate
    rules: IdentityRules
    portal_url: str
    vault: Vault
    providers: Sequence[CityProvider] = ()

    def require(self, by: Principal, action: str, account: str = "") -> None:
        resource = Resource("Account", account) if account else Resource("People", "people")
        self.gate.require(by, action, resource, {"separated": self.rules.separated})

    def may(self, by: Principal, action: str, account: str = "") -> bool:
        resource = Resource("Account", account) if account else Resource("People", "people")
        return self.gate.decide(by, action, resource, {"separated": self.rules.separated}).allowed

    def listed(self, by: Principal) -> list[PersonDocument]:
        self.require(by, "read_people")
        with self.database.transaction() as tx:
            opened = connected_accounts(tx)
            return [self.document(each, opened) for each in list_members(tx)]

    def find(self, by: Principal, account: str) -> PersonDocument:
        """Raises `NotFound`."""
        self.require(by, "read_people")
        with self.database.transaction() as tx:
            return self.document(find_member(tx, account), connected_accounts(tx))

    def organisations(self, by: Principal) -> list[GroupDocument]:
        self.require(by, "read_people")
        with self.database.transaction() as tx:
            return [group(each) for each in list_organisations(tx)]

    def teams(self, by: Principal) -> list[GroupDocument]:
        self.require(by, "read_people")
        with self.database.transaction() as tx:
            return [group(each) for each in list_teams(tx)]

    def invite(self, by: Principal, person: NewPerson) -> InvitationDocument:
        with self.database.transaction() as tx:
            return self.link(self.invited(tx, by, person))

    def invite_all(self, by: Principal, csv: str) -> list[InvitationDocument]:
        """All of a file, or none. Raises `InvalidInput`, which tells every fault with its line."""
        self.require(by, "read_people")
        lines = read_people(csv)
        made, faults = [], []
        with self.database.transaction() as tx:
            for line in lines:
                point = (
                    tx.begin_nested()
                )  # what a line did before its fault is taken back, and the next is tried
                try:
                    made.append(self.link(self.invited(tx, by, line.checked())))
                    point.commit()
                except CihuError as fault:
                    point.rollback()
                    faults.append((line, fault))
            if faults:
                raise faults_of(faults)
        return made

    def invited(self, tx: Transaction, by: Principal, person: NewPerson) -> Invitation:
        self.require(by, "manage_account", person.account)
        if person.roles:
            self.require(by, "assign_roles", person.account)
        return invite(
            tx,
            account_id=person.account,
            display_name=person.name,
            organisation=person.organisation,
            roles=person.roles,
            teams=person.teams,
            rules=self.rules,
            by=by.id,
        )

    def new_link(self, by: Principal, account: str) -> InvitationDocument:
        """For whoever lost the link, or forgot the password. Raises `NotFound`."""
        self.require(by, "manage_account", account)
        with self.database.transaction() as tx:
            return self.link(reset_password(tx, account_id=account, rules=self.rules, by=by.id))

    def withdraw(self, by: Principal, account: str) -> None:
        self.require(by, "manage_account", account)
        with self.database.transaction() as tx:
            withdraw_invitation(tx, account_id=account, by=by.id)

    def disable(self, by: Principal, account: str, reason: str) -> None:
        """Raises `NotFound`, `Conflict` for an officer who still answers for something."""
        self.require(by, "manage_account", account)
        with self.database.transaction() as tx:
            require_person(tx, account)
            officer = "officer" in find_member(tx, account).roles
        if officer:
            self.require_handed_over(by, account)
        with self.database.transaction() as tx:
            disable_account(tx, account_id=account, reason=reason, by=by.id)

    def require_handed_over(self, by: Principal, account: str) -> None:
        known = self.vault.get(by.id, f"/v1/responsibilities/{segment(account)}")
        if any(not holding["shared"] for holding in known["holdings"]):
            raise Conflict(
                f"{account} still answers for datasets or requests.",
                code="responsibilities_left",
                remedy=f"Hand them over first: /responsibilities?account={account}, or `cihu hand-over`.",
                zh=f"{account} 名下仍有数据集或待办事项。",
                remedy_zh=f"请先在 /responsibilities?account={account} 移交，或使用 cihu hand-over。",
            )

    def enable(self, by: Principal, account: str) -> InvitationDocument:
        """Gives the link with which its person chooses a password."""
        self.require(by, "manage_account", account)
        with self.database.transaction() as tx:
            enable_account(tx, account_id=account, by=by.id)
            return self.link(reset_password(tx, account_id=account, rules=self.rules, by=by.id))

    def set_roles(self, by: Principal, account: str, roles: Sequence[str]) -> None:
        self.require(by, "assign_roles", account)
        with self.database.transaction() as tx:
            require_person(tx, account)
            set_roles(tx, account_id=account, roles=roles, by=by.id)

    def remove_factors(self, by: Principal, account: str) -> None:
        self.require(by, "secure_account", account)
        with self.database.transaction() as tx:
            remove_factors(tx, account, by=by.id)

    def disconnect(self, by: Principal, account: str, provider: str) -> None:
        """Take the identity of a provider from an account. Raises `NotFound`."""
        self.require(by, "secure_account", account)
        with self.database.transaction() as tx:
            find_member(tx, account)
            issuer = issuer_named(self.providers, provider)
            disconnect(tx, account=account, issuer=issuer, by=by.id)

    def unlock(self, by: Principal, account: str) -> None:
        self.require(by, "secure_account", account)
        with self.database.transaction() as tx:
            find_member(tx, account)
            unlock_account(tx, account_id=account, by=by.id)

    def create_organisation(self, by: Principal, id: str, name: str) -> None:
        self.require(by, "manage_groups")
        with self.database.transaction() as tx:
            create_organisation(tx, organisation_id=id, display_name=name, by=by.id)

    def create_team(self, by: Principal, id: str, name: str) -> None:
        self.require(by, "manage_groups")
        with self.database.transaction() as tx:
            create_team(tx, team_id=id, display_name=name, by=by.id)

    def join(self, by: Principal, team: str, account: str) -> None:
        self.require(by, "manage_account", account)
        with self.database.transaction() as tx:
            require_person(tx, account)
            join_team(tx, team_id=team, account_id=account, by=by.id)

    def leave(self, by: Principal, team: str, account: str) -> None:
        self.require(by, "manage_account", account)
        with self.database.transaction() as tx:
            leave_team(tx, team_id=team, account_id=account, by=by.id)

    def merge(self, by: Principal, team: str, into: str) -> None:
        self.require(by, "manage_groups")
        with self.database.transaction() as tx:
            merge_teams(tx, team_id=team, into=into, by=by.id)

    def document(self, member: Member, opened: dict[str, set[str]]) -> PersonDocument:
        """`opened`: by which issuers' identities each account is opened: whoever has one has no password to
        wait for."""
        issuers = opened.get(member.id, set())
        status = "live" if issuers and member.status == "invited" else member.status
        return {
            "id": member.id,
            "name": member.display_name,
            "organisation": member.organisation,
            "kind": member.kind,  # type: ignore[typeddict-item]  # the database checks it
            "status": status,  # type: ignore[typeddict-item]
            "roles": list(member.roles),
            "teams": list(member.teams),
            "second_factor": member.second_factor,
            "identities": [each.id for each in self.providers if each.issuer in issuers],
            "created_at": member.created_at,
        }

    def link(self, invitation: Invitation) -> InvitationDocument:
        # in the query: a log of requests holds paths
        return {
            "account": invitation.account,
            "link": f"{self.portal_url.rstrip('/')}/invitations?link={invitation.link_secret}",
            "expires_at": invitation.expires_at,
        }


def faults_of(faults: Sequence[tuple[Line, CihuError]]) -> InvalidInput:
    def told(language: str) -> str:
        return " ".join(
            f"{line.number}: {' '.join(fault.words(language)).strip()}" for line, fault in faults[:SHOWN]
        )

    return InvalidInput(
        f"Nobody was invited: {len(faults)} lines have faults. Line {told('en')}",
        code="people_file_faults",
        remedy="Correct these lines and send the whole file again.",
        zh=f"未邀请任何人：{len(faults)} 行有误。第 {told('zh')}",
        remedy_zh="请更正这些行，然后重新提交整个文件。",
    )


def group(each: Group) -> GroupDocument:
    return {
        "id": each.id,
        "name": each.display_name,
        "members": each.members,
        "merged_into": each.merged_into,
    }
