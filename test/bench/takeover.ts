import type { Stack } from '../stack/stack.ts';
export async function measureTakeovers(_: Stack): Promise<string> { return ''; }
