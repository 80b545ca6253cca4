import { badParameter, pbxForbidden, Refusal } from './answers.ts';
import type { SimulatorOptions } from './options.ts';
import type { PageQuery } from './query.ts';
import type { Report } from './rows.ts';
import { TimeZone } from './time-zone.ts';
import type { World } from './world.ts';

/** A report request that 8x8 would answer with rows, or with their absence. */
export interface ReportRequest {
  readonly query: PageQuery;
  /** Of the text times in the rows. */
  readonly zone: TimeZone;
}

const PAGE_SIZE_MAX = 7_000;
const PARTIES_MAX = 125;

/**
 * Reads the query of a report as documented. Unknown parameters (the guides' `pageKey` is one) are ignored.
 *
 * @throws Refusal
 */
export function readReportRequest(
  world: World, report: Report, parameters: URLSearchParams,
): ReportRequest {
  const { options, zones } = world;
  const refuse = (message: string): never => {
    throw new Refusal(badParameter(options, report, message));
  };
  const need = (name: string): string =>
    parameters.get(name) || refuse(`Required parameter '${name}' is not present.`);

  const asked = need('pbxId');
  const zone = openZone(zones, need('timeZone')) ?? refuse('Invalid timeZone');
  const instant = (name: string): number =>
    zone.parse(need(name), options.foldChoice) ?? refuse(`Invalid ${name}, expected YYYY-MM-DD HH:MM:SS`);
  const fromMs = instant('startTime');
  const toMs = instant('endTime');
  if (toMs < fromMs) refuse('endTime is before startTime');

  return {
    zone,
    query: {
      report,
      pbxIds: readPbxIds(world, report, asked),
      fromMs,
      toMs,
      pageSize: readPageSize(options, need('pageSize')) ?? refuse('Invalid pageSize'),
      scrollId: parameters.get('scrollId') ?? undefined,
      nowMs: options.clock.nowMs(),
      isConnectTime: report === 'call-legs' && parameters.get('isConnectTime') === 'true',
      isSimplified: report === 'call-legs' && parameters.get('isSimplified') === 'true',
      ...readParties(parameters, refuse),
      rules: options.windowRules,
    },
  };
}

/**
 * One name, several with commas, or `allpbxes`. Case matters (UNVERIFIED).
 *
 * @throws Refusal
 */
function readPbxIds({ options, system }: World, report: Report, asked: string): readonly string[] {
  const known = system.pbxIds();
  const names = asked === 'allpbxes' ? known : [...new Set(asked.split(',').map((name) => name.trim()))];
  const forbidden = names.filter((name) => options.forbiddenPbxIds.includes(name));
  const unknown = names.filter((name) => !known.includes(name) && !forbidden.includes(name));
  const allowed = names.filter((name) => !forbidden.includes(name) && !unknown.includes(name));

  const leaveOut = options.forbiddenAmongOthers === 'leave-out' && allowed.length > 0;
  const refused = [...(leaveOut ? [] : forbidden), ...(options.unknownPbx === '403' ? unknown : [])];
  if (refused.length > 0) throw new Refusal(pbxForbidden(options, report, refused.join(', ')));
  return allowed;
}

function readPageSize(options: SimulatorOptions, text: string): number | undefined {
  const size = /^\d{1,9}$/.test(text) ? Number(text) : 0;
  switch (options.pageSizeRule) {
    case 'max-7000': return size >= 1 && size <= PAGE_SIZE_MAX ? size : undefined;
    case 'must-be-50': return size === 50 ? size : undefined;
  }
}

type Parties = Pick<PageQuery, 'caller' | 'callee' | 'callerOrCallee'>;

function readParties(parameters: URLSearchParams, refuse: (message: string) => never): Parties {
  const parties: Record<string, readonly string[]> = {};
  for (const name of ['caller', 'callee', 'callerOrCallee']) {
    const text = parameters.get(name);
    if (text === null) continue;
    const values = text.split(',').map((value) => value.trim());
    if (values.length > PARTIES_MAX) refuse(`At most ${PARTIES_MAX} values are allowed for ${name}`);
    parties[name] = values;
  }
  if ('callerOrCallee' in parties && ('caller' in parties || 'callee' in parties)) {
    refuse('callerOrCallee cannot be combined with caller or callee');
  }
  return parties;
}

const ZONES_CACHED_MAX = 1_000;

/** Zones are dear to open, and keep a memory of their offsets. */
function openZone(zones: Map<string, TimeZone>, name: string): TimeZone | undefined {
  const known = zones.get(name);
  if (known !== undefined) return known;
  const opened = TimeZone.open(name);
  if (zones.size >= ZONES_CACHED_MAX) zones.clear();
  if (opened !== undefined) zones.set(name, opened);
  return opened;
}
