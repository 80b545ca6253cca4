import type { PartitionMetadata } from 'kafkajs';

/** The partition in which a topic has a key. */
export type Placer = (key: string) => number;

/**
 * Where a topic of these partitions has a key: where the Java client puts it, so that any client finds a call where it
 * expects it. The legs of a call come together, so the last answer is kept.
 */
export function createPlacer({ length }: Pick<readonly PartitionMetadata[], 'length'>): Placer {
  let lastKey: string | undefined;
  let partition = 0;
  return (key) => {
    if (key === lastKey) return partition;
    lastKey = key;
    partition = (murmur2(Buffer.from(key)) & 0x7fffffff) % length;
    return partition;
  };
}

const MIX = 0x5bd1e995;

/**
 * The hash of Kafka's own clients, 32 bits. kafkajs has it, too, in BigInt: it takes as long as the rest of a message.
 *
 * @see https://github.com/apache/kafka/blob/trunk/clients/src/main/java/org/apache/kafka/common/utils/Utils.java
 */
function murmur2(bytes: Buffer): number {
  const tail = bytes.length & ~3;
  let hash = 0x9747b28c ^ bytes.length;
  for (let at = 0; at < tail; at += 4) {
    const word = Math.imul(bytes.readInt32LE(at), MIX);
    hash = Math.imul(hash, MIX) ^ Math.imul(word ^ (word >>> 24), MIX);
  }
  if (tail < bytes.length) hash = Math.imul(hash ^ bytes.readUIntLE(tail, bytes.length - tail), MIX);
  hash = Math.imul(hash ^ (hash >>> 13), MIX);
  return hash ^ (hash >>> 15);
}
