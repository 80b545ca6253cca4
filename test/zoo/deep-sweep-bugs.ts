import { check, patch, worlds, type Bug } from './bug.ts';

/** Bugs in what is remembered for deep sweeps, and in what they read by it. */
export const deepSweepBugs: readonly Bug[] = [
  {
    name: 'sealed keys are not known',
    believed: 'a deep sweep knows its own keys and those of all other passes',
    patches: [patch('worker/poll.ts', 'live.isSealed(key) && live.seenEntry(key) === undefined', 'key === id.pass')],
    caughtBy: [check('worker/deep-sweep', /^what the live feed has forgotten is not published again/), worlds(30)],
  },
  {
    name: 'a deep sweep goes on from what another one knows of a sealed row',
    believed: 'who knows a row whole knows more of it than its fingerprint tells',
    patches: [patch('feed/seen.ts', 'else if (isSealed(key))', 'else if (known === undefined && isSealed(key))')],
    caughtBy: [check('feed/seen', /^takeFresh leaves out what was published and is sealed/)],
  },
  {
    name: 'a deep sweep publishes what a person has skipped',
    believed: 'where the live feed stands says nothing of what it has published before',
    patches: [patch('feed/offset.ts', ' || watermarkMs > this.#watermarkMs ||', ' ||')],
    caughtBy: [
      check('feed/sealed-keys', 'what is remembered of a feed that is moved on, past what is not remembered'),
      check('worker/deep-sweep', 'a deep sweep leaves what a person has skipped unread'),
    ],
  },
  {
    name: 'a sealed page is not counted',
    believed: 'what is forgotten is not to be found again, so nobody need count it',
    patches: [
      patch('feed/key-memory.ts', 'plus(sum, tallyOf(sealed.fingerprints))', 'sum'),
      patch('feed/key-memory.ts', 'whole: false, sealed, tally: tallyOf(sealed.fingerprints)',
        'whole: false, sealed, tally: EMPTY'),
      patch('feed/key-memory.ts', '      this.#tally = plus(this.#tally, tallyOf(sealed.fingerprints));\n', ''),
      patch('feed/key-memory.ts', '    if (sealed !== undefined) this.#tally = minus(this.#tally, '
        + 'tallyOf(sealed.fingerprints));\n', ''),
    ],
    caughtBy: [check('feed/sealed-keys', /^fingerprints are forgotten in time, and a sealed page that is missing/)],
  },
  {
    name: 'fingerprints are kept as long as the longest age',
    believed: 'a deep sweep has passed what is older than its age',
    patches: [patch('feed/deep-sweep.ts', 'own?.watermarkMs ?? live.watermarkMs - ageMs',
      '(own === undefined ? live : live).watermarkMs - ageMs')],
    caughtBy: [check('feed/deep-sweep', 'fingerprints are kept of what one that stands still has not passed')],
  },
  {
    name: 'a deep sweep reads at the edge',
    believed: 'the live feed has read it, so it can be read once more',
    patches: [patch('feed/deep-sweep.ts', 'settleMs: ageMs, stepMinMs, stepMaxMs',
      'settleMs: pace.settleMs, stepMinMs, stepMaxMs')],
    caughtBy: [check('feed/deep-sweep', 'a deep sweep reads what has come to the age'), worlds(30)],
  },
  {
    name: 'a deep sweep begins where the live feed has begun',
    believed: 'all that the live feed has read is to be read once more',
    patches: [patch('feed/deep-sweep.ts', 'toMs: Math.max(agedMs, rememberedFromMs) }', 'toMs: rememberedFromMs }')],
    caughtBy: [check('feed/deep-sweep', 'a deep sweep begins at its age')],
  },
];
