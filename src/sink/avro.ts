import { readFileSync } from 'node:fs';
import { SchemaRegistry, SchemaType, type COMPATIBILITY } from '@kafkajs/confluent-schema-registry';
import avro from 'avsc';
import { ConnectorError } from '../errors.ts';

/** How schemas reach the registry. */
export interface RegistryOptions {
  /** Base URL of a Confluent-compatible API, e.g. `http://localhost:8081`. */
  readonly url: string;
  /** `false`: the schemas must be there already; only their ids are looked up. */
  readonly register: boolean;
  /** Compatibility level of our subjects, e.g. `BACKWARD`: set on a new one, demanded of an old one. */
  readonly compatibility: string;
}

/** A schema of ours under its id in the registry: values to bytes and back, in Confluent's wire format. */
export interface Codec {
  /** @throws Error when the value does not fit the schema: a bug of ours. */
  encode(value: unknown): Buffer;
  /** @throws Error when the bytes are not a record of this schema, or of one that can be read as it. */
  decode(bytes: Buffer): Promise<unknown>;
}

/** Confluent's wire format: a zero byte, the schema id as four bytes, then the Avro body. */
const HEADER_BYTES = 5;

/** First guess at the size of an encoded value. A larger one is encoded a second time. */
const BODY_BYTES = 2_048;

/**
 * Registers the schema in `schemas/<file>` under `subject`, or looks its id up.
 *
 * @throws ConnectorError SINK_REFUSED with the registry's reason when it does not take the schema,
 *   SINK_UNAVAILABLE when it cannot be reached.
 */
export async function openCodec(options: RegistryOptions, subject: string, file: string): Promise<Codec> {
  const registry = new SchemaRegistry({ host: options.url, retry: { retries: 3 } });
  const text = readFileSync(new URL(`../../schemas/${file}`, import.meta.url), 'utf8');
  const schema = { type: SchemaType.AVRO as const, schema: text };
  const compatibility = options.compatibility as COMPATIBILITY;
  const id = await (options.register
    ? registry.register(schema, { subject, compatibility }).then((registered) => registered.id)
    : registry.getRegistryIdBySchema(subject, schema)
  ).catch((error: unknown) => {
    throw registryError(options, subject, error);
  });
  return codec(registry, id, avro.Type.forSchema(JSON.parse(text)));
}

function codec(registry: SchemaRegistry, id: number, type: avro.Type): Codec {
  const resolvers = new Map<number, avro.Resolver>();

  return {
    encode(value) {
      const buffer = Buffer.allocUnsafe(BODY_BYTES);
      buffer[0] = 0;
      buffer.writeInt32BE(id, 1);
      const end = type.encode(value, buffer, HEADER_BYTES);
      if (end >= 0) return buffer.subarray(0, end);
      return Buffer.concat([buffer.subarray(0, HEADER_BYTES), type.toBuffer(value)]);
    },
    async decode(bytes) {
      if (bytes.length < HEADER_BYTES || bytes[0] !== 0) throw new Error('not in the wire format of a schema registry');
      const writerId = bytes.readInt32BE(1);
      const body = bytes.subarray(HEADER_BYTES);
      if (writerId === id) return type.fromBuffer(body);
      if (!resolvers.has(writerId)) {
        resolvers.set(writerId, type.createResolver((await registry.getSchema(writerId)) as avro.Type));
      }
      return type.fromBuffer(body, resolvers.get(writerId));
    },
  };
}

function registryError(options: RegistryOptions, subject: string, error: unknown): ConnectorError {
  const { message, status } = error as Error & { status?: number };
  if (status === undefined || status >= 500) {
    // The client's own check of the subject's level has no status: it is a refusal, not an outage.
    if (!/^Compatibility does not match/.test(message)) {
      return new ConnectorError(
        'SINK_UNAVAILABLE',
        `schema registry ${options.url} cannot be reached: ${message}. Check SCHEMA_REGISTRY_URL and that it runs`,
        { cause: error },
      );
    }
    return new ConnectorError(
      'SINK_REFUSED',
      `schema registry: subject ${subject}: ${message}. Set SCHEMA_REGISTRY_COMPATIBILITY to the subject's level`,
    );
  }
  const cure = options.register
    ? `Register under another topic name, or mend the subject (SCHEMA_REGISTRY_URL ${options.url})`
    : 'Register the files in schemas/ first, or set SCHEMA_REGISTRY_REGISTER=true';
  return new ConnectorError('SINK_REFUSED', `schema registry refuses subject ${subject} (${status}): ${message}. ${cure}`);
}
