# One image for portal, vault, hub, migrations, and (in the hub's pod) sealed kernels. From the repository's root:
#   docker build -f helm/images/services.Dockerfile -t cihu:0.1.0 .
# It is a checkout made by `make setup`, from the same locks as on any machine.
FROM python:3.11-slim-trixie
RUN apt-get update \
    && apt-get install -y --no-install-recommends make util-linux \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --uid 65532 --home-dir /tmp --no-create-home --shell /usr/sbin/nologin cihu
WORKDIR /opt/cihu
COPY . .
RUN make setup
USER 65532:65532
ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 PATH=/opt/cihu/.venv/bin:$PATH
