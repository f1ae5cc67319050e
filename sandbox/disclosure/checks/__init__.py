"""Does a file show a person?
Pure checks, each a function from a subject to findings; `registry.CHECKS` names them."""
