import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.table.api.EnvironmentSettings;
import org.apache.flink.table.api.ResultKind;
import org.apache.flink.table.api.TableEnvironment;
import org.apache.flink.types.Row;

/**
 * Runs the statements of a file in a Flink of its own process, with environment variables in the place of names such as
 * ${TOPICS}, and prints the rows of queries, their columns parted by tabs.
 *
 * <p>{@code mvn dependency:copy-dependencies && java -cp 'target/dependency/*' RunSql.java abandoned-calls.sql}
 */
class RunSql {
  public static void main(String[] args) throws Exception {
    String text = Pattern.compile("\\$\\{(\\w+)}").matcher(Files.readString(Path.of(args[0])))
        .replaceAll(name -> Matcher.quoteReplacement(System.getenv(name.group(1))));
    var small = new Configuration();
    small.setString("parallelism.default", "1");
    small.setString("taskmanager.memory.network.min", "16mb");
    small.setString("taskmanager.memory.network.max", "16mb");
    small.setString("taskmanager.memory.managed.size", "64mb");
    var settings = EnvironmentSettings.newInstance().inStreamingMode().withConfiguration(small).build();
    var tables = TableEnvironment.create(settings);
    for (String statement : text.replaceAll("(?m)--.*$", "").split(";")) {
      if (statement.isBlank()) continue;
      if (statement.strip().startsWith("SET ")) {
        String[] setting = statement.split("'");
        tables.getConfig().set(setting[1], setting[3]);
        continue;
      }
      var result = tables.executeSql(statement);
      if (result.getResultKind() != ResultKind.SUCCESS_WITH_CONTENT) continue;
      try (var rows = result.collect()) {
        rows.forEachRemaining(row -> System.out.println(columns(row)));
      }
    }
  }

  private static String columns(Row row) {
    return IntStream.range(0, row.getArity()).mapToObj(index -> String.valueOf(row.getField(index)))
        .collect(Collectors.joining("\t"));
  }
}
