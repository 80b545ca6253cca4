import { feedName } from '../../src/feed/feed.ts';
import { iso, rowEvents, type Promised } from './promise.ts';

/** What 8x8 does not document is told with the first row that shows it, and never again. */
export const driftIsToldOnce: Promised = ({ trace }) => {
  const told = new Set<string>();
  return trace.commits.flatMap((commit) => {
    const { feed, events, atMs } = commit;
    const where = `drift: ${feedName(feed)} at ${iso(atMs)}`;
    const again: string[] = [];
    for (const { value } of events.filter(({ channel }) => channel === 'drift')) {
      const name = `${feedName(feed)} ${value['kind']} ${value['field']}`;
      if (told.has(name)) again.push(`${where} tells again of ${value['kind']} ${value['field']}`);
      told.add(name);
    }
    const fields = new Set(rowEvents(commit).flatMap(({ value }) => Object.keys(value['extras'] ?? {})));
    const silent = [...fields].filter((field) => !told.has(`${feedName(feed)} unknown-field ${field}`));
    return [...again, ...silent.map((field) => `${where} says nothing of ${field}`)];
  });
};
