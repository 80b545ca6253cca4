/** A change of the product's source, made while it is loaded. */
export interface Patch {
  /** From the project's root, e.g. `src/feed/window.ts`. */
  readonly file: string;
  /** Text that stands in the file exactly once. */
  readonly find: string;
  readonly replace: string;
}

type Env = { readonly PATCHES: string };

const REGISTER = new URL('register.ts', import.meta.url).href;

/** The patches this process itself was started with. */
export function ownPatches(): readonly Patch[] {
  return JSON.parse(process.env['PATCHES'] ?? '[]') as readonly Patch[];
}

/** What `node` needs to run with patches and with those of this process: first arguments, and environment. */
export function patched(patches: readonly Patch[]): { readonly args: readonly string[]; readonly env: Env } {
  return { args: ['--import', REGISTER], env: { PATCHES: JSON.stringify([...ownPatches(), ...patches]) } };
}
