#!/usr/bin/env bash
# Where are this system's certificate authorities, a company's own among them? Prints the bundle; status 1 where there is none.
set -euo pipefail

for bundle in "${SSL_CERT_FILE:-}" /etc/ssl/certs/ca-certificates.crt /etc/pki/tls/certs/ca-bundle.crt /etc/ssl/ca-bundle.pem \
  /etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem /etc/ssl/cert.pem; do
  if [ -n "$bundle" ] && [ -s "$bundle" ]; then
    echo "$bundle"
    exit 0
  fi
done
exit 1
