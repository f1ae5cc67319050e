"""Plan + budget + engine + noise -> an answer with its error. The DP gate, in its one order."""

from sandbox.releases.ask import ask
from sandbox.releases.context import AskContext
from sandbox.releases.explain import explain

__all__ = ["AskContext", "ask", "explain"]
