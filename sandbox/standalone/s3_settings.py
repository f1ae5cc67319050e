"""Settings that make the embedded S3 server private. Pure: values in, texts and arguments out.

It is SeaweedFS: a master, a volume server, a filer and an S3 gateway in one process. Out of the box it
reports to its maker, listens on eight ports without asking anybody's name, and runs out of volumes; each
setting below says which of these it ends.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

PORTS = ("s3", "s3_grpc", "master", "master_grpc", "volume", "volume_grpc", "filer", "filer_grpc")


@dataclass(frozen=True)
class Credential:
    """A key pair of the S3 server."""

    access_key: str
    secret_key: str = field(repr=False)


def identities(
    vault: Credential, portal: Credential, *, product_bucket: str, own_buckets: tuple[str, ...]
) -> str:
    """Who may do what: the vault everything in its own buckets and in the products', which the portal reads;
    nobody else anything."""
    rows = (
        ("vault", vault, [f"Admin:{bucket}" for bucket in (*own_buckets, product_bucket)]),
        ("portal", portal, [f"Read:{product_bucket}", f"List:{product_bucket}"]),
    )
    return json.dumps(
        {
            "identities": [
                {
                    "name": name,
                    "credentials": [{"accessKey": key.access_key, "secretKey": key.secret_key}],
                    "actions": actions,
                }
                for name, key, actions in rows
            ]
        },
        indent=1,
    )


def security(signing: Mapping[str, str], kek: str, certificate: Path, private_key: Path) -> str:
    """security.toml: every inner port asks for our certificate, every inner request is signed,
    and `kek` encrypts at rest.

    `signing` has the keys jwt.signing, jwt.signing.read, jwt.filer_signing, jwt.filer_signing.read; `kek` is
    64 hex digits. Without the certificates any account of this machine could read metadata, or be handed a
    write token by the master.
    """
    pair = {"cert": str(certificate), "key": str(private_key)}
    sections: dict[str, Mapping[str, object]] = {name: {"key": key} for name, key in signing.items()}
    sections |= {
        "s3.sse": {"kek": kek},
        "access": {"ui": False},
        "filer.expose_directory_metadata": {"enabled": False},
    }
    sections |= {"grpc": {"ca": str(certificate)}}
    sections |= {f"grpc.{part}": pair for part in ("master", "volume", "filer", "s3", "client")}
    return "\n".join(
        f"[{name}]\n" + "".join(f"{key} = {json.dumps(value)}\n" for key, value in rows.items())
        for name, rows in sections.items()
    )


def arguments(home: Path, ports: Mapping[str, int]) -> list[str]:
    """The command line after the program's name. `ports` has a number for each of `PORTS`."""
    return [
        "-logtostderr=true",
        "server",
        "-disableHttp=true",
        f"-dir={home / 'data'}",
        "-ip=127.0.0.1",
        "-ip.bind=127.0.0.1",
        "-master.telemetry=false",  # or it reports to its maker
        f"-master.port={ports['master']}",
        f"-master.port.grpc={ports['master_grpc']}",
        "-master.electionTimeout=1s",  # there is one master: nobody to wait for
        # many small volumes, or a handful of buckets uses them up
        "-master.volumeSizeLimitMB=256",
        "-volume.max=0",
        "-volume.minFreeSpace=256MiB",  # not a percentage: a big disk that is nearly full is still a disk
        f"-volume.port={ports['volume']}",
        f"-volume.port.grpc={ports['volume_grpc']}",
        "-volume.preStopSeconds=0",
        "-filer",
        f"-filer.port={ports['filer']}",
        f"-filer.port.grpc={ports['filer_grpc']}",
        "-filer.disableHttp=true",
        f"-filer.localSocket={home / 'filer.sock'}",
        "-s3",
        f"-s3.port={ports['s3']}",
        f"-s3.port.grpc={ports['s3_grpc']}",
        f"-s3.localSocket={home / 's3.sock'}",
        f"-s3.config={home / 'identities.json'}",
        "-s3.port.iceberg=0",
        "-s3.port.lance=0",
        "-s3.iam=false",  # three more services that nobody here asked for
        "-s3.autoCreateBucket=false",
        "-s3.allowDeleteBucketNotEmpty=false",
    ]


def environment(home: Path) -> dict[str, str]:
    """Nothing of ours, and a home of its own, so that it reads no settings of the machine's."""
    return {"HOME": str(home), "PATH": "/usr/bin:/bin", "WEED_MASTER_VOLUME_GROWTH_COPY_1": "1"}
