"""A report: legs, answered legs and talk time of each PBX, of the legs that ended between two times.

    pip install -r requirements.txt
    python talk_time.py 2026-11-25T00:00:00Z 2026-11-26T00:00:00Z

- It reads committed records only. That is librdkafka's default, but said here, for all else rests on it.
- Of each leg it keeps the last revision. So a leg that 8x8 has corrected counts once, with its last content, and so
  does an event that comes twice.
- It commits no offsets: each run reads what there is from the beginning to the end. Legs of a call come in order, for
  they have one key and so one partition; those of other calls come in any order.
"""

import json
import os
import sys
from datetime import datetime

from confluent_kafka import Consumer, KafkaError, TopicPartition
from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroDeserializer
from confluent_kafka.serialization import MessageField, SerializationContext

brokers = os.environ.get("KAFKA_BROKERS", "localhost:9092")
registry = os.environ.get("SCHEMA_REGISTRY_URL", "http://localhost:8081/apis/ccompat/v7")
topic = os.environ.get("TOPICS", "8x8") + ".call-legs"
since, until = (datetime.fromisoformat(text.replace("Z", "+00:00")) for text in sys.argv[1:3])

consumer = Consumer({
    "bootstrap.servers": brokers,
    "group.id": "talk-time",
    "isolation.level": "read_committed",
    "enable.auto.commit": False,
    "enable.partition.eof": True,
})
decode = AvroDeserializer(SchemaRegistryClient({"url": registry}))
context = SerializationContext(topic, MessageField.VALUE)


def read_to_the_end():
    partitions = consumer.list_topics(topic).topics[topic].partitions
    consumer.assign([TopicPartition(topic, number, 0) for number in partitions])
    unread = set(partitions)
    while unread:
        message = consumer.poll(10)
        if message is None:
            raise TimeoutError(f"{topic}: nothing for 10 s")
        if message.error() is None:
            yield decode(message.value(), context)
        elif message.error().code() == KafkaError._PARTITION_EOF:
            unread.discard(message.partition())
        else:
            raise RuntimeError(message.error())


legs = {}
for leg in read_to_the_end():
    row = (leg["pbxId"].lower(), leg["callId"], leg["legId"])
    if row not in legs or leg["revision"] >= legs[row]["revision"]:
        legs[row] = leg
consumer.close()

report = {}
for (pbx, _, _), leg in legs.items():
    if since <= leg["disconnectedTimeUTC"] < until:
        line = report.setdefault(pbx, {"legs": 0, "answered": 0, "talkTimeMS": 0})
        line["legs"] += 1
        line["answered"] += bool(leg["answered"])
        line["talkTimeMS"] += leg["talkTimeMS"] or 0
print(json.dumps(report))
