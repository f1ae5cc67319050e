"""JupyterHub with the city's configuration: `python -m sandbox.hub -f sandbox/hub/jupyterhub_config.py`."""

import gc

if __name__ == "__main__":
    gc.disable()  # as in vault/app.py

import sandbox.hub.without_iri_grammar  # noqa: F401, I001  # before all others

from jupyterhub.app import main

gc.freeze()
gc.enable()
main()
