import type { WorkerEvent } from '../worker/worker.ts';
import { createHealth, type Health } from './health.ts';
import { createMetrics, type Build, type Metrics, type RequestReport } from './metrics.ts';
import { createOverview, type Overview } from './overview.ts';

/** All that listens for an operator, as one. */
export interface Observer {
  readonly metrics: Metrics;
  readonly health: Health;
  readonly overview: Overview;
  readonly onEvent: (event: WorkerEvent) => void;
  readonly onRequest: (report: RequestReport) => void;
}

/** Who is observed. */
export interface Observed {
  readonly name: string;
  readonly guarantee: string;
  readonly build: Build;
}

export function createObserver({ name, guarantee, build }: Observed, nowMs: () => number): Observer {
  const health = createHealth(guarantee, nowMs);
  const metrics = createMetrics(nowMs, { build, isReady: () => health.ready().ok });
  const overview = createOverview({ name, build, feeds: metrics.feeds, health }, nowMs);
  return {
    metrics,
    health,
    overview,
    onEvent(event) {
      for (const ear of [metrics, health, overview]) ear.onEvent(event);
    },
    onRequest(report) {
      for (const ear of [metrics, health, overview]) ear.onRequest(report);
    },
  };
}
