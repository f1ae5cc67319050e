"""The hub's configuration, from the settings.
Read by JupyterHub (`python -m sandbox.hub -f`), not imported."""

import logging
import sys
from pathlib import Path

from traitlets.config import get_config

from sandbox.errors import CihuError
from sandbox.free_ports import free_port
from sandbox.http.health import room_on_disk
from sandbox.http.log_lines import set_up
from sandbox.http.redacted_logs import redact_logs
from sandbox.hub import run_folder
from sandbox.hub.connection_limits import limit_connections
from sandbox.hub.health import answers, folder_of_sockets, health_handlers
from sandbox.hub.login import PortalAuthenticator
from sandbox.hub.pages import speak_languages
from sandbox.hub.settings import hub_settings, take_secrets
from sandbox.hub.spawner import WorkspaceSpawner
from sandbox.memory_dumps import forbid_core_dumps
from sandbox.seals import check_seal

redact_logs()
forbid_core_dumps()  # and so for the proxy, people's servers and their kernels
limit_connections()
logging.getLogger("httpx").setLevel(logging.WARNING)

try:
    settings = hub_settings()
    # a hub that cannot seal kernels would only disappoint later
    check_seal(settings.kernel_python)
except CihuError as error:
    sys.exit(f"The hub cannot start: {error}")

# the proxy and people's servers are started by this process, and need neither
_, crypt_key = take_secrets("CIHU_HUB_CLIENT_SECRET", "JUPYTERHUB_CRYPT_KEY")

# what servers of the hub's last life left, should their guards have been killed too
run_folder.sweep(settings.home / "run")
settings.folder.mkdir(parents=True, exist_ok=True)
settings.folder.chmod(0o700)
HERE = Path(__file__).parent
HOUR = 3600

c = get_config()

# where it listens: the proxy has the one public port, all else is on the loopback
c.JupyterHub.bind_url = f"http://{settings.bind}"
c.JupyterHub.hub_ip = "127.0.0.1"
c.JupyterHub.hub_port = free_port()
c.JupyterHub.public_url = settings.hub_url
c.ConfigurableHTTPProxy.command = [sys.executable, "-m", "sandbox.hub.proxy"]
c.ConfigurableHTTPProxy.api_url = f"http://127.0.0.1:{free_port()}"
c.ConfigurableHTTPProxy.pid_file = str(settings.folder / "proxy.pid")

# one form of log line in all services; the hub's own health, beside JupyterHub's /hub/health
set_up("hub")
c.JupyterHub.logging_config = {
    "handlers": {"console": {"formatter": "lines"}},
    "formatters": {"lines": {"()": "sandbox.http.log_lines.LineFormatter", "service": "hub"}},
}
c.JupyterHub.extra_handlers = health_handlers(
    {
        "disk": room_on_disk(settings.home),
        "vault": answers(f"{settings.vault_url}/health/live"),
        "portal": answers(f"{settings.portal_url}/health/live"),
        "kernels": folder_of_sockets(settings.home / "run" / "vault"),
    }
)

# its pages: the city's name and colours, in the person's language, with a way back to the portal
c.JupyterHub.template_paths = [str(HERE / "templates")]
c.JupyterHub.logo_file = str(HERE / "lab" / "mark.svg")
speak_languages(settings.portal_url)

# what it keeps
c.JupyterHub.db_url = f"sqlite:///{settings.folder / 'jupyterhub.sqlite'}"
c.JupyterHub.cookie_secret_file = str(settings.folder / "cookie_secret")
c.JupyterHub.cookie_max_age_days = 0.5
c.JupyterHub.authenticate_prometheus = True
c.JupyterHub.allow_named_servers = False
c.JupyterHub.concurrent_spawn_limit = 16
c.JupyterHub.active_server_limit = 200
c.JupyterHub.cleanup_servers = True
c.JupyterHub.tornado_settings = {"slow_spawn_timeout": 20}

# who comes in
c.JupyterHub.authenticator_class = PortalAuthenticator
c.PortalAuthenticator.home = str(settings.home)
c.PortalAuthenticator.portal_url = settings.portal_url
c.PortalAuthenticator.login_service = "Cihu"
c.PortalAuthenticator.auto_login = True
c.PortalAuthenticator.client_id = "cihu-hub"
c.PortalAuthenticator.client_secret = settings.client_secret
c.PortalAuthenticator.oauth_callback_url = f"{settings.hub_url}/hub/oauth_callback"
c.PortalAuthenticator.authorize_url = f"{settings.portal_url}/oauth/authorize"
c.PortalAuthenticator.token_url = f"{settings.portal_url}/oauth/token"
c.PortalAuthenticator.userdata_url = f"{settings.portal_url}/oauth/userinfo"
c.PortalAuthenticator.logout_redirect_url = settings.portal_url
c.PortalAuthenticator.scope = ["openid", "workspace"]
c.PortalAuthenticator.username_claim = "sub"
c.PortalAuthenticator.enable_pkce = True
c.PortalAuthenticator.enable_auth_state = True  # encrypted with JUPYTERHUB_CRYPT_KEY
c.CryptKeeper.keys = [key for key in crypt_key.split(";") if key.strip()]
c.PortalAuthenticator.refresh_pre_spawn = True
c.PortalAuthenticator.auth_refresh_age = 300
c.PortalAuthenticator.admin_users = set()
c.PortalAuthenticator.any_allow_config = True  # who may is decided in check_allowed, by the portal's roles

# what a login lets them do at the hub: see themselves, start, stop and use their own server;
# tokens are given to nobody
c.JupyterHub.load_roles = [
    {
        "name": "user",
        "scopes": ["read:users!user", "users:activity!user", "servers!user", "access:servers!user"],
    }
]
c.JupyterHub.token_expires_in_max_seconds = 12 * HOUR

# what they get
c.JupyterHub.spawner_class = WorkspaceSpawner
c.WorkspaceSpawner.home = str(settings.home)
c.WorkspaceSpawner.vault_url = settings.vault_url
c.WorkspaceSpawner.portal_url = settings.portal_url
c.WorkspaceSpawner.kernel_python = str(settings.kernel_python)
c.Spawner.cmd = [sys.executable, "-m", "sandbox.hub.server"]
c.Spawner.args = [f"--config={HERE / 'server_config.py'}"]
c.Spawner.ip = "127.0.0.1"
c.Spawner.disable_user_config = True
c.Spawner.env_keep = ["LANG", "LC_ALL", "PATH", "PYTHONPATH"]
c.Spawner.start_timeout = 60
c.Spawner.http_timeout = 60
c.Spawner.poll_interval = 15
c.LocalProcessSpawner.interrupt_timeout = 5
c.LocalProcessSpawner.term_timeout = 5
