"""The output checks: pure functions from a subject to findings about what a file discloses.
`registry.CHECKS` names them."""
