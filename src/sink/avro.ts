import { readFileSync } from 'node:fs';
import { SchemaRegistry, SchemaType, type COMPATIBILITY } from '@kafkajs/confluent-schema-registry';
import avro from 'avsc';
import pRetry from 'p-retry';
import { ConnectorError } from '../errors.ts';
import { ownTypes } from './avro-types.ts';
import { readSecret, type Secret } from './secret.ts';
import { TlsAgent, tlsCure, type TlsFiles } from './tls.ts';

/** How the registry lets us in; plain data. */
export interface RegistrySecurity {
  /** For an https URL; without it Node decides whom to trust. */
  readonly tls?: TlsFiles;
  readonly login?: { readonly username: Secret; readonly password: Secret } | { readonly token: Secret } | undefined;
}

/** How schemas reach the registry. */
export interface RegistryOptions extends RegistrySecurity {
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
  /**
   * @throws Error when the bytes are not a record of this schema, or of one that can be read as it;
   *   ConnectorError when the registry does not tell what they were written with.
   */
  decode(bytes: Buffer): Promise<unknown>;
}

/** Confluent's wire format: a zero byte, the schema id as four bytes, then the Avro body. */
const HEADER_BYTES = 5;

/** Every option stated: the defaults mean ten tries over seventeen minutes, without jitter. */
const RETRY = { retries: 4, minTimeout: 200, maxTimeout: 2_000, factor: 2, randomize: true, maxRetryTime: 10_000 };

/** An error of the registry client: a refusal has the registry's status. */
type RegistryError = Error & { readonly status?: number };

/** Values are encoded one after the other into a slab; a value that is larger than a slab gets a buffer of its own. */
const SLAB_BYTES = 64 * 1_024;

/**
 * Registers the schema in `schemas/<file>` under `subject`, or looks its id up.
 *
 * @throws ConnectorError SINK_REFUSED with the registry's reason when it does not take the schema,
 *   SINK_UNAVAILABLE when it cannot be reached.
 */
export async function openCodec(options: RegistryOptions, subject: string, file: string): Promise<Codec> {
  const registry = openRegistry(options);
  const text = JSON.stringify(readSchema(file));
  const schema = { type: SchemaType.AVRO as const, schema: text };
  const compatibility = options.compatibility as COMPATIBILITY;
  const find = (): Promise<number> => options.register
    ? registry.register(schema, { subject, compatibility }).then((registered) => registered.id)
    : registry.getRegistryIdBySchema(subject, schema);
  const id = await pRetry(find, { ...RETRY, shouldRetry: ({ error }) => isPassing(error) }).catch((error: unknown) => {
    throw registryError(options, subject, error);
  });
  const typeOf = (writerId: number): Promise<avro.Type> =>
    registry.getSchema(writerId).then((found) => found as avro.Type, (error: unknown) => {
      if (isOutage(error as RegistryError)) throw registryError(options, `of schema ${writerId}`, error);
      throw new Error(`written with schema ${writerId}, which the registry does not know`);
    });
  return codec(id, avro.Type.forSchema(JSON.parse(text), { typeHook: ownTypes }), typeOf);
}

/** What the registry says of a schema of ours: `unknown` has no version of the subject at all. */
export type SubjectFinding = 'registered' | 'compatible' | 'incompatible' | 'unknown';

/** The client's own road to the registry: it has this request, and no method for it. */
interface RegistryApi {
  readonly api: {
    readonly Subject: {
      compatible(request: object): Promise<{ data(): { readonly is_compatible: boolean } }>;
    };
  };
}

/** Looks whether the registry would take the schema in `schemas/<file>`. @throws ConnectorError as {@link openCodec} */
export async function inspectSubject(options: RegistryOptions, subject: string, file: string): Promise<SubjectFinding> {
  const registry = openRegistry(options);
  const schema = JSON.stringify(readSchema(file));
  const known = <T>(asked: Promise<T>): Promise<T | undefined> => asked.catch((error: RegistryError) => {
    if (error.status === 404 || (error.status === undefined && !isOutage(error))) return undefined;
    throw registryError(options, subject, error);
  });
  if (await known(registry.getRegistryIdBySchema(subject, { type: SchemaType.AVRO, schema })) !== undefined) {
    return 'registered';
  }
  if (await known(registry.getLatestSchemaId(subject)) === undefined) return 'unknown';
  const { Subject } = (registry as unknown as RegistryApi).api;
  const answer = await known(Subject.compatible({ subject, body: { schema } }));
  return answer?.data().is_compatible ? 'compatible' : 'incompatible';
}

function openRegistry({ url, tls, login }: RegistryOptions): SchemaRegistry {
  const agent = tls !== undefined && url.startsWith('https:') ? { agent: new TlsAgent(tls) } : {};
  const authorized: NonNullable<ConstructorParameters<typeof SchemaRegistry>[0]['middlewares']>[number] = () => ({
    request: (request) => request.enhance({ headers: { authorization: authorizationBy(login!) } }),
  });
  const middlewares = login === undefined ? [] : [authorized];
  return new SchemaRegistry({ host: url, retry: { retries: 0 }, middlewares, ...agent });
}

/** Read for each request, so that what has been rotated counts from the next on. */
function authorizationBy(login: NonNullable<RegistrySecurity['login']>): string {
  if ('token' in login) return `Bearer ${readSecret(login.token)}`;
  const pair = `${readSecret(login.username)}:${readSecret(login.password)}`;
  return `Basic ${Buffer.from(pair).toString('base64')}`;
}

/** Schemas that others name, by that name. */
const NAMED: Readonly<Record<string, string>> = { CallRecord: 'call-record.avsc', CallLeg: 'call-leg.avsc' };

/** A schema with those that it names in it, each at its first place, as Avro demands: whole for any registry. */
export function readSchema(file: string): unknown {
  const text = readFileSync(new URL(`../../schemas/${file}`, import.meta.url), 'utf8');
  const placed = new Set<string>();
  return JSON.parse(text, (key, value: unknown) => {
    if (typeof value !== 'string' || key === 'name' || !Object.hasOwn(NAMED, value) || placed.has(value)) return value;
    placed.add(value);
    return readSchema(NAMED[value]!);
  });
}

function codec(id: number, type: avro.Type, typeOf: (writerId: number) => Promise<avro.Type>): Codec {
  const resolvers = new Map<number, avro.Resolver>();
  let slab = Buffer.allocUnsafe(SLAB_BYTES);
  let used = 0;
  const writeHeader = (buffer: Buffer, at: number): void => {
    buffer[at] = 0;
    buffer.writeInt32BE(id, at + 1);
  };

  return {
    encode(value) {
      const start = used;
      const end = type.encode(value, slab, start + HEADER_BYTES);
      if (end >= 0) {
        used = end;
        writeHeader(slab, start);
        return slab.subarray(start, end);
      }
      slab = Buffer.allocUnsafe(SLAB_BYTES); // the old one lives on with the values in it
      used = 0;
      if (start > 0) return this.encode(value);
      const header = Buffer.alloc(HEADER_BYTES);
      writeHeader(header, 0);
      return Buffer.concat([header, type.toBuffer(value)]);
    },
    async decode(bytes) {
      if (bytes.length < HEADER_BYTES || bytes[0] !== 0) throw new Error('not in the wire format of a schema registry');
      const writerId = bytes.readInt32BE(1);
      const body = bytes.subarray(HEADER_BYTES);
      if (writerId === id) return type.fromBuffer(body);
      if (!resolvers.has(writerId)) {
        resolvers.set(writerId, type.createResolver(await typeOf(writerId)));
      }
      return type.fromBuffer(body, resolvers.get(writerId));
    },
  };
}

function registryError(options: RegistryOptions, subject: string, error: unknown): ConnectorError {
  const { message, status } = error as RegistryError;
  if (/^Compatibility does not match/.test(message)) {
    const cure = "Set SCHEMA_REGISTRY_COMPATIBILITY to the subject's level";
    return new ConnectorError('SINK_REFUSED', `schema registry: subject ${subject}: ${message}. ${cure}`);
  }
  if (isOutage(error as RegistryError)) {
    const what = `schema registry ${options.url} cannot be reached: ${message}`;
    const cure = tlsCure(message, 'SCHEMA_REGISTRY_TLS') ?? 'Check SCHEMA_REGISTRY_URL and that it runs';
    return new ConnectorError('SINK_UNAVAILABLE', `${what}. ${cure}`, { cause: error });
  }
  if (status === 401 || status === 403) { // what else it says, may be what we have sent
    const names = 'SCHEMA_REGISTRY_USERNAME and SCHEMA_REGISTRY_PASSWORD, or SCHEMA_REGISTRY_TOKEN';
    const what = `schema registry ${options.url} refuses us (${status}) subject ${subject}`;
    return new ConnectorError('SINK_REFUSED', `${what}. Check ${names}, and what that user may do`);
  }
  const cure = options.register
    ? `Mend the subject, or name another topic (SCHEMA_REGISTRY_URL ${options.url})`
    : 'Register the files in schemas/ first, or set SCHEMA_REGISTRY_REGISTER=true';
  const what = `schema registry refuses subject ${subject} (${status ?? 'not found'}): ${message}`;
  return new ConnectorError('SINK_REFUSED', `${what}. ${cure}`);
}

/** Worth another try: an outage, or two workers that register at the same moment, of whom one is refused. */
function isPassing(error: Error): boolean {
  return isOutage(error) || /already exists/.test(error.message);
}

/** The client reports a failed connection as status 400, and a lookup that finds nothing without any: words tell. */
function isOutage({ message, status = 0 }: RegistryError): boolean {
  return status >= 500 || !/^Confluent_Schema_Registry - (?!Error, status 400: )/.test(message);
}
