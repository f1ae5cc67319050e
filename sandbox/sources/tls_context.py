"""Makes the TLS settings with which a source is connected to."""

import ssl

from sandbox.sources.failures import SourceFailure
from sandbox.sources.source_list import DataSource


def tls_context(source: DataSource) -> ssl.SSLContext:
    """Certificates are checked, by the authority that the source names or by the machine's.
    Raises `SourceFailure`."""
    try:
        return ssl.create_default_context(cafile=source.ca or None)
    except OSError:
        raise SourceFailure("source_tls") from None
