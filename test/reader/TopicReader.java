import java.io.File;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.TreeSet;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.ListOffsetsOptions;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.IsolationLevel;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.tools.DumpLogSegments;

/**
 * Prints every record of some topics as a JSON line, with Kafka's own client: a witness that shares no code with
 * the connector. Bytes are printed in base64.
 *
 * <p>Arguments: bootstrap servers, what to do, topics. What to do is one of
 *
 * <ul>
 *   <li>"read_committed" or "read_uncommitted": reads to the end of the topics as such a reader sees it;
 *   <li>"follow": goes on reading committed records until its standard input is closed;
 *   <li>"count": only how many committed records there are with a time before the first of what follows, which is
 *       epoch milliseconds;
 *   <li>"whole": all that there is to see at the end of a run. A line with "view" tells how the records behind it
 *       were read. Then comes a line for each partition: where its committed records and all its records end, and
 *       where its leader keeps it. Last comes what Kafka's DumpLogSegments prints of those logs, as far as they lie
 *       on this machine.
 * </ul>
 */
class TopicReader {
  /** A commit is answered before its marker stands in every partition. */
  private static final long MARKERS_MAX_MS = 3_000;

  private final String servers;
  private final List<String> topics;

  TopicReader(String servers, List<String> topics) {
    this.servers = servers;
    this.topics = topics;
  }

  public static void main(String[] args) throws Exception {
    boolean counts = args[1].equals("count");
    var reader = new TopicReader(args[0], List.of(args).subList(counts ? 3 : 2, args.length));
    switch (args[1]) {
      case "count" -> reader.count(Long.parseLong(args[2]));
      case "follow" -> {
        endWithStandardInput();
        reader.read("read_committed", true);
      }
      case "whole" -> reader.readWhole();
      default -> reader.read(args[1], false);
    }
  }

  private void read(String isolation, boolean follow) {
    read(isolation, follow, records -> {
      StringBuilder lines = new StringBuilder();
      records.forEach(record -> lines.append(line(record)));
      System.out.print(lines);
      System.out.flush();
    });
  }

  private void count(long beforeMs) {
    var count = new AtomicLong();
    read("read_committed", false, records -> records.forEach(record -> {
      if (record.timestamp() < beforeMs) count.incrementAndGet();
    }));
    System.out.println(count);
  }

  private void read(String isolation, boolean follow, Consumer<ConsumerRecords<byte[], byte[]>> onRecords) {
    Properties settings = connection();
    settings.put("isolation.level", isolation);
    settings.put("allow.auto.create.topics", "false");
    try (var consumer = new KafkaConsumer<>(settings, new ByteArrayDeserializer(), new ByteArrayDeserializer())) {
      List<TopicPartition> partitions = new ArrayList<>();
      for (String topic : topics) {
        consumer.partitionsFor(topic).forEach(p -> partitions.add(new TopicPartition(topic, p.partition())));
      }
      consumer.assign(partitions);
      consumer.seekToBeginning(partitions);
      Map<TopicPartition, Long> ends = consumer.endOffsets(partitions);
      while (follow || partitions.stream().anyMatch(p -> consumer.position(p) < ends.get(p))) {
        onRecords.accept(consumer.poll(Duration.ofMillis(200)));
      }
    }
  }

  private void readWhole() throws Exception {
    try (var admin = Admin.create(connection())) {
      Map<TopicPartition, Integer> leaders = new HashMap<>();
      admin.describeTopics(topics).allTopicNames().get().forEach((topic, description) ->
          description.partitions().forEach(p -> leaders.put(new TopicPartition(topic, p.partition()), p.leader().id())));
      Map<TopicPartition, Long> stable = ends(admin, leaders, IsolationLevel.READ_COMMITTED);
      Map<TopicPartition, Long> high = ends(admin, leaders, IsolationLevel.READ_UNCOMMITTED);
      for (long waitedMs = 0; !stable.equals(high) && waitedMs < MARKERS_MAX_MS; waitedMs += 100) {
        Thread.sleep(100);
        stable = ends(admin, leaders, IsolationLevel.READ_COMMITTED);
        high = ends(admin, leaders, IsolationLevel.READ_UNCOMMITTED);
      }
      for (String isolation : List.of("read_committed", "read_uncommitted")) {
        System.out.printf("{\"view\":\"%s\"}%n", isolation);
        read(isolation, false);
      }
      Map<TopicPartition, String> directories = directories(admin, leaders);
      for (TopicPartition p : leaders.keySet()) {
        System.out.printf("{\"topic\":\"%s\",\"partition\":%d,\"stableEnd\":%d,\"end\":%d,\"segments\":%b}%n",
            p.topic(), p.partition(), stable.get(p), high.get(p), directories.containsKey(p));
      }
      printSegments(directories);
    }
  }

  private static Map<TopicPartition, Long> ends(
      Admin admin, Map<TopicPartition, Integer> partitions, IsolationLevel isolation) throws Exception {
    Map<TopicPartition, OffsetSpec> latest =
        partitions.keySet().stream().collect(Collectors.toMap(p -> p, p -> OffsetSpec.latest()));
    Map<TopicPartition, Long> ends = new HashMap<>();
    admin.listOffsets(latest, new ListOffsetsOptions(isolation)).all().get()
        .forEach((partition, result) -> ends.put(partition, result.offset()));
    return ends;
  }

  /** Of the leaders' replicas, as far as they lie on this machine. */
  private static Map<TopicPartition, String> directories(
      Admin admin, Map<TopicPartition, Integer> leaders) throws Exception {
    Map<TopicPartition, String> found = new HashMap<>();
    admin.describeLogDirs(new TreeSet<>(leaders.values())).allDescriptions().get().forEach((broker, logs) ->
        logs.forEach((path, log) -> log.replicaInfos().forEach((partition, replica) -> {
          File directory = new File(path, partition.topic() + "-" + partition.partition());
          boolean leads = broker.equals(leaders.get(partition)) && !replica.isFuture();
          if (leads && directory.isDirectory()) found.put(partition, directory.getPath());
        })));
    return found;
  }

  private static void printSegments(Map<TopicPartition, String> directories) throws Exception {
    String files = directories.values().stream()
        .flatMap(directory -> Stream.of(new File(directory).listFiles((in, name) -> name.endsWith(".log"))))
        .sorted(Comparator.comparing(File::getPath)).map(File::getPath).collect(Collectors.joining(","));
    System.out.flush();
    if (!files.isEmpty()) DumpLogSegments.main(new String[] {"--deep-iteration", "--files", files});
  }

  private Properties connection() {
    Properties settings = new Properties();
    settings.put("bootstrap.servers", servers);
    return settings;
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
