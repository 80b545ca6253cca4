import type { Bug } from './bug.ts';
import { deepSweepBugs } from './deep-sweep-bugs.ts';
import { doctorBugs } from './doctor-bugs.ts';
import { feedBugs } from './feed-bugs.ts';
import { groupBugs } from './group-bugs.ts';
import { observeBugs } from './observe-bugs.ts';
import { privacyBugs } from './privacy-bugs.ts';
import { securityBugs } from './security-bugs.ts';
import { sinkBugs } from './sink-bugs.ts';
import { sourceBugs } from './source-bugs.ts';
import { streamBugs } from './stream-bugs.ts';
import { workerBugs } from './worker-bugs.ts';

/** The zoo, each with the named check that catches it. */
export const bugs: readonly Bug[] = [
  ...feedBugs, ...deepSweepBugs, ...workerBugs, ...sourceBugs, ...streamBugs, ...sinkBugs, ...groupBugs,
  ...observeBugs, ...privacyBugs, ...securityBugs, ...doctorBugs,
];
