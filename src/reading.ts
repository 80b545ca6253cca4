import { changedSettings, originMs, type Config } from './config.ts';
import { ConnectorError } from './errors.ts';
import { feedName } from './feed/feed.ts';
import { LIVE } from './feed/pass.ts';
import { isSameKey } from './privacy.ts';
import { streams } from './streams/index.ts';
import { hiding } from './streams/privacy.ts';
import type { Feed } from './worker/poll.ts';

/** Names of feeds that have come with new settings, and of those that have gone. */
export interface Reloaded {
  readonly added: readonly string[];
  readonly removed: readonly string[];
}

/** What a worker reads, until `stop` aborts because other settings name other feeds. */
export interface Reading {
  readonly config: Config;
  readonly feeds: readonly Feed[];
  readonly stop: AbortController;
}

/** What can change while a connector runs. */
const RELOADABLE = ['EIGHT_PBX_IDS', 'EIGHT_STREAMS', 'LOG_LEVEL'];

/** What is to be read by the settings, and by those that take their place. */
export function planReading(
  settings: Config,
  nowMs: () => number,
): { readonly current: () => Reading; readonly reload: (next: Config) => Reloaded } {
  const planned = (config: Config): Reading =>
    ({ config, feeds: planFeeds(config, nowMs()), stop: new AbortController() });
  let reading = planned(settings);
  return {
    current: () => reading,
    reload(next) {
      const fixed = changedSettings(reading.config, next).filter((name) => !RELOADABLE.includes(name));
      if (!isSameKey(reading.config.privacy, next.privacy)) fixed.push('PRIVACY_KEY');
      if (fixed.length > 0) {
        throw new ConnectorError('CONFIG_INVALID', `${fixed.join(', ')}: changed; only a restart can apply that`);
      }
      const last = reading;
      reading = planned(next);
      const [before, after] = [last, reading].map(({ feeds }) => new Set(feeds.map(({ id }) => feedName(id))));
      const [added, removed] = [[...after!.difference(before!)], [...before!.difference(after!)]];
      if (added.length + removed.length === 0) reading = last;
      else last.stop.abort(new Error('other feeds'));
      return { added, removed };
    },
  };
}

function planFeeds({ connector, source, pace, auto, kafka, privacy }: Config, nowMs: number): readonly Feed[] {
  const { rejectedPayload } = connector;
  const callLegCount = kafka.topicCalls === 'off' ? undefined : connector.callLegCount;
  const from = originMs(connector.startFrom, nowMs);
  return streams
    .filter(({ name }) => source.streams.includes(name))
    .map((stream) => hiding(stream, privacy.policies[stream.name], privacy.key))
    .flatMap((stream) => source.pbxIds.map((pbxId) => {
      const id = { stream: stream.name, pbxId, pass: LIVE };
      return { id, stream, pace, auto, originMs: from, callLegCount, rejectedPayload };
    }));
}
