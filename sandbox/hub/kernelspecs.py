"""Which kernels can be chosen? The sealed one, whatever else is installed on the machine."""

from jupyter_client.kernelspec import KernelSpecManager
from traitlets import default

from sandbox.hub.settings import CHECKOUT


class SealedKernelSpecs(KernelSpecManager):
    """The specs in `kernels/`, not those of the interpreter, the person or the system."""

    @default("kernel_dirs")
    def _ours_alone(self) -> list[str]:
        return [str(CHECKOUT / "kernels")]
