/**
 * Light, dark, or what the system asks for. Kept in the browser where it allows that.
 * @module
 */
import { type Signal, signal } from '@preact/signals';

/** The choices; `system` follows the system. */
export const THEMES = ['system', 'light', 'dark'] as const;

type Theme = (typeof THEMES)[number];

const KEY = 'iommu-theme';

function kept(): Theme {
  try {
    const text = localStorage.getItem(KEY);
    return THEMES.find((theme) => theme === text) ?? 'system';
  } catch {
    return 'system';
  }
}

/** The choice. */
export const theme: Signal<Theme> = signal(kept());

function show(chosen: Theme): void {
  if (chosen === 'system') delete document.documentElement.dataset['theme'];
  else document.documentElement.dataset['theme'] = chosen;
}

show(theme.peek());

/** Chooses a theme. */
export function setTheme(chosen: Theme): void {
  theme.value = chosen;
  show(chosen);
  try {
    localStorage.setItem(KEY, chosen);
  } catch {
    // a browser that keeps nothing still shows it
  }
}

/** Goes on to the next one. */
export function nextTheme(): void {
  setTheme(THEMES[(THEMES.indexOf(theme.peek()) + 1) % THEMES.length] ?? 'system');
}
