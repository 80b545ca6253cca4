import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.apache.avro.Schema;
import org.apache.avro.generic.GenericDatumReader;
import org.apache.avro.io.DecoderFactory;
import org.apache.kafka.common.serialization.Deserializer;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.KeyValue;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.errors.StreamsUncaughtExceptionHandler.StreamThreadExceptionResponse;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.Produced;
import org.apache.kafka.streams.kstream.Repartitioned;
import org.apache.kafka.streams.processor.StreamPartitioner;
import org.apache.kafka.streams.processor.api.Processor;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.state.KeyValueStore;
import org.apache.kafka.streams.state.Stores;

/**
 * Joins the record and the legs of each call, and tells of a missed call once nothing more of it is to come: when the
 * watermarks of both feeds have passed its end. Kafka Streams, exactly once; alerts are JSON in a topic that
 * you make, {@code 8x8.missed-calls}.
 *
 * <p>{@code mvn dependency:copy-dependencies && java -cp 'target/dependency/*' CallAlerts.java}
 *
 * <p>A task has one partition of legs and records, for they have one key, and every watermark: each is sent to all
 * partitions. Streams takes the oldest event of a task first; by {@code observedAt} that is the order of publishing, so
 * a watermark comes behind the rows that it speaks of. What 8x8 shows late is joined, too, but not told again.
 */
class CallAlerts {
  static final ObjectMapper JSON = new ObjectMapper();
  static final long REMEMBERED_MS = 24 * 3_600_000;

  public static void main(String[] args) {
    Map<String, String> env = System.getenv();
    String topics = env.getOrDefault("TOPICS", "8x8");
    String registry = env.getOrDefault("SCHEMA_REGISTRY_URL", "http://localhost:8081/apis/ccompat/v7");
    var settings = new Properties();
    settings.put("application.id", topics + ".call-alerts");
    settings.put("bootstrap.servers", env.getOrDefault("KAFKA_BROKERS", "localhost:9092"));
    settings.put("processing.guarantee", "exactly_once_v2"); // it reads committed records only, too
    settings.put("auto.offset.reset", "earliest");
    settings.put("session.timeout.ms", "10000"); // after this time the tasks of one that has died go to the others
    settings.put("max.task.idle.ms", "1000"); // time for a partition to have its next event here, before others go on
    settings.put("state.dir", env.getOrDefault("STATE_DIRECTORY", "/tmp/kafka-streams"));
    int partitions = Integer.parseInt(env.getOrDefault("PARTITIONS", "6")); // of the topics of events

    var streams = new KafkaStreams(topology(topics, partitions, new AvroToJson(registry)), settings);
    streams.setUncaughtExceptionHandler(error -> StreamThreadExceptionResponse.REPLACE_THREAD);
    Runtime.getRuntime().addShutdownHook(new Thread(streams::close));
    streams.start();
  }

  static Topology topology(String topics, int partitions, Deserializer<JsonNode> avroToJson) {
    Serde<JsonNode> json = Serdes.serdeFrom(
        (topic, node) -> node == null ? null : node.toString().getBytes(UTF_8), (topic, bytes) -> parse(bytes));
    var events = Consumed.with(Serdes.String(), Serdes.serdeFrom(json.serializer(), avroToJson))
        .withTimestampExtractor((event, before) -> ((JsonNode) event.value()).get("observedAt").asLong());
    var everywhere = Optional.of(IntStream.range(0, partitions).boxed().collect(Collectors.toSet()));
    StreamPartitioner<String, JsonNode> toAll = (topic, key, value, count) -> everywhere;

    var builder = new StreamsBuilder();
    builder.addStateStore(Stores.keyValueStoreBuilder(Stores.inMemoryKeyValueStore("calls"), Serdes.String(), json));
    builder.addStateStore(
        Stores.keyValueStoreBuilder(Stores.inMemoryKeyValueStore("complete"), Serdes.String(), Serdes.Long()));
    var watermarks = builder.stream(topics + ".watermarks", events).repartition(Repartitioned
        .with(Serdes.String(), json).withName("watermarks").withNumberOfPartitions(partitions)
        .withStreamPartitioner(toAll));
    builder.stream(List.of(topics + ".call-legs", topics + ".call-records"), events)
        .merge(watermarks)
        .process(Calls::new, "calls", "complete")
        .to(topics + ".missed-calls", Produced.with(Serdes.String(), json));
    return builder.build();
  }

  static final class Calls implements Processor<String, JsonNode, String, JsonNode> {
    private ProcessorContext<String, JsonNode> context;
    private KeyValueStore<String, JsonNode> calls;
    private KeyValueStore<String, Long> complete;

    @Override
    public void init(ProcessorContext<String, JsonNode> context) {
      this.context = context;
      calls = context.getStateStore("calls");
      complete = context.getStateStore("complete");
    }

    @Override
    public void process(Record<String, JsonNode> event) {
      JsonNode value = event.value();
      switch (value.get("type").asText()) {
        case "CallLeg" -> {
          ObjectNode call = callOf(event.key(), value);
          call.withObject("/legs").set(value.get("legId").asText(), value); // a later revision takes its place
          calls.put(event.key(), call);
        }
        case "CallRecord" -> calls.put(event.key(), callOf(event.key(), value).set("record", value));
        default -> {
          String pbx = value.get("pbxId").asText().toLowerCase();
          complete.put(event.key(), value.get("completeUpTo").asLong());
          Long legs = complete.get("live/call-legs/" + pbx);
          Long records = complete.get("live/call-records/" + pbx);
          if (legs != null && records != null) tell(pbx, Math.min(legs, records), event);
        }
      }
    }

    private ObjectNode callOf(String key, JsonNode part) {
      JsonNode known = calls.get(key);
      ObjectNode call = known == null ? JSON.createObjectNode().put("endMs", 0).put("told", false) : (ObjectNode) known;
      return call.put("endMs", Math.max(call.get("endMs").asLong(), part.get("disconnectedTimeUTC").asLong()));
    }

    /** Tells of the missed calls of a PBX that ended before {@code upToMs}, and forgets those of long ago. */
    private void tell(String pbx, long upToMs, Record<String, JsonNode> watermark) {
      List<KeyValue<String, JsonNode>> ended = new ArrayList<>();
      try (var all = calls.prefixScan(pbx + "/", Serdes.String().serializer())) {
        all.forEachRemaining(entry -> {
          if (entry.value.get("endMs").asLong() < upToMs) ended.add(entry);
        });
      }
      for (var entry : ended) {
        ObjectNode call = (ObjectNode) entry.value;
        if (!call.get("told").asBoolean() && call.at("/record/missed").asBoolean()) {
          calls.put(entry.key, call.put("told", true));
          context.forward(watermark.withKey(entry.key).withValue(call));
        }
        if (call.get("endMs").asLong() < upToMs - REMEMBERED_MS) calls.delete(entry.key);
      }
    }
  }

  /**
   * The wire format of Confluent's registry: a zero, the id of the schema, Avro. Written here because Confluent's own
   * io.confluent:kafka-streams-avro-serde is not on Maven Central; take it if you can reach packages.confluent.io.
   */
  record AvroToJson(String registry, Map<Integer, Schema> schemas) implements Deserializer<JsonNode> {
    AvroToJson(String registry) {
      this(registry, new ConcurrentHashMap<>());
    }

    @Override
    public JsonNode deserialize(String topic, byte[] bytes) {
      Schema schema = schemas.computeIfAbsent(ByteBuffer.wrap(bytes, 1, 4).getInt(), this::fetch);
      try {
        var decoder = DecoderFactory.get().binaryDecoder(bytes, 5, bytes.length - 5, null);
        Object record = new GenericDatumReader<>(schema).read(null, decoder);
        return ((ObjectNode) parse(record.toString().getBytes(UTF_8))).put("type", schema.getName());
      } catch (java.io.IOException error) {
        throw new IllegalStateException(error);
      }
    }

    private Schema fetch(int id) {
      try {
        var request = HttpRequest.newBuilder(URI.create(registry + "/schemas/ids/" + id)).build();
        var answer = HttpClient.newHttpClient().send(request, BodyHandlers.ofString());
        return new Schema.Parser().parse(JSON.readTree(answer.body()).get("schema").asText());
      } catch (Exception error) {
        throw new IllegalStateException("registry: schema " + id, error);
      }
    }
  }

  static JsonNode parse(byte[] bytes) {
    try {
      return bytes == null ? null : JSON.readTree(bytes);
    } catch (java.io.IOException error) {
      throw new IllegalStateException(error);
    }
  }
}
