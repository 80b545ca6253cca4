-- How many calls each PBX has had in every minute of event time, and how many of them were abandoned.
-- RunSql.java puts environment variables in the place of names such as ${TOPICS}. In Flink's SQL client write them out.

SET 'table.local-time-zone' = 'UTC';

CREATE TABLE call_records (
  revision INT,
  pbxId STRING,
  callId STRING,
  abandoned BOOLEAN,
  disconnectedTimeUTC TIMESTAMP(3),
  -- Events of a partition come in the order of publishing: two feeds that catch up, and what 8x8 shows late, are out
  -- of order by as much as this. What comes later still is not counted. Longer is surer, and slower to close a window.
  WATERMARK FOR disconnectedTimeUTC AS disconnectedTimeUTC - INTERVAL '15' MINUTE
) WITH (
  'connector' = 'kafka',
  'topic' = '${TOPICS}.call-records',
  'properties.bootstrap.servers' = '${KAFKA_BROKERS}',
  'properties.isolation.level' = 'read_committed',
  'scan.startup.mode' = 'earliest-offset',
  'scan.bounded.mode' = 'latest-offset', -- ends with what is there now; without it, the query goes on for ever
  'format' = 'avro-confluent',
  'avro-confluent.url' = '${SCHEMA_REGISTRY_URL}'
);

-- Of each call the last revision counts, once: that drops corrections, and events that come twice.
SELECT window_start, pbxId, COUNT(*) AS calls, COUNT(*) FILTER (WHERE abandoned) AS abandoned
FROM (
  SELECT *, ROW_NUMBER() OVER (
    PARTITION BY window_start, window_end, pbxId, callId ORDER BY revision DESC
  ) AS nth
  FROM TUMBLE(TABLE call_records, DESCRIPTOR(disconnectedTimeUTC), INTERVAL '1' MINUTE)
)
WHERE nth = 1
GROUP BY window_start, window_end, pbxId;
