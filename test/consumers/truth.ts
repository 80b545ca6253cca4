/** A row as 8x8 shows it, as far as the tests of consumers need it. */
export interface Row {
  readonly pbxId: string;
  readonly callId: string;
  readonly legId: string;
  readonly missed: string;
  readonly abandoned: string;
  readonly answered: string;
  readonly talkTimeMS: number;
  readonly disconnectedTimeUTC: number;
}

/** The rows of both reports that disconnected in `[fromMs, toMs)`, as the simulator knows them. */
export interface Truth {
  readonly legs: readonly Row[];
  readonly records: readonly Row[];
}

export async function readTruth(origin: string, fromMs: number, toMs: number): Promise<Truth> {
  const read = async (report: string): Promise<readonly Row[]> => {
    const answer = await fetch(`${origin}/simulator/ledger?report=${report}&from=${fromMs}&to=${toMs}&rows=true`);
    const lines = (await answer.text()).split('\n').filter((line) => line !== '');
    return lines.map((line) => (JSON.parse(line) as { readonly row: Row }).row);
  };
  return { legs: await read('call-legs'), records: await read('call-records') };
}

/** As in the keys of events. */
export function callOf({ pbxId, callId }: Row): string {
  return `${pbxId}/${callId}`;
}
