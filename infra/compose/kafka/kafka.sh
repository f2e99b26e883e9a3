#!/bin/bash
# Prepares the storage of this node once, with the log-in of the administrator in it, and then becomes the broker.
set -eu
bin=${KAFKA_BIN:-/opt/kafka/bin}
config=${KAFKA_CONFIG:-/etc/causeway/server.properties}
secrets=${KAFKA_SECRETS:-/run/secrets}
# The nodes of one cluster share this id. It is a name, not a secret.
cluster=${KAFKA_CLUSTER_ID:-Y2F1c2V3YXktYnVzLTAwMQ}
# The tool takes passwords as arguments only. They show in the list of processes of this container, and end with it.
"$bin/kafka-storage.sh" format --ignore-formatted --cluster-id "$cluster" --config "$config" \
  --add-scram "SCRAM-SHA-512=[name=admin,password=$(cat "$secrets/kafka-admin")]"
exec "$bin/kafka-server-start.sh" "$config"
