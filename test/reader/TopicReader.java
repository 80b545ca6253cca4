import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

/**
 * Prints every record of some topics as a JSON line, with Kafka's own client: a witness that shares no code with
 * the connector. Bytes are printed in base64. It stops at the end of the topics, or follows them until its
 * standard input is closed.
 *
 * <p>Arguments: bootstrap servers, isolation level, "end" or "follow", topics.
 */
class TopicReader {
  public static void main(String[] args) throws Exception {
    Properties settings = new Properties();
    settings.put("bootstrap.servers", args[0]);
    settings.put("isolation.level", args[1]);
    settings.put("allow.auto.create.topics", "false");
    boolean follow = args[2].equals("follow");
    if (follow) endWithStandardInput();

    try (var consumer = new KafkaConsumer<>(settings, new ByteArrayDeserializer(), new ByteArrayDeserializer())) {
      List<TopicPartition> partitions = new ArrayList<>();
      for (String topic : List.of(args).subList(3, args.length)) {
        consumer.partitionsFor(topic).forEach(p -> partitions.add(new TopicPartition(topic, p.partition())));
      }
      consumer.assign(partitions);
      consumer.seekToBeginning(partitions);
      Map<TopicPartition, Long> ends = consumer.endOffsets(partitions);
      while (follow || partitions.stream().anyMatch(p -> consumer.position(p) < ends.get(p))) {
        StringBuilder lines = new StringBuilder();
        consumer.poll(Duration.ofMillis(200)).forEach(record -> lines.append(line(record)));
        System.out.print(lines);
        System.out.flush();
      }
    }
  }

  private static String line(ConsumerRecord<byte[], byte[]> record) {
    List<String> headers = new ArrayList<>();
    for (Header header : record.headers()) {
      headers.add("\"" + header.key() + "\":" + base64(header.value()));
    }
    return String.format(
        "{\"topic\":\"%s\",\"partition\":%d,\"offset\":%d,\"timestamp\":%d,\"key\":%s,\"value\":%s,\"headers\":{%s}}%n",
        record.topic(), record.partition(), record.offset(), record.timestamp(),
        base64(record.key()), base64(record.value()), String.join(",", headers));
  }

  private static String base64(byte[] bytes) {
    return bytes == null ? "null" : "\"" + Base64.getEncoder().encodeToString(bytes) + "\"";
  }

  private static void endWithStandardInput() {
    Thread watcher = new Thread(() -> {
      try {
        while (System.in.read() >= 0) { }
      } catch (java.io.IOException closed) {
        // The parent is gone, which is what we wait for.
      }
      System.exit(0);
    });
    watcher.setDaemon(true);
    watcher.start();
  }
}
