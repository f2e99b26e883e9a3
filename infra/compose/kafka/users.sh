#!/bin/bash
# Gives each principal the password of its secret. Running it again after a secret was replaced rotates that password.
set -eu
secrets=${KAFKA_SECRETS:-/run/secrets}
settings=$(mktemp)
trap 'rm -f "$settings"' EXIT
cat > "$settings" <<PROPERTIES
security.protocol=SASL_SSL
sasl.mechanism=SCRAM-SHA-512
sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required username="admin" password="$(cat "$secrets/kafka-admin")";
ssl.truststore.type=PEM
ssl.truststore.location=$secrets/ca
PROPERTIES
for principal in $KAFKA_PRINCIPALS; do
  "${KAFKA_BIN:-/opt/kafka/bin}/kafka-configs.sh" --bootstrap-server "$KAFKA_BROKERS" --command-config "$settings" --alter \
    --entity-type users --entity-name "$principal" \
    --add-config "SCRAM-SHA-512=[password=$(cat "$secrets/kafka-$principal")]"
done
