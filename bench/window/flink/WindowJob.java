import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintWriter;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDateTime;
import java.time.ZoneOffset;
import java.util.Locale;
import java.util.concurrent.atomic.AtomicLong;
import javax.management.AttributeNotFoundException;
import javax.management.InstanceNotFoundException;
import javax.management.JMException;
import javax.management.MBeanServer;
import javax.management.ObjectName;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.table.api.EnvironmentSettings;
import org.apache.flink.table.api.TableEnvironment;
import org.apache.flink.types.Row;
import org.apache.flink.util.CloseableIterator;
import org.apache.logging.log4j.Level;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.core.LogEvent;
import org.apache.logging.log4j.core.LoggerContext;
import org.apache.logging.log4j.core.appender.AbstractAppender;
import org.apache.logging.log4j.core.config.LoggerConfig;
import org.apache.logging.log4j.core.config.Property;

/**
 * The windows of the stream as Flink SQL, in a cluster within this process. Told so by lines on
 * standard input, it writes all counts to a file, or takes the time of a job that throws them away;
 * it ends with the input.
 */
public final class WindowJob {
  /** Every event once: copies are dropped by a key of state each, kept for a quarter of an hour. */
  private static final String COUNTS =
      """
      SELECT window_start, campaign_id, ad_id, geo, device, publisher_id,
        COUNT(*) FILTER (WHERE event_type = 'click') AS clicks,
        COUNT(*) FILTER (WHERE event_type = 'impression') AS impressions,
        SUM(CASE WHEN event_type = 'click' THEN CAST(250000 AS BIGINT) ELSE CAST(0 AS BIGINT) END)
          AS cost_micros
      FROM TUMBLE(
        DATA => (
          SELECT * FROM (
            SELECT *, ROW_NUMBER() OVER (PARTITION BY event_id ORDER BY PROCTIME()) AS copy
            FROM events)
          WHERE copy = 1),
        TIMECOL => DESCRIPTOR(clicked_at),
        SIZE => INTERVAL '1' MINUTE)
      GROUP BY window_start, window_end, GROUPING SETS (
        (campaign_id, ad_id), (campaign_id, geo), (campaign_id, device), (campaign_id, publisher_id))
      """;

  /** The watermark is the log's append time less the allowed lateness, as the stream has it. */
  private static final String EVENTS =
      """
      CREATE TABLE events (
        event_id STRING, event_type STRING, event_time BIGINT, campaign_id STRING, ad_id STRING,
        publisher_id STRING, geo STRING, device STRING,
        appended_at TIMESTAMP_LTZ(3) METADATA FROM 'timestamp' VIRTUAL,
        clicked_at AS TO_TIMESTAMP_LTZ(event_time, 3),
        WATERMARK FOR clicked_at AS appended_at - INTERVAL '10' MINUTE
      ) WITH (
        'connector' = 'kafka', 'topic' = '%s', 'properties.bootstrap.servers' = '%s',
        'scan.startup.mode' = 'earliest-offset', 'scan.bounded.mode' = 'latest-offset',
        'format' = 'json')
      """;

  private static final String NOWHERE =
      """
      CREATE TABLE nowhere (
        window_start TIMESTAMP(3), campaign_id STRING, ad_id STRING, geo STRING, device STRING,
        publisher_id STRING, clicks BIGINT, impressions BIGINT, cost_micros BIGINT
      ) WITH ('connector' = 'blackhole')
      """;

  private WindowJob() {}

  /** Arguments: brokers, topic, folder for checkpoints, events of a job that are its warm-up. */
  public static void main(String[] args) {
    try {
      serve(args);
      System.exit(0);
    } catch (Exception error) {
      error.printStackTrace();
      System.exit(1);
    }
  }

  private static void serve(String[] args) throws Exception {
    TableEnvironment tables = tables(args[0], args[1], args[2]);
    CheckpointCount checkpoints = CheckpointCount.begin();
    long warmEvents = Long.parseLong(args[3]);
    System.out.println("ready");
    BufferedReader lines = new BufferedReader(new InputStreamReader(System.in));
    for (String line = lines.readLine(); line != null; line = lines.readLine()) {
      if (line.startsWith("write ")) {
        write(tables, Path.of(line.substring("write ".length())));
        System.out.println("written");
      } else {
        System.out.println(time(tables, warmEvents, checkpoints));
      }
    }
  }

  private static TableEnvironment tables(String brokers, String topic, String checkpointsDir) {
    Configuration settings = new Configuration();
    // All contestants have one core.
    settings.setString("parallelism.default", "1");
    settings.setString("execution.checkpointing.interval", "1 s");
    settings.setString("execution.checkpointing.mode", "EXACTLY_ONCE");
    settings.setString("execution.checkpointing.storage", "filesystem");
    settings.setString("execution.checkpointing.dir", Path.of(checkpointsDir).toUri().toString());
    // Without it a job that has read all waits for one more checkpoint, up to an interval.
    settings.setString("execution.checkpointing.checkpoints-after-tasks-finish.enabled", "false");
    // Of the state backends the one that is in memory, and the fastest.
    settings.setString("state.backend.type", "hashmap");
    settings.setString("pipeline.object-reuse", "true");
    settings.setString("table.exec.state.ttl", "15 min");
    settings.setString("table.local-time-zone", "UTC");
    TableEnvironment tables =
        TableEnvironment.create(
            EnvironmentSettings.newInstance().inStreamingMode().withConfiguration(settings).build());
    tables.executeSql(EVENTS.formatted(topic, brokers));
    tables.executeSql(NOWHERE);
    return tables;
  }

  /** A line a cell: `cube/campaign/second of the minute's start/value clicks impressions cost`. */
  private static void write(TableEnvironment tables, Path path) throws Exception {
    try (CloseableIterator<Row> rows = tables.executeSql(COUNTS).collect();
        PrintWriter file = new PrintWriter(Files.newBufferedWriter(path))) {
      while (rows.hasNext()) file.println(cellOf(rows.next()));
      if (file.checkError()) throw new IOException("Could not write " + path);
    }
  }

  private static String cellOf(Row row) {
    String[] cubes = {"ad_id", "geo", "device", "publisher_id"};
    for (String column : cubes) {
      Object value = row.getField(column);
      if (value == null) continue;
      LocalDateTime start = (LocalDateTime) row.getField("window_start");
      long second = start.toEpochSecond(ZoneOffset.UTC);
      String key = column.replace("_id", "") + "/" + row.getField("campaign_id") + "/" + second;
      return "%s/%s %s %s %s"
          .formatted(
              key,
              value,
              row.getField("clicks"),
              row.getField("impressions"),
              row.getField("cost_micros"));
    }
    throw new IllegalStateException("A cell of no cube: " + row);
  }

  /** What a job took from when it had read some events on until it ended, as JSON. */
  private static String time(TableEnvironment tables, long warmEvents, CheckpointCount checkpoints)
      throws Exception {
    Stopwatch watch = new Stopwatch(warmEvents, checkpoints);
    watch.start();
    tables.executeSql("INSERT INTO nowhere " + COUNTS).await();
    return watch.end();
  }

  /**
   * Counts the checkpoints that the coordinator calls completed: by then every task has handed its
   * state over, and it lies in files. A job that has ended takes its metrics with it, this stays.
   */
  private static final class CheckpointCount extends AbstractAppender {
    private static final String COORDINATOR =
        "org.apache.flink.runtime.checkpoint.CheckpointCoordinator";

    private final AtomicLong completed = new AtomicLong();

    private CheckpointCount() {
      super("checkpoints", null, null, false, Property.EMPTY_ARRAY);
    }

    static CheckpointCount begin() {
      CheckpointCount count = new CheckpointCount();
      count.start();
      LoggerContext context = (LoggerContext) LogManager.getContext(false);
      LoggerConfig coordinator = new LoggerConfig(COORDINATOR, Level.INFO, true);
      coordinator.addAppender(count, Level.INFO, null);
      context.getConfiguration().addLogger(COORDINATOR, coordinator);
      context.updateLoggers();
      return count;
    }

    long completed() {
      return completed.get();
    }

    @Override
    public void append(LogEvent event) {
      String words = event.getMessage().getFormattedMessage();
      if (words.startsWith("Completed checkpoint ")) completed.incrementAndGet();
    }
  }

  /**
   * Begins when Kafka's client has handed over so many records, by its own counter: before that lie
   * the start of the job and the compilation of the code that the planner wrote for it.
   */
  private static final class Stopwatch extends Thread {
    private static final long LOOK_AGAIN_MS = 2;
    private static final String COUNTER = "records-consumed-total";

    private final long warmEvents;
    private final CheckpointCount checkpoints;
    private final MBeanServer beans = ManagementFactory.getPlatformMBeanServer();
    private final com.sun.management.OperatingSystemMXBean system =
        ManagementFactory.getPlatformMXBean(com.sun.management.OperatingSystemMXBean.class);
    private volatile long before;
    private long completedBefore;
    private long startedNs;
    private long startedCpuNs;

    Stopwatch(long warmEvents, CheckpointCount checkpoints) {
      this.warmEvents = warmEvents;
      this.checkpoints = checkpoints;
      setDaemon(true);
    }

    @Override
    public void run() {
      try {
        ObjectName names =
            new ObjectName("kafka.consumer:type=consumer-fetch-manager-metrics,client-id=*");
        while (before == 0) {
          long read = 0;
          for (ObjectName name : beans.queryNames(names, null)) read += readBy(name);
          if (read > 0 && read >= warmEvents) {
            completedBefore = checkpoints.completed();
            startedNs = System.nanoTime();
            startedCpuNs = system.getProcessCpuTime();
            before = read;
          }
          Thread.sleep(LOOK_AGAIN_MS);
        }
      } catch (JMException | InterruptedException error) {
        throw new IllegalStateException(error);
      }
    }

    /** A client has its counter only once it has read, and may be gone by now. */
    private long readBy(ObjectName client) throws JMException {
      try {
        double read = (Double) beans.getAttribute(client, COUNTER);
        return Double.isNaN(read) ? 0 : (long) read;
      } catch (AttributeNotFoundException | InstanceNotFoundException error) {
        return 0;
      }
    }

    String end() {
      long endedNs = System.nanoTime();
      long endedCpuNs = system.getProcessCpuTime();
      long completed = checkpoints.completed() - completedBefore;
      if (before == 0) throw new IllegalStateException("The job ended before it was warm");
      return String.format(
          Locale.ROOT,
          "{\"before\":%d,\"checkpoints\":%d,\"seconds\":%.6f,\"cpuSeconds\":%.6f}",
          before,
          completed,
          (endedNs - startedNs) / 1e9,
          (endedCpuNs - startedCpuNs) / 1e9);
    }
  }
}
