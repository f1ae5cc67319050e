"""How does a program run so that it sees and reaches only what it was given?"""

from sandbox.seals.bubblewrap import Bubblewrap
from sandbox.seals.check import check_seal
from sandbox.seals.host import interpreter
from sandbox.seals.model import Bind, Limits, Seal, SealedProcess

__all__ = ["Bind", "Bubblewrap", "Limits", "Seal", "SealedProcess", "check_seal", "interpreter"]
