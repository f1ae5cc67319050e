"""What a second organisation runs to witness a log: it verifies, co-signs, and keeps evidence of a fork."""

from sandbox.witness.evidence import LogForked, verify_evidence
from sandbox.witness.round import LogSource, Round, witness_round
from sandbox.witness.state import WitnessState, create_witness

__all__ = [
    "LogForked",
    "LogSource",
    "Round",
    "WitnessState",
    "create_witness",
    "verify_evidence",
    "witness_round",
]
