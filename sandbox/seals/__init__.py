"""Isolated processes: a sealed program sees and reaches what it was given, and nothing else."""

from sandbox.seals.bubblewrap import TOO_MUCH_PROCESSOR, Bubblewrap, first_of
from sandbox.seals.check import check_seal
from sandbox.seals.freeze import freeze, thaw
from sandbox.seals.gvisor import chosen_sealer
from sandbox.seals.host import interpreter, without_psutil
from sandbox.seals.model import Bind, Limits, Seal, SealedProcess
from sandbox.seals.watch import TOO_MUCH_MEMORY

__all__ = [
    "TOO_MUCH_MEMORY",
    "TOO_MUCH_PROCESSOR",
    "Bind",
    "Bubblewrap",
    "Limits",
    "Seal",
    "SealedProcess",
    "check_seal",
    "chosen_sealer",
    "first_of",
    "freeze",
    "interpreter",
    "thaw",
    "without_psutil",
]
