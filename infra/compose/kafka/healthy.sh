#!/bin/bash
# Healthy means that the administrator can log in and list the nodes.
set -eu
settings=$(mktemp)
trap 'rm -f "$settings"' EXIT
cat > "$settings" <<PROPERTIES
security.protocol=SASL_SSL
sasl.mechanism=SCRAM-SHA-512
sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required username="admin" password="$(cat /run/secrets/kafka-admin)";
ssl.truststore.type=PEM
ssl.truststore.location=/run/secrets/ca
PROPERTIES
KAFKA_HEAP_OPTS=-Xmx64m exec "${KAFKA_BIN:-/opt/kafka/bin}/kafka-broker-api-versions.sh" \
  --bootstrap-server "${KAFKA_HOST}:9092" --command-config "$settings" > /dev/null
