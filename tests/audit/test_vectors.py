"""The tree and the notes are the published ones: proofs made elsewhere verify here, spoilt ones do not."""

import base64
import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from sandbox.audit.note import NotProven, PublicKey, encode, open_note, sign_note
from sandbox.audit.tree import EMPTY_ROOT, Growth, Node, consistency_faults, hash_leaf, inclusion_faults
from sandbox.errors import InvalidInput

FOLDER = Path(__file__).parent / "vectors"


def vectors(name: str) -> Any:
    return json.loads((FOLDER / f"{name}.json").read_text())


def hashes(texts: list[str] | None) -> list[bytes]:
    return [base64.b64decode(text) for text in texts or []]


def inclusion_fault(case: dict[str, Any]) -> str:
    leaf, root = base64.b64decode(case["leafHash"]), base64.b64decode(case["root"])
    return inclusion_faults(leaf, case["leafIdx"], case["treeSize"], hashes(case["proof"]), root)


def consistency_fault(case: dict[str, Any]) -> str:
    roots = base64.b64decode(case["root1"]), base64.b64decode(case["root2"])
    return consistency_faults(case["size1"], case["size2"], hashes(case["proof"]), *roots)


@pytest.mark.parametrize("case", vectors("inclusion"), ids=lambda case: case["file"])
def test_inclusion_proofs_are_judged_as_published(case: dict[str, Any]) -> None:
    assert bool(inclusion_fault(case)) == case["wantErr"], inclusion_fault(case)


@pytest.mark.parametrize("case", vectors("consistency"), ids=lambda case: case["file"])
def test_consistency_proofs_are_judged_as_published(case: dict[str, Any]) -> None:
    assert bool(consistency_fault(case)) == case["wantErr"], consistency_fault(case)


def spoilt(case: dict[str, Any], numbers: tuple[str, ...], roots: tuple[str, ...]) -> list[dict[str, Any]]:
    """The case with each of the published kinds of damage done to it."""
    proof = case["proof"] or []
    other = encode(bytes(31) + b"\x01")
    proofs = [[other, *proof], [*proof, other], ["", *proof], [*proof, ""]]
    proofs += [[case[root], *proof] for root in roots] + [[*proof, case[root]] for root in roots]
    proofs += [proof[:-1], proof[1:]] if proof else []
    proofs += [[*proof[:1], other, *proof[1:]]] if proof else []
    for place, hash in enumerate(hashes(proof)):
        for bit in (0, 3, 4, 255):
            flipped = (int.from_bytes(hash) ^ (1 << bit)).to_bytes(32)
            proofs.append([*proof[:place], encode(flipped), *proof[place + 1 :]])
    changed = [case | {"proof": spoiled} for spoiled in proofs]
    changed += [case | {name: case[name] + step} for name in numbers for step in (1, -1)]
    changed += [case | {name: case[name] ^ 2} for name in numbers]
    return changed + [case | {root: wrong} for root in roots for wrong in (other, "", encode(EMPTY_ROOT))]


@pytest.mark.parametrize(
    "case", [c for c in vectors("inclusion") if not c["wantErr"]], ids=lambda case: case["file"]
)
def test_no_spoilt_inclusion_proof_is_accepted(case: dict[str, Any]) -> None:
    for bad in spoilt(case, ("leafIdx",), ("root", "leafHash")):
        assert inclusion_fault(bad), bad
    for size in (case["treeSize"] * 2, case["treeSize"] // 2, 0, -1):
        assert inclusion_fault(case | {"treeSize": size})


@pytest.mark.parametrize(
    "case",
    [c for c in vectors("consistency") if c["file"].endswith("happy-path.json")],
    ids=lambda case: case["file"],
)
def test_no_spoilt_consistency_proof_is_accepted(case: dict[str, Any]) -> None:
    for bad in spoilt(case, (), ("root1", "root2")):
        assert consistency_fault(bad), bad
    for size in (case["size1"] - 1, case["size2"] + 1, case["size2"] * 3):
        assert consistency_fault(case | {"size1": size})
    if case["root1"] != case["root2"]:
        assert consistency_fault(case | {"root1": case["root2"], "root2": case["root1"]})


def test_every_root_and_node_of_the_eight_leaves_is_the_published_one() -> None:
    tree = vectors("tree")
    growth = Growth()
    found: dict[Node, bytes] = {}
    assert growth.root().hex() == tree["roots"][0]
    for leaf, root in zip(tree["leaves"], tree["roots"][1:], strict=True):
        found |= dict(growth.add(hash_leaf(bytes.fromhex(leaf))))
        assert growth.root().hex() == root
    assert found == {
        Node(level, place): bytes.fromhex(hash)
        for level, row in enumerate(tree["nodes"])
        for place, hash in enumerate(row)
    }


@pytest.mark.parametrize("case", vectors("notes"), ids=lambda case: case["source"])
def test_published_notes_open_with_their_key_and_sign_to_the_same_bytes(case: dict[str, Any]) -> None:
    key = PublicKey.parse(case["key"])
    assert str(key) == case["key"]
    assert open_note(case["note"], key) == case["text"]
    if "signing_key" in case:
        private = Ed25519PrivateKey.from_private_bytes(base64.b64decode(case["signing_key"])[1:])
        assert sign_note(case["text"], key.name, private) == case["note"]


def test_a_note_with_a_witness_beside_the_log_opens_and_one_of_the_witness_alone_does_not() -> None:
    first, second = vectors("notes")
    witness = Ed25519PrivateKey.generate()
    signature = sign_note(second["text"], "witness.example/w1", witness).rpartition("\n\n")[2]
    assert open_note(second["note"] + signature, PublicKey.parse(second["key"])) == second["text"]
    with pytest.raises(NotProven, match="not signed by example"):
        open_note(second["note"], PublicKey.parse(first["key"]))


def test_every_changed_character_of_a_note_or_its_key_is_noticed() -> None:
    case = vectors("notes")[1]
    key = PublicKey.parse(case["key"])
    for place, letter in enumerate(case["note"]):
        changed = case["note"][:place] + ("x" if letter != "x" else "y") + case["note"][place + 1 :]
        with pytest.raises(NotProven):
            open_note(changed, key)
    for start, end in pairwise(range(0, len(case["note"]), 7)):
        with pytest.raises(NotProven):
            open_note(case["note"][:start] + case["note"][end:], key)
    for place, letter in enumerate(case["key"]):
        with pytest.raises(InvalidInput):
            PublicKey.parse(case["key"][:place] + ("x" if letter != "x" else "y") + case["key"][place + 1 :])
