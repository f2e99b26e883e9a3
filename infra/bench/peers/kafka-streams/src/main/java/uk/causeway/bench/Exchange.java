package uk.causeway.bench;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Instant;
import java.util.Base64;
import org.apache.avro.generic.GenericDatumReader;
import org.apache.avro.generic.GenericDatumWriter;
import org.apache.avro.generic.GenericRecord;
import org.apache.avro.io.BinaryDecoder;
import org.apache.avro.io.BinaryEncoder;
import org.apache.avro.io.DecoderFactory;
import org.apache.avro.io.EncoderFactory;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.internals.RecordHeaders;
import org.apache.kafka.streams.processor.api.Processor;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.processor.api.RecordMetadata;

/**
 * Releases one record to all recipients. What they have in common (the projected bytes, the headers) is made once, as the
 * exchange does it. The chain is kept in memory only: a restart would begin a new one, which the benchmark does not do.
 */
final class Exchange implements Processor<byte[], byte[], byte[], byte[]> {
    private static final Base64.Encoder BASE64 = Base64.getUrlEncoder().withoutPadding();

    private final Peer.Job job;
    private final GenericDatumReader<GenericRecord> reader;
    private final GenericDatumWriter<GenericRecord> writer;
    private final MessageDigest sha256;
    private final ByteArrayOutputStream projected = new ByteArrayOutputStream(1_024);
    private ProcessorContext<byte[], byte[]> context;
    private BinaryDecoder decoder;
    private BinaryEncoder encoder;
    private GenericRecord reused;
    private byte[] head = new byte[32];
    private long sequence;

    Exchange(Peer.Job job) {
        this.job = job;
        reader = new GenericDatumReader<>(job.writer(), job.view());
        writer = new GenericDatumWriter<>(job.view());
        try {
            sha256 = MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException error) {
            throw new IllegalStateException(error);
        }
    }

    @Override
    public void init(ProcessorContext<byte[], byte[]> context) {
        this.context = context;
    }

    @Override
    public void process(Record<byte[], byte[]> record) {
        byte[] body = project(record.value());
        RecordHeaders released = new RecordHeaders();
        for (Header header : record.headers()) if (!header.key().equals("ce_tokens")) released.add(header);
        released.add("ce_agreement", job.agreement().getBytes(UTF_8));
        StringBuilder decisions = new StringBuilder();
        for (Peer.Recipient recipient : job.recipients()) {
            byte[] value = ByteBuffer.allocate(5 + body.length).put((byte) 0).putInt(recipient.viewId()).put(body).array();
            context.forward(record.withValue(value).withHeaders(new RecordHeaders(released)), recipient.topic());
            decisions.append(decisions.isEmpty() ? "" : ",")
                .append("{\"recipient\":\"").append(recipient.id())
                .append("\",\"outcome\":\"released\",\"agreements\":[\"").append(job.agreement())
                .append("\"],\"viewId\":").append(recipient.viewId())
                .append(",\"valueDigest\":\"").append(digest(value)).append("\"}");
        }
        byte[] entry = ledgerRecord(record, decisions).getBytes(UTF_8);
        // The record's key as well, so that it goes to the partition of its input.
        context.forward(record.withValue(entry).withHeaders(new RecordHeaders()), job.ledger());
        sha256.update(head);
        head = sha256.digest(entry);
        sequence += 1;
    }

    private byte[] project(byte[] value) {
        try {
            decoder = DecoderFactory.get().binaryDecoder(value, 5, value.length - 5, decoder);
            reused = reader.read(reused, decoder);
            projected.reset();
            encoder = EncoderFactory.get().directBinaryEncoder(projected, encoder);
            writer.write(reused, encoder);
            encoder.flush();
            return projected.toByteArray();
        } catch (IOException error) {
            throw new IllegalStateException(error);
        }
    }

    private String ledgerRecord(Record<byte[], byte[]> record, StringBuilder decisions) {
        RecordMetadata from = context.recordMetadata().orElseThrow();
        return "{\"sequence\":" + sequence
            + ",\"previous\":\"" + BASE64.encodeToString(head)
            + "\",\"position\":{\"topic\":\"" + from.topic() + "\",\"partition\":" + from.partition()
            + ",\"offset\":" + from.offset()
            + "},\"decidedAt\":\"" + Instant.ofEpochMilli(System.currentTimeMillis())
            + "\",\"agreementsOffset\":0,\"kind\":\"decision\",\"eventId\":\"" + text(record, "ce_id")
            + "\",\"type\":\"" + text(record, "ce_type")
            + "\",\"source\":\"" + text(record, "ce_source")
            + "\",\"tokens\":[\"" + text(record, "ce_tokens").replace(" ", "\",\"")
            + "\"],\"otherTokens\":[],\"classification\":\"" + text(record, "ce_dataclassification")
            + "\",\"valueDigest\":\"" + digest(record.value())
            + "\",\"decisions\":[" + decisions + "]}";
    }

    private static String text(Record<byte[], byte[]> record, String header) {
        return new String(record.headers().lastHeader(header).value(), UTF_8);
    }

    private String digest(byte[] value) {
        return BASE64.encodeToString(sha256.digest(value));
    }
}
