"""Cosignatures and policies are those of C2SP, byte for byte; what is not, is refused."""

import base64
import hashlib

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from sandbox.audit.cosignatures import WitnessKey, cosign, read_cosignatures
from sandbox.audit.note import NotProven, PublicKey, sign_note
from sandbox.audit.witness_policy import parse_witness_policy
from sandbox.errors import InvalidInput

TEXT = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
LOG, WITNESS = (Ed25519PrivateKey.from_private_bytes(bytes([n]) * 32) for n in (1, 2))
NAME = "witness.example.com/w1"
KEY = WitnessKey(NAME, WITNESS.public_key().public_bytes_raw())
OTHER = WitnessKey("w2.example", LOG.public_key().public_bytes_raw())


def note(*lines: str) -> str:
    return sign_note(TEXT, "example.com/behind-the-sofa", LOG) + "".join(lines)


def test_the_key_of_a_public_witness_is_read_with_its_published_id() -> None:
    """A vkey of the public witness network, from transparency-dev/formats (note_cosigv1_test.go)."""
    published = "remora.n621.de+da77ade7+BOvN63jn/bLvkieywe8R6UYAtVtNbZpXh34x7onlmtw2"
    assert str(WitnessKey.parse(published)) == published
    with pytest.raises(InvalidInput, match="not an Ed25519 key of a log"):
        PublicKey.parse(published)
    with pytest.raises(InvalidInput, match="not an Ed25519 key of a witness"):
        WitnessKey.parse("PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW")


def test_a_cosignature_is_the_specified_bytes() -> None:
    made = cosign(TEXT, NAME, WITNESS, time=1679315147)
    value = base64.b64decode(made.line.rpartition(" ")[2])
    raw = WITNESS.public_key().public_bytes_raw()
    assert made.line.startswith(f"\N{EM DASH} {NAME} ") and made.line.endswith("\n")
    assert value[:4] == hashlib.sha256(f"{NAME}\n".encode() + b"\x04" + raw).digest()[:4]
    assert value[4:12] == (1679315147).to_bytes(8, "big")
    message = b"cosignature/v1\ntime 1679315147\n" + TEXT.encode()
    WITNESS.public_key().verify(value[12:], message)
    assert len(value) == 76


def test_cosignatures_of_known_witnesses_are_found_and_of_each_the_newest() -> None:
    lines = [cosign(TEXT, NAME, WITNESS, time=time).line for time in (5, 9, 7)]
    stranger = cosign(TEXT, "stranger.example", Ed25519PrivateKey.generate(), time=8).line
    assert [(each.key, each.time) for each in read_cosignatures(note(*lines, stranger), [KEY])] == [(KEY, 9)]
    assert read_cosignatures(note(stranger), [KEY]) == []


def test_a_cosignature_of_other_words_or_another_time_is_wrong() -> None:
    good = base64.b64decode(cosign(TEXT, NAME, WITNESS, time=9).line.rpartition(" ")[2])
    plain = sign_note(TEXT, NAME, WITNESS).rpartition("\n\n")[2]
    spoilt = [
        good[:4] + (10).to_bytes(8) + good[12:],
        good[:4] + bytes(8) + good[12:],
        good[:4] + (2**63).to_bytes(8) + good[12:],
        good[:-1],
        good[:12] + bytes(64),
        base64.b64decode(cosign(TEXT.replace("163", "164"), NAME, WITNESS, time=9).line.rpartition(" ")[2]),
    ]
    for value in spoilt:
        line = f"\N{EM DASH} {NAME} {base64.b64encode(value).decode()}\n"
        with pytest.raises(NotProven):
            read_cosignatures(note(line), [KEY])
    assert read_cosignatures(note(plain), [KEY]) == []  # a signature of a note is no cosignature


def test_a_policy_of_groups_says_when_a_checkpoint_is_witnessed() -> None:
    third = WitnessKey("w3.example", bytes(32))
    policy = parse_witness_policy(
        f"# comment\nlog {PublicKey('example.com/log', bytes(32))} https://log.example\n"
        f"witness a {KEY}\n\twitness b {OTHER}  https://b.example\nwitness c {third}\n"
        "group two 2 a b\ngroup all-of all two c\nquorum all-of\n"
    )
    assert [log.name for log in policy.logs] == ["example.com/log"]
    assert policy.met_by([KEY, OTHER, third]) and not policy.met_by([KEY, OTHER])
    assert not policy.met_by([KEY, third])
    assert parse_witness_policy("quorum none\n").met_by([])


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "no quorum"),
        ("quorum none\nquorum none", "line 2: there is a second quorum"),
        ("quorum a", "a is not defined"),
        (f"witness a {KEY}\nwitness b {KEY}\nquorum a", "line 2: this witness is there already"),
        (f"witness a {KEY}\nwitness a {OTHER}\nquorum a", "the name a is taken"),
        (f"witness none {KEY}\nquorum none", "the name none is taken"),
        (f"witness a {KEY}\ngroup g 2 a\nquorum g", "'2' of 1 cannot be"),
        (f"witness a {KEY}\ngroup g 0 a\nquorum g", "'0' of 1 cannot be"),
        (f"witness a {KEY}\ngroup g any a a\nquorum g", "a is a member a second time"),
        (f"group g any a\nwitness a {KEY}\nquorum g", "line 1: a is not defined"),
        ("witness a x+00000000+AQ==\nquorum a", "line 1: The public key is not"),
        ("quorum none\r", "a control character"),
        ("witnesses a b", "'witnesses' is not understood"),
    ],
)
def test_a_policy_that_is_wrong_is_refused_with_its_line(text: str, fault: str) -> None:
    with pytest.raises(InvalidInput, match=fault.replace("(", r"\(")):
        parse_witness_policy(text)
