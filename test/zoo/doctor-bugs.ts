import { check, patch, type Bug } from './bug.ts';

/** Bugs in what `doctor` says: `src/doctor/`. */
export const doctorBugs: readonly Bug[] = [
  {
    name: 'licence and role are to blame as soon as one PBX is refused, whatever is wrong with the others',
    believed: 'a refusal is a refusal',
    patches: [patch('doctor/eight.ts', 'const refused = readings.every(', 'const refused = readings.some(')],
    caughtBy: [check('doctor/eight', /^licence and role are to blame only/)],
  },
  {
    name: 'an API key that is refused passes, for something has answered',
    believed: 'the token endpoint has answered, so the key got through',
    patches: [patch('doctor/eight.ts', `if (error?.credential === 'api-key') {`, 'if (error === null) {')],
    caughtBy: [check('doctor/eight', /^an API key that is refused/),
      check('doctor/eight', /^credentials that cannot even be sent/)],
  },
  {
    name: 'the time by which records are shown is told by the end alone',
    believed: 'one question is enough',
    patches: [patch('doctor/eight.ts', 'if (byEnd && !byStart) return', 'if (byEnd) return')],
    caughtBy: [check('doctor/eight', /^by which time call records are shown/)],
  },
  {
    name: 'a right that Kafka refuses cannot be told',
    believed: 'the name of the error begins with it',
    patches: [patch('doctor/kafka.ts', `type.includes('AUTHORIZATION')`, `type.startsWith('AUTHORIZATION')`)],
    caughtBy: [check('doctor/kafka', /^a right that is missing comes with the line/)],
  },
  {
    name: 'offsets that Kafka deletes by age are a warning, as with any topic',
    believed: 'the connector checks it at its start anyway',
    patches: [patch('doctor/kafka.ts', `topic === offsets ? 'failed' : 'warning'`, `'warning'`)],
    caughtBy: [check('doctor/kafka', /^offsets that would be lost are no warning/)],
  },
];
