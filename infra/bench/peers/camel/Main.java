import org.apache.camel.builder.RouteBuilder;
import org.apache.camel.component.kafka.KafkaComponent;
import org.apache.camel.component.kafka.KafkaConfiguration;
import org.apache.camel.component.kafka.KafkaConstants;
import org.apache.camel.component.mllp.MllpConstants;

/**
 * The peer of `npm run bench mllp`: HL7 v2 over MLLP to Kafka with acks=all, AA after the broker has it. It passes the
 * message on as it came: no translation, no schema, no recognition of repeats.
 */
public class Main {
    public static void main(String[] args) throws Exception {
        KafkaConfiguration kafka = new KafkaConfiguration();
        kafka.setBrokers(System.getenv("KAFKA_BROKERS"));
        kafka.setSecurityProtocol("SASL_PLAINTEXT");
        kafka.setSaslMechanism("SCRAM-SHA-512");
        kafka.setSaslJaasConfig(
            "org.apache.kafka.common.security.scram.ScramLoginModule required username=\""
                + System.getenv("KAFKA_USERNAME") + "\" password=\"" + System.getenv("KAFKA_PASSWORD") + "\";");
        kafka.setRequestRequiredAcks("all");
        // Newer clients wait 5 ms for company by default, which would only slow down a sender that waits for each answer.
        kafka.setLingerMs(0);
        kafka.setKeySerializer("org.apache.kafka.common.serialization.StringSerializer");
        kafka.setValueSerializer("org.apache.kafka.common.serialization.ByteArraySerializer");

        org.apache.camel.main.Main camel = new org.apache.camel.main.Main();
        KafkaComponent component = new KafkaComponent();
        component.setConfiguration(kafka);
        camel.bind("kafka", component);
        String port = System.getenv("MLLP_PORT");
        String topic = System.getenv("KAFKA_TOPIC");
        camel.configure().addRoutesBuilder(new RouteBuilder() {
            @Override
            public void configure() {
                from("mllp://127.0.0.1:" + port + "?autoAck=true&maxConcurrentConsumers=64&validatePayload=false")
                    .setHeader(KafkaConstants.KEY, header(MllpConstants.MLLP_MESSAGE_CONTROL))
                    .to("kafka:" + topic);
            }
        });
        camel.run();
    }
}
