import type { StreamName } from '../feed/feed.ts';
import { callLegs } from './call-legs.ts';
import { callRecords } from './call-records.ts';
import type { Stream } from './stream.ts';

const byName: Readonly<Record<StreamName, Stream>> = {
  'call-legs': callLegs,
  'call-records': callRecords,
};

/** Every report we read. */
export const streams: readonly Stream[] = Object.values(byName);

export function streamNamed(name: StreamName): Stream {
  return byName[name];
}
