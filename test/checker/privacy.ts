import type { ReadRecord } from '../reader/topics.ts';
import type { Evidence } from './evidence.ts';
import type { Finding } from './invariant.ts';

/** Shown around a canary, so that it can be found; the canary itself is made up. */
const AROUND = 40;

/**
 * I14 Privacy: names, numbers, secrets, tokens and scroll ids are in no log, metric, offset or dead letter, nor in the
 * key or a header of an event, committed or not; under strict in no event at all.
 *
 * It has looked at nothing if the canaries were not there to be seen in events, or under strict in what 8x8 has shown.
 */
export function nothingPrivateLeaks({ run, rows, artefacts, committed, uncommitted, rules }: Evidence): Finding {
  const { topics, canaries } = run;
  const withNames = [topics['call-legs'], topics['call-records'], topics.calls];
  const isEvent = ({ topic }: ReadRecord): boolean => withNames.includes(topic);
  const mayHold = ({ topic }: ReadRecord): boolean => topic === topics.rejected && rules.rejectedPayload;
  const places = [
    ...Object.entries(artefacts).map(([name, text]) => ({ name, text })),
    ...[topics.offsets, topics.rejected, topics.ledger, topics.watermarks, topics.drift].map((topic) => ({
      name: topic,
      text: textsOf(uncommitted.filter((record) => record.topic === topic && !mayHold(record))),
    })),
    {
      name: rules.strict ? 'events' : 'keys and headers of events',
      text: textsOf(uncommitted.filter(isEvent).map(({ key, headers, value }) =>
        [key, headers, ...(rules.strict ? [value] : [])])),
    },
  ];
  const violations = places.flatMap(({ name, text }) => canaries.flatMap((canary) => {
    const found = new RegExp(canary.pattern).exec(text);
    if (found === null) return [];
    const from = Math.max(0, found.index - AROUND);
    const around = text.slice(from, found.index + found[0].length + AROUND);
    return [`${name} hold a ${canary.name}: …${JSON.stringify(around)}…`];
  }));
  const published = textsOf((rules.strict ? rows : committed.filter(isEvent)).slice(0, 1_000));
  const visible = canaries.some(({ pattern }) => new RegExp(pattern).test(published));
  const size = places.reduce((sum, { text }) => sum + text.length, 0);
  return { looked: visible ? size : 0, at: 'characters outside of events', violations };
}

/** Texts alone, a line each: in sums and hashes a number may come up by chance. */
function textsOf(value: unknown): string {
  if (typeof value === 'string') return `${value}\n`;
  if (typeof value !== 'object' || value === null) return '';
  return Object.values(value).map(textsOf).join('');
}
