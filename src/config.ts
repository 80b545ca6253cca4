import { readFileSync } from 'node:fs';
import convict from 'convict';
import { openAccess, secretsFromFiles, securityChecks, type Access } from './access.ts';
import { ConnectorError, invalid } from './errors.ts';
import { CAUTION, type AutoLimits } from './feed/auto-pace.ts';
import { OVERLAP_MIN_MS, type Pace } from './feed/window.ts';
import { formats, INT32_MAX, spanMs } from './formats.ts';
import { privacyOf, privacyProblems, type Privacy } from './privacy.ts';
import { settings } from './settings.ts';

/** What 8x8 asks for. */
export interface Credentials {
  readonly apiKey: string;
  readonly username: string;
  readonly password: string;
}

/** A file that is no config at all shall not fill the screen. */
const PROBLEMS_MAX = 20;
const NAME_LENGTH_MAX = 100;
const LINE_LENGTH_MAX = 400;

export type Values = ReturnType<ReturnType<typeof openSettings>['getProperties']>;

/** Every setting, checked. */
export interface Config extends Omit<Values, 'source' | 'pace' | 'http' | 'security' | 'privacy'> {
  readonly privacy: Privacy;
  readonly http: Omit<Values['http'], 'token'>;
  readonly source: Omit<Values['source'], keyof Credentials>;
  readonly pace: Pace;
  /** What of it is no secret; {@link access} has the whole. */
  readonly security: Readonly<Record<string, unknown>>;
  /** The bounds of a settle and a lookback that each feed finds for itself; undefined if both are given. */
  readonly auto: AutoLimits | undefined;
  /** Reads the secrets anew where they come from files, so that rotated ones are found. */
  readonly credentials: () => Credentials;
  /** Who bears it may send signals; empty: nobody. Read anew, too. */
  readonly httpToken: () => string;
  /** By which roads, and as whom, 8x8, Kafka and the registry are reached. A function, so that it is never printed. */
  readonly access: () => Access;
}

/** Names of environment variables and their values, as in `process.env`. */
export type Environment = Readonly<Record<string, string | undefined>>;

for (const [name, format] of Object.entries(formats)) convict.addFormat({ name, ...format });

/** A row of the settings table. */
export interface Setting {
  /** Name in a config file, e.g. `pace.settleMs`. */
  readonly path: string;
  readonly env: string;
  readonly doc: string;
  readonly default: unknown;
  readonly sensitive: boolean;
}

/** Every setting, in the order of the README's table. */
export const settingList: readonly Setting[] = Object.entries(settings).flatMap(([group, entries]) =>
  Object.entries(entries).map(([name, entry]) => ({
    path: `${group}.${name}`,
    env: entry.env!,
    doc: String(entry.doc),
    default: entry.default as unknown,
    sensitive: entry.sensitive ?? false,
  })));

/** Values of settings, as in a config file. */
export type SettingValues = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

/**
 * Reads the files in order, then the environment, which wins; a secret may come from a file named by `<NAME>_FILE`.
 * What `presets` holds counts where neither says anything.
 *
 * @throws ConnectorError CONFIG_INVALID with a line per setting: its name, what is wrong, the cure; never a secret.
 */
export function loadConfig(
  files: readonly string[],
  environment: Environment = process.env,
  presets: SettingValues = {},
): Config {
  try {
    const loader = openSettings({ ...environment, ...secretsFromFiles(environment) });
    loader.load(presets);
    for (const file of files) loadFile(loader, file);
    loader.validate({ allowed: 'strict' });
    const values = loader.getProperties();
    const problems = [...crossCheck(values, environment), ...privacyProblems(values)];
    if (problems.length > 0) throw new Error(problems.join('\n'));

    const { apiKey, username, password, ...source } = values.source;
    const { token, ...http } = values.http;
    const httpToken = (): string => secretsFromFiles(environment)['HTTP_TOKEN'] ?? token;
    const credentials = (): Credentials => {
      const fresh = secretsFromFiles(environment);
      return {
        apiKey: fresh['EIGHT_API_KEY'] ?? apiKey,
        username: fresh['EIGHT_USERNAME'] ?? username,
        password: fresh['EIGHT_PASSWORD'] ?? password,
      };
    };
    const privacy = privacyOf(values.privacy);
    const access = openAccess(values, environment);
    const security = Object.fromEntries(Object.entries(values.security).filter(([name]) =>
      !settingList.some(({ path, sensitive }) => sensitive && path === `security.${name}`)));
    const given = { ...values, privacy, source, http, security, ...paceOf(values.pace) };
    return { ...given, credentials, httpToken, access: () => access };
  } catch (error) {
    if (error instanceof ConnectorError) throw error;
    throw new ConnectorError('CONFIG_INVALID', explain((error as Error).message));
  }
}

/** Our check comes first: convict takes its time with what it does not know, and quotes it, and it may be a secret. */
function loadFile(loader: ReturnType<typeof openSettings>, file: string): void {
  const values = readFile(file);
  const problems = misplaced(values);
  if (problems.length > 0) throw invalid(problems.map((problem) => `${file}: ${problem}`).join('\n'));
  loader.load(values);
}

/** What the parser says of bad JSON quotes it, and it may hold a secret. */
function readFile(file: string): unknown {
  try {
    return parseWithNotes(readFileSync(file, 'utf8'));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const problem = code === undefined ? 'is not JSON; a JSON checker tells where' : `cannot be read (${code})`;
    throw invalid(`${file} ${problem}`);
  }
}

/** What in a file is no setting, one line each for the first few: by name, never by value. */
function misplaced(values: unknown): readonly string[] {
  if (!isObject(values)) return ['must be an object with groups of settings'];
  const problems: string[] = [];
  for (const [group, entries] of Object.entries(values)) {
    if (problems.length >= PROBLEMS_MAX) break;
    if (!Object.hasOwn(settings, group)) problems.push(`${quoted(group)} is not a group of settings`);
    else if (!isObject(entries)) problems.push(`${group} must be an object with settings`);
    else problems.push(...misplacedIn(group, entries));
  }
  return problems;
}

function misplacedIn(group: string, entries: object): readonly string[] {
  const problems: string[] = [];
  for (const [name, value] of Object.entries(entries)) {
    if (problems.length >= PROBLEMS_MAX) break;
    const path = `${group}.${name}`;
    if (!settingList.some((setting) => setting.path === path)) problems.push(`${quoted(path)} is not a setting`);
    else if (isObject(value) || Array.isArray(value)) problems.push(`${path} must be a value, or a list of texts`);
  }
  return problems;
}

/** A name of a file's own, fit for a line of a log. */
function quoted(name: string): string {
  return JSON.stringify(name.slice(0, NAME_LENGTH_MAX));
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function openSettings(env: Environment) {
  return convict(settings, { env: env as NodeJS.ProcessEnv, args: [] });
}

/**
 * Where a feed without an offset starts, epoch milliseconds on a whole second. It may lie beyond what 8x8 keeps: a
 * fixed time gets there by itself, and must not keep a connector that has run for years from starting again.
 *
 * @throws ConnectorError CONFIG_INVALID for a time in the future or before 1970.
 */
export function originMs(startFrom: string, nowMs: number): number {
  const span = spanMs(startFrom);
  const ms = typeof span === 'number' ? nowMs - span : Date.parse(startFrom);
  if (ms > nowMs) throw invalid(`START_FROM: ${startFrom} lies in the future`);
  if (ms < 0) throw invalid(`START_FROM: ${startFrom} lies before 1970`);
  return Math.floor(ms / 1_000) * 1_000;
}

/** Environment names of the settings that differ. Not of secrets: they are read anew by themselves. */
export function changedSettings(before: Config, after: Config): readonly string[] {
  const valueOf = ({ auto, ...config }: Config, path: string): string => {
    const [group, name] = path.split('.') as [keyof SettingValues, string];
    const given = (config as unknown as SettingValues)[group]![name];
    // What a feed finds for itself begins with a number that could be given as well; its bounds tell.
    if (path === 'pace.settleMs') return `${auto?.settleMinMs ?? given} ${auto?.settleMaxMs ?? given}`;
    if (path === 'pace.lookbackMs') return `${auto?.lookbackMinMs ?? given} ${auto?.lookbackMaxMs ?? given}`;
    return JSON.stringify(given);
  };
  return settingList.filter(({ path, sensitive }) => !sensitive && valueOf(before, path) !== valueOf(after, path))
    .map(({ env }) => env);
}

/** What no setting can be blamed for alone. */
function crossCheck(values: Values, environment: Environment): readonly string[] {
  const { source, pace, kafka } = values;
  const topics = Object.entries(kafka).filter(([name, value]) => name.startsWith('topic') && value !== 'off')
    .map(([, topic]) => topic);
  const problems: readonly (readonly [boolean, string])[] = [
    ...securityChecks(values, environment),
    [source.callerOrCallee !== '' && source.caller + source.callee !== '',
      'EIGHT_CALLER_OR_CALLEE: 8x8 does not take it together with EIGHT_CALLER or EIGHT_CALLEE'],
    ...paceChecks(pace),
    [kafka.sessionTimeoutMs < 6_000, 'KAFKA_SESSION_TIMEOUT: must be at least 6s, brokers refuse less'],
    [kafka.sessionTimeoutMs > INT32_MAX, 'KAFKA_SESSION_TIMEOUT: must be at most 24d, Kafka takes no more'],
    [kafka.transactionTimeoutMs < 5_000, 'KAFKA_TRANSACTION_TIMEOUT: must be at least 5s'],
    [kafka.transactionTimeoutMs > INT32_MAX, 'KAFKA_TRANSACTION_TIMEOUT: must be at most 24d, Kafka takes no more'],
    [kafka.topicCalls !== 'off' && source.streams.length < 2,
      'KAFKA_TOPIC_CALLS: a whole call is made of both reports; EIGHT_STREAMS names one'],
    [new Set(topics).size < topics.length, 'KAFKA_TOPIC_…: each of the topics needs a name of its own'],
  ];
  return problems.filter(([wrong]) => wrong).map(([, text]) => text);
}

function paceChecks(pace: Values['pace']): readonly (readonly [boolean, string])[] {
  const { overlapMs, stepMinMs, stepMaxMs, sweepEveryMs, settleMinMs, settleMaxMs, lookbackMaxMs } = pace;
  const auto = pace.lookbackMs === 'auto';
  const lookback = auto ? 'PACE_LOOKBACK_MIN' : 'PACE_LOOKBACK';
  const lookbackMs = pace.lookbackMs === 'auto' ? pace.lookbackMinMs : pace.lookbackMs;
  // 8x8 takes whole seconds, and so must windows be.
  const fractions = settingList.filter(({ path }) => path.startsWith('pace.')).map(({ path, env }) => {
    const value = pace[path.slice('pace.'.length) as keyof typeof pace];
    const broken = [value].flat().some((ms) => ms !== 'auto' && ms % 1_000 !== 0);
    return [broken, `${env}: must be whole seconds`] as const;
  });
  // What is younger, the live feed still reads itself.
  const longestMs = pace.lookbackMs === 'auto' ? lookbackMaxMs : pace.lookbackMs;
  const longest = auto ? 'PACE_LOOKBACK_MAX' : 'PACE_LOOKBACK';
  return [
    ...fractions,
    [overlapMs < OVERLAP_MIN_MS, `PACE_OVERLAP: must be at least ${OVERLAP_MIN_MS / 1_000}s`],
    [stepMinMs < 1_000, 'PACE_STEP_MIN: must be at least 1s, 8x8 takes whole seconds'],
    [stepMaxMs < stepMinMs, 'PACE_STEP_MAX: must not be below PACE_STEP_MIN'],
    [lookbackMs < overlapMs, `${lookback}: must not be below PACE_OVERLAP`],
    [lookbackMs <= sweepEveryMs + stepMinMs,
      `${lookback}: must be above PACE_SWEEP_EVERY + PACE_STEP_MIN, or sweeps find no late row`],
    [Number(pace.lagMaxMs) <= (pace.settleMs === 'auto' ? settleMaxMs : pace.settleMs) + stepMinMs,
      'PACE_LAG_MAX: must be above PACE_SETTLE + PACE_STEP_MIN, or no feed is ever fresh'],
    [pace.settleMs === 'auto' && settleMaxMs < settleMinMs, 'PACE_SETTLE_MAX: must not be below PACE_SETTLE_MIN'],
    [auto && lookbackMaxMs < lookbackMs, 'PACE_LOOKBACK_MAX: must not be below PACE_LOOKBACK_MIN'],
    [pace.deepSweepsMs.some((ageMs) => ageMs < longestMs),
      `PACE_DEEP_SWEEPS: no age may be below ${longest}; leave out those that are, or set it to off`],
  ];
}

/** What is not found automatically has one value as both its bounds. What is begins with the default. */
function paceOf(values: Values['pace']): Pick<Config, 'pace' | 'auto'> {
  const { settleMs, lookbackMs, settleMinMs, settleMaxMs, lookbackMinMs, lookbackMaxMs } = values;
  const settle = boundsOf(settleMs, [settleMinMs, settleMaxMs], settings.pace.settleMs.default);
  const lookback = boundsOf(lookbackMs, [lookbackMinMs, lookbackMaxMs], settings.pace.lookbackMs.default);
  const lagMaxMs = values.lagMaxMs === 'auto' ? undefined : values.lagMaxMs;
  const pace = { ...values, settleMs: settle.begin, lookbackMs: lookback.begin, lagMaxMs };
  if (settleMs !== 'auto' && lookbackMs !== 'auto') return { pace, auto: undefined };
  const limits = {
    settleMinMs: settle.min, settleMaxMs: settle.max, lookbackMinMs: lookback.min, lookbackMaxMs: lookback.max,
  };
  return { pace, auto: { ...limits, pace, caution: CAUTION } };
}

function boundsOf(
  value: number | 'auto',
  [min, max]: readonly [number, number],
  standard: number | 'auto',
): { readonly begin: number; readonly min: number; readonly max: number } {
  if (value !== 'auto') return { begin: value, min: value, max: value };
  return { begin: Math.min(Math.max(Number(standard), min), max), min, max };
}

/** convict's lines with the names users set, and without the value of a secret. */
function explain(message: string): string {
  return message.split('\n').map((line) => {
    const setting = settingList.find(({ path }) => line.startsWith(`${path}:`));
    if (setting === undefined) return line;
    const { env, path, sensitive } = setting;
    const problem = line.slice(path.length + 2);
    const isSecret = sensitive || /:\/\/.*@/.test(problem); // a URL may hold a password
    if (!isSecret) return `${env} (${path}): ${problem}`.slice(0, LINE_LENGTH_MAX);
    if (problem.startsWith('is missing')) return `${env} is missing; set it, or ${env}_FILE to a file that holds it`;
    return `${env} (${path}): ${problem.split(': value was')[0]}`;
  }).join('\n');
}

/** JSON in which a name that starts with `//` is a note, and a list of texts the same as the text that joins them. */
function parseWithNotes(text: string): unknown {
  return JSON.parse(text, (_, value: unknown) => {
    if (Array.isArray(value)) return value.every((part) => typeof part === 'string') ? value.join() : value;
    if (!isObject(value)) return value;
    return Object.fromEntries(Object.entries(value).filter(([name]) => !name.startsWith('//')));
  });
}
