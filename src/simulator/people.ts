import type { Party } from './call.ts';
import type { Random } from './random.ts';

/**
 * Every name and every outside number the simulator invents carries one of these, so that a privacy test
 * can search logs, metrics and offsets for them. Nobody real is meant: 555-01xx numbers are reserved for fiction.
 */
export const CANARIES = { name: 'Canary', number: '1555013' } as const;

const FIRST_NAMES = ['Mark', 'Jane', 'Zoë', 'Ólafur', 'Mei', 'Ivan', 'Aïcha', 'Søren', 'Priya', '明', 'Ann "AJ"'];
const LAST_NAMES = ['Smith', 'Li', 'Müller', "O'Neil", 'García', 'Novák', 'Okoye', 'Jensen', 'Rossi', '山田', 'Van Dyke'];
const QUEUES = ['Support Queue', 'Sales Queue', 'Billing Queue'];

/** A person outside: `+1555013xxxx`; sometimes without a name, or withheld altogether. */
export function external(random: Random): Party {
  const number = `+${CANARIES.number}${random.whole(1000, 9999)}`;
  const shape = random.next();
  if (shape < 0.02) return { number: 'Anonymous', name: 'Anonymous' };
  if (shape < 0.2) return { number, name: number.slice(1) };
  if (shape < 0.22) return { number, name: '.' };
  return { number, name: personName(random) };
}

/** A person of the house: extension 1001 to 1060, always with the same name. */
export function extension(random: Random): Party {
  const index = random.whole(0, 59);
  const first = FIRST_NAMES[index % FIRST_NAMES.length]!;
  const last = LAST_NAMES[index % LAST_NAMES.length]!;
  return { number: String(1001 + index), name: `${CANARIES.name} ${first} ${last}` };
}

export function queue(random: Random): Party {
  const index = random.whole(0, QUEUES.length - 1);
  return { number: String(101 + index), name: QUEUES[index]! };
}

export function ringGroup(random: Random): Party {
  const index = random.whole(0, 4);
  return { number: String(2001 + index), name: `Ring Group ${index + 1}` };
}

function personName(random: Random): string {
  return `${CANARIES.name} ${random.pick(FIRST_NAMES)} ${random.pick(LAST_NAMES)}`;
}
