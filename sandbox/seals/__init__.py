"""How does a program run so that it sees and reaches only what it was given?"""

from sandbox.seals.bubblewrap import Bubblewrap, first_of
from sandbox.seals.check import check_seal
from sandbox.seals.gvisor import chosen_sealer
from sandbox.seals.host import interpreter
from sandbox.seals.model import Bind, Limits, Seal, SealedProcess
from sandbox.seals.watch import TOO_MUCH_MEMORY

__all__ = ["TOO_MUCH_MEMORY", "Bind", "Bubblewrap", "Limits", "Seal", "SealedProcess", "check_seal", "chosen_sealer", "first_of",
           "interpreter"]
