/**
 * The keyboard: one place that turns keys into commands, and never takes a key from a box that is typed into.
 * @module
 */
import type { Command } from '../panels/panel.ts';

/** Whether an element takes text. */
function takesText(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  return target instanceof HTMLInputElement || /^(?:TEXTAREA|SELECT)$/.test(target.tagName) || target.isContentEditable;
}

/** Moves the focus among the rows and sections that are marked for it. */
export function moveFocus(step: 1 | -1): void {
  const places = [...document.querySelectorAll<HTMLElement>('main [data-move]')];
  const now = places.findIndex((place) => place.contains(document.activeElement));
  const current = places.findIndex((place) => place.getAttribute('aria-current') === 'true');
  const from = now === -1 ? current : now;
  const next = places[Math.max(0, Math.min(places.length - 1, from + step))];
  next?.focus();
  next?.scrollIntoView({ block: 'nearest' });
}

/** Puts the focus where the open panel is searched or typed into. */
export function focusSearch(): void {
  document.querySelector<HTMLElement>('main [data-search]')?.focus();
}

/** Runs the command of a key. */
export function followKeys(commands: () => readonly Command[], openPalette: () => void): () => void {
  const onKey = (event: KeyboardEvent): void => {
    if (event.key === 'k' && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      openPalette();
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey || takesText(event.target)) return;
    if (document.querySelector('dialog[open]') !== null) return;
    const command = commands().find(({ key }) => key === event.key);
    if (command === undefined) return;
    event.preventDefault();
    command.run();
  };
  addEventListener('keydown', onKey);
  return () => removeEventListener('keydown', onKey);
}
