"""A real vault, portal and hub, and a real workspace with sealed kernels: of this folder alone, because its
tests look at what a person finds in a workspace that is new."""

from workspace_fixtures import hub, kernel, one_kernel, short_home, vault, workspace

__all__ = ["hub", "kernel", "one_kernel", "short_home", "vault", "workspace"]
