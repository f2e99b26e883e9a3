package uk.causeway.bench;

import java.io.File;
import java.util.ArrayList;
import java.util.List;
import java.util.Properties;
import java.util.concurrent.CountDownLatch;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import org.apache.avro.Schema;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.Topology;

/**
 * The exchange's job as a Kafka Streams application: one decided record becomes one record in each recipient's topic and one
 * hash-linked record in the ledger, exactly once. Its one argument is a JSON file, written by the benchmark.
 */
public final class Peer {
    record Recipient(String id, String topic, int viewId) {}

    record Job(String input, String ledger, Schema writer, Schema view, String agreement, List<Recipient> recipients) {}

    public static void main(String[] args) throws Exception {
        JsonNode plan = new ObjectMapper().readTree(new File(args[0]));
        KafkaStreams streams = new KafkaStreams(topology(jobOf(plan)), settings(plan));
        CountDownLatch over = new CountDownLatch(1);
        streams.setStateListener((now, before) -> {
            if (now == KafkaStreams.State.RUNNING) System.out.println("running");
            if (now == KafkaStreams.State.ERROR) over.countDown();
        });
        Runtime.getRuntime().addShutdownHook(new Thread(streams::close));
        streams.start();
        over.await();
        System.exit(1);
    }

    private static Job jobOf(JsonNode plan) {
        List<Recipient> recipients = new ArrayList<>();
        for (JsonNode one : plan.get("recipients"))
            recipients.add(new Recipient(one.get("id").asText(), one.get("topic").asText(), one.get("viewId").asInt()));
        return new Job(
            plan.get("input").asText(),
            plan.get("ledger").asText(),
            new Schema.Parser().parse(plan.get("writer").toString()),
            new Schema.Parser().parse(plan.get("view").toString()),
            plan.get("agreement").asText(),
            recipients);
    }

    private static Topology topology(Job job) {
        Topology topology = new Topology();
        topology.addSource("outbox", new ByteArrayDeserializer(), new ByteArrayDeserializer(), job.input());
        topology.addProcessor("exchange", () -> new Exchange(job), "outbox");
        for (Recipient recipient : job.recipients())
            topology.addSink(recipient.topic(), recipient.topic(), new ByteArraySerializer(), new ByteArraySerializer(), "exchange");
        topology.addSink(job.ledger(), job.ledger(), new ByteArraySerializer(), new ByteArraySerializer(), "exchange");
        return topology;
    }

    /** The client's settings come from the benchmark as they are named in Kafka's documentation. */
    private static Properties settings(JsonNode plan) {
        Properties settings = new Properties();
        settings.put(StreamsConfig.PROCESSING_GUARANTEE_CONFIG, StreamsConfig.EXACTLY_ONCE_V2);
        plan.get("settings").properties().forEach(entry -> settings.put(entry.getKey(), entry.getValue().asText()));
        return settings;
    }
}
