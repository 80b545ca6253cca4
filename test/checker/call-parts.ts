import type { Report, Row } from './dumps.ts';

/** A row in the event of a call. */
export interface Part {
  readonly topic: Report;
  /** As its own event has it: `pbxId/callId/legId` or `pbxId/callId`, the PBX in lower case. */
  readonly subject: string;
  /** Of both. */
  readonly name: string;
  /** Whether it stands among the legs of child calls. */
  readonly isChild: boolean;
  readonly value: Row;
}

/** Record, legs and legs of child calls of a call's event. */
export function partsOf(value: Row): readonly Part[] {
  const list = (name: string): readonly Row[] => (value[name] ?? []) as readonly Row[];
  const record = (value['record'] ?? undefined) as Row | undefined;
  return [
    ...(record === undefined ? [] : [partOf('call-records', record)]),
    ...list('legs').map((leg) => partOf('call-legs', leg)),
    ...list('childLegs').map((leg) => ({ ...partOf('call-legs', leg), isChild: true })),
  ];
}

/** The call that a row is a part of: that of its parent, if it was made on behalf of one. */
export function rootOf(value: Row): string {
  return `${String(value['pbxId']).toLowerCase()}/${value['parentCallId'] ?? value['callId']}`;
}

function partOf(topic: Report, value: Row): Part {
  const ids = [String(value['pbxId']).toLowerCase(), value['callId'], ...topic === 'call-legs' ? [value['legId']] : []];
  const subject = ids.join('/');
  return { topic, subject, name: `${topic} ${subject}`, isChild: false, value };
}
