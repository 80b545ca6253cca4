import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { assertWhole } from '../road/verdict.ts';
import { startCluster, type Cluster } from '../stack/cluster.ts';
import { attackCluster, ROLES } from './cluster.ts';

// Goal: a broker that leads what we write to, or coordinates it, may die at any time. Method: three real brokers; the
// leader of a partition of events, that of offsets, the coordinator, and two at once are killed, one after the other.

let cluster: Cluster;
before(async () => {
  cluster = await startCluster();
});
after(() => cluster.stop());

test('brokers killed by their role, and too few of them for a while, lose and double nothing', async () => {
  const { kills, verdict } = await attackCluster(cluster, { seed: 1, kills: ROLES.length });
  assert.deepEqual(new Set(kills.keys()), new Set(ROLES));
  assertWhole(verdict);
});
