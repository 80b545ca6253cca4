/**
 * PBX names are compared without case, everywhere: whether 8x8 tells `Acme` from `acme` is not documented, and
 * users lower-case the name in requests with success. So keys hold the name in lower case: if 8x8 ever changes
 * its spelling, no row becomes a new one. The rival, the row's own spelling, would publish every call of the
 * lookback twice on that day. `value.pbxId` keeps 8x8's spelling.
 */
export function foldPbx(name: string): string {
  return name.toLowerCase();
}

/**
 * Says whether a row of this PBX was asked for.
 *
 * @param asked what the request said: a name, several joined by commas, or `allpbxes`.
 * @param folded the row's PBX, through {@link foldPbx}.
 */
export function wasAskedFor(asked: string, folded: string): boolean {
  const wanted = foldPbx(asked);
  if (wanted === folded || wanted === 'allpbxes') return true;
  return wanted.split(',').some((name) => name.trim() === folded);
}
