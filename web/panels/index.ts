/**
 * The panels of the page, in the order of the tabs.
 * @module
 */
import { DUMP_PANEL } from './dump.tsx';
import type { Panel } from './panel.ts';

/** Every panel. */
export const PANELS: readonly Panel[] = [DUMP_PANEL];
