"""JupyterHub's side: login, servers, and kernels in their seals."""
