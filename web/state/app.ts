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

/** What stands in the state but not in the address, since a link would be too long. */
let unwritten: ReadonlyMap<string, string> = new Map();
/** Milliseconds in which changes of one kind are one step of the browser's history. */
const STEP_MS = 1500;

interface Written {
  readonly keys: string;
  readonly when: number;
}

function changedKeys(before: ReadonlyMap<string, string>, now: ReadonlyMap<string, string>): string {
  const keys = new Set([...before.keys(), ...now.keys()]);
  return [...keys].filter((key) => before.get(key) !== now.get(key)).join();
}

/** Keeps the address and the state equal, in both directions. Every change is a step that the browser's Back undoes. */
export function followAddress(): void {
  let before = hash.peek();
  let last: Written = { keys: '', when: 0 };
  const read = (): void => {
    before = new Map([...unwritten, ...readHash(location.hash)]);
    last = { keys: '', when: 0 };
    hash.value = before;
  };
  addEventListener('hashchange', read);
  addEventListener('popstate', read);
  effect(() => {
    const now = hash.value;
    const text = writeHash(now);
    const written = readHash(text);
    unwritten = new Map([...now].filter(([key]) => !written.has(key)));
    const keys = changedKeys(before, now);
    before = now;
    if (`#${text}` === location.hash || (text === '' && location.hash === '')) return;
    const goesOn = keys === last.keys && Date.now() - last.when < STEP_MS;
    last = { keys, when: Date.now() };
    const url = text === '' ? location.pathname + location.search : `#${text}`;
    if (goesOn) history.replaceState(null, '', url);
    else history.pushState(null, '', url);
  });
}

/** Opens a panel; the browser's Back returns to the one before. */
export function openPanel(panel: string, entries: Readonly<Record<string, string>> = {}): void {
  setHash({ panel, ...entries });
}
