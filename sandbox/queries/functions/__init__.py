"""The constructs of the language that are computed for a row: one specification each, in one registry.

`registry.CONSTRUCTS` lists them, `construct.Construct` says which facets each has. A new function is an entry
of its family's file: its SQL, which must be total, its result's width in bytes, and its steps. Bounds on a
whole expression follow from them: `cost.width_of`, `cost.steps_a_row`.
"""
