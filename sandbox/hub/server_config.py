"""The single-user server's configuration: one kernel, no terminals, nothing that calls home.
Read by Jupyter, not imported."""

import os
from pathlib import Path

from traitlets.config import get_config

from sandbox.hub.lab_settings import write_lab_settings

HOUR = 3600

c = get_config()

# the only kernel is the sealed one, started by its provisioner
c.ServerApp.kernel_spec_manager_class = "sandbox.hub.kernelspecs.SealedKernelSpecs"
c.KernelSpecManager.ensure_native_kernel = False
c.KernelSpecManager.allowed_kernelspecs = {"cihu"}
c.MultiKernelManager.default_kernel_name = "cihu"
c.KernelProvisionerFactory.default_provisioner_name = "cihu-sealed"
IDLE = int(os.environ.get("CIHU_KERNEL_IDLE_SECONDS", 2 * HOUR))
c.AsyncMappingKernelManager.cull_idle_timeout = IDLE
c.AsyncMappingKernelManager.cull_interval = max(1, min(300, IDLE // 4))
c.AsyncMappingKernelManager.cull_connected = False

# one form of log line in all services
c.ServerApp.logging_config = {
    "handlers": {"console": {"formatter": "lines"}},
    "formatters": {"lines": {"()": "sandbox.http.log_lines.LineFormatter", "service": "workspace"}},
}

c.ServerApp.terminals_enabled = False
c.ServerApp.contents_manager_class = "sandbox.hub.contents.WorkspaceContents"
c.ServerApp.allow_root = True  # the service may be root's; the kernels never are
c.ServerApp.disable_check_xsrf = False
c.ServerApp.allow_unauthenticated_access = False
c.ServerApp.open_browser = False
c.ServerApp.shutdown_no_activity_timeout = 8 * HOUR
c.ServerApp.max_buffer_size = 256 * 1024 * 1024
c.ContentsManager.allow_hidden = False
c.FileContentsManager.delete_to_trash = False

# nothing calls home, nothing is installed from here
# switches off the pages whose server side is not here
c.LabApp.app_settings_dir = str(
    write_lab_settings(
        Path(os.environ["HOME"]) / "lab",
        language=os.environ.get("CIHU_LANGUAGE", ""),
        portal_url=os.environ.get("CIHU_PORTAL_URL", ""),
    )
)
c.LabApp.news_url = None
c.LabApp.check_for_updates_class = "jupyterlab.NeverCheckForUpdate"
c.LabApp.extension_manager = "readonly"
c.LabApp.core_mode = True  # the pages that the package ships: no build, no manager of extensions or plugins
