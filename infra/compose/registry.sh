#!/bin/bash
# The registry takes its password from the environment only; here it comes from a secret.
set -eu
APICURIO_DATASOURCE_PASSWORD=$(cat /run/secrets/postgres)
export APICURIO_DATASOURCE_PASSWORD
exec /opt/jboss/container/java/run/run-java.sh
