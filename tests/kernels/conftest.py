"""A real vault and a real workspace with sealed kernels."""

from workspace_fixtures import kernel, one_kernel, short_home, vault, workspace

__all__ = ["kernel", "one_kernel", "short_home", "vault", "workspace"]
