#!/bin/bash
# The databases beside the first one. The council's stands for a reporting database that a real council has already.
set -eu
for name in registry keycloak council; do
  createdb --username "$POSTGRES_USER" "$name"
done
