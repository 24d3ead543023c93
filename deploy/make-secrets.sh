#!/bin/sh
# Makes the secrets that compose.postgres.yaml hands over, in secrets/ beside this file.
# What is there already stays: a new key opens nothing that the old one closed.
#
# The folder is its owner's alone. The files in it are readable by all, because the
# container reads them as user 10001, who is nobody on this machine.
set -eu
umask 077
cd "$(dirname -- "$0")"
mkdir -p secrets

random() { python3 -c "import base64, secrets; print($1)"; }

# keep NAME VALUE
keep() {
    [ ! -s "secrets/$1" ] || return 0
    printf '%s\n' "$2" >"secrets/$1.new"
    chmod 444 "secrets/$1.new"
    mv "secrets/$1.new" "secrets/$1"
    echo "made secrets/$1"
}

keep postgres-password "$(random 'secrets.token_urlsafe(32)')"
keep secret-key "$(random 'base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()')"
keep database-url "postgresql://scim_connector:$(cat secrets/postgres-password)@postgres/scim_connector"
