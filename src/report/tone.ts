/**
 * Tones as colours of a terminal.
 * @module
 */
import pc from 'picocolors';
import type { Tone } from './table.ts';

/** Paints text; the identity where colour is off. */
export interface Paint {
  readonly tone: (text: string, tone: Tone | undefined) => string;
  readonly bold: (text: string) => string;
}

/** Paint for a terminal with or without colour. */
export function createPaint(color: boolean): Paint {
  const { green, yellow, red, dim, bold } = pc.createColors(color);
  const tones = { good: green, warning: yellow, bad: red, muted: dim };
  return { tone: (text, tone) => (tone === undefined ? text : tones[tone](text)), bold };
}
