import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadLibrdkafka } from '../../src/sink/kafka-librdkafka.ts';
import { CLIENT } from './small-sink.ts';

// Whoever asks for librdkafka has installed it; all other tests then show that it keeps the promises of a sink.
const skip = CLIENT === 'librdkafka' && 'not tested: librdkafka is installed here, so it cannot be missing';

test('a client that is chosen and not installed stops the start with its cure', { skip }, async () => {
  const loading = loadLibrdkafka({ clientId: 'test', brokers: ['none:0'] }, () => undefined);
  await assert.rejects(loading, {
    code: 'CONFIG_INVALID',
    message: 'KAFKA_CLIENT: librdkafka needs a package that is not installed. '
      + 'Run: npm install @confluentinc/kafka-javascript',
  });
});
