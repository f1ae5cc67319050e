"""Offers the sealed kernel alone, whatever else is installed on the machine."""

import os
from typing import Any

from jupyter_client.kernelspec import NATIVE_KERNEL_NAME, KernelSpec, KernelSpecManager
from traitlets import default

from sandbox.hub.settings import CHECKOUT

SEALED = "cihu"
IN_CHINESE = "磁湖（密封 Python）"


class SealedKernelSpecs(KernelSpecManager):
    """The specs in `kernels/`, not those of the interpreter, the person or the system."""

    @default("kernel_dirs")
    def _ours_alone(self) -> list[str]:
        return [str(CHECKOUT / "kernels")]

    def get_kernel_spec(self, kernel_name: str) -> KernelSpec:
        """A notebook from elsewhere asks for Jupyter's own Python kernel; it gets the sealed one."""
        spec: Any = super().get_kernel_spec(SEALED if kernel_name == NATIVE_KERNEL_NAME else kernel_name)
        if os.environ.get("CIHU_LANGUAGE", "") == "zh":
            spec.display_name = IN_CHINESE
        return spec  # type: ignore[no-any-return]
