/**
 * What the whole page shares: which panel is open, and which files were dropped.
 * @module
 */
import { effect, type Signal, signal } from '@preact/signals';
import { readHash, writeHash } from './hash.ts';
import type { DroppedFile } from './identify.ts';

/** Everything in the address; panels keep their own keys in it. */
export const hash: Signal<ReadonlyMap<string, string>> = signal(readHash(location.hash));

/** Files that were dropped or chosen, with what each was taken for. */
export const files: Signal<readonly DroppedFile[]> = signal([]);

function withEntries(entries: Readonly<Record<string, string>>): Map<string, string> {
  const all = new Map([...hash.value, ...Object.entries(entries)]);
  return new Map([...all].filter(([, value]) => value !== ''));
}

/** Sets keys of the address; an empty value removes its key. */
export function setHash(entries: Readonly<Record<string, string>>): void {
  hash.value = withEntries(entries);
}

/** A link to the state with other entries. */
export function hrefWith(entries: Readonly<Record<string, string>>): string {
  return `#${writeHash(withEntries(entries))}`;
}

/** Keeps the address and the state equal, in both directions. */
export function followAddress(): void {
  const read = (): void => {
    hash.value = readHash(location.hash);
  };
  addEventListener('hashchange', read);
  addEventListener('popstate', read);
  effect(() => {
    const text = writeHash(hash.value);
    if (`#${text}` !== location.hash) history.replaceState(null, '', text === '' ? location.pathname : `#${text}`);
  });
}

/** Opens a panel; the browser's Back returns to the one before. */
export function openPanel(panel: string, entries: Readonly<Record<string, string>> = {}): void {
  if (hash.peek().get('panel') !== panel) history.pushState(null, '', location.href);
  setHash({ panel, ...entries });
}
