-- ksqlDB: streams of calls and legs, a table of calls, and an alert when a PBX has many abandoned calls.
--
--   ksql http://localhost:8088 -f calls.sql
--
-- This file was never run by this project, for ksqlDB is not on Maven Central, nor in docker-compose.yml. A test sees
-- that each topic and each column is there, with the type that ksqlDB makes of it. The server's own settings matter:
--   ksql.streams.isolation.level=read_committed        else it shows what was never committed
--   ksql.streams.processing.guarantee=exactly_once_v2  else a crash counts some calls twice
SET 'auto.offset.reset' = 'earliest';

-- Columns that you do not name are not read; without any, all come from the registry.
CREATE STREAM call_legs (
  call_key VARCHAR KEY, `revision` INTEGER, `pbxId` VARCHAR, `callId` VARCHAR, `legId` VARCHAR,
  `answered` BOOLEAN, `talkTimeMS` BIGINT, `disconnectedTimeUTC` TIMESTAMP
) WITH (KAFKA_TOPIC = '8x8.call-legs', KEY_FORMAT = 'KAFKA', VALUE_FORMAT = 'AVRO',
  TIMESTAMP = '`disconnectedTimeUTC`');

CREATE STREAM call_records (
  call_key VARCHAR KEY, `revision` INTEGER, `pbxId` VARCHAR, `callId` VARCHAR,
  `missed` BOOLEAN, `abandoned` BOOLEAN, `disconnectedTimeUTC` TIMESTAMP
) WITH (KAFKA_TOPIC = '8x8.call-records', KEY_FORMAT = 'KAFKA', VALUE_FORMAT = 'AVRO',
  TIMESTAMP = '`disconnectedTimeUTC`');

-- The last revision of each call. Needs KAFKA_TOPIC_CALL_RECORDS_LATEST=8x8.call-records.latest.
CREATE TABLE calls (
  call_key VARCHAR PRIMARY KEY, `revision` INTEGER, `pbxId` VARCHAR, `callId` VARCHAR,
  `missed` BOOLEAN, `abandoned` BOOLEAN, `disconnectedTimeUTC` TIMESTAMP
) WITH (KAFKA_TOPIC = '8x8.call-records.latest', KEY_FORMAT = 'KAFKA', VALUE_FORMAT = 'AVRO');

-- Each revision of a call is there once, so the first ones are counted: corrections are events of their own. The grace
-- is for what 8x8 shows late, and as long as PACE_LOOKBACK; an alert comes when it is over. Shorter is sooner.
CREATE TABLE abandoned_alerts WITH (KAFKA_TOPIC = 'abandoned-alerts', VALUE_FORMAT = 'JSON') AS
  SELECT `pbxId`, COUNT(*) AS abandoned_calls
  FROM call_records
  WINDOW TUMBLING (SIZE 10 MINUTES, GRACE PERIOD 2 HOURS)
  WHERE `abandoned` AND `revision` = 1
  GROUP BY `pbxId`
  HAVING COUNT(*) >= 5
  EMIT FINAL;
