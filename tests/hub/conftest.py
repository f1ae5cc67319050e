"""A real vault, portal and hub, and a real workspace with sealed kernels."""

from workspace_fixtures import hub, kernel, one_kernel, short_home, vault, workspace

__all__ = ["hub", "kernel", "one_kernel", "short_home", "vault", "workspace"]
