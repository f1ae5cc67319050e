"""How do people come to a notebook? JupyterHub's side: login, servers, and kernels in their seals."""
