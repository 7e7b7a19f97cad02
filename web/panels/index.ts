/**
 * The panels of the page, in the order of the tabs.
 * @module
 */
import { DUMP_PANEL } from './dump.tsx';
import { EXPLORER_PANEL } from './explorer.tsx';
import { FAULT_PANEL } from './fault.tsx';
import { LATENCY_PANEL } from './latency.tsx';
import { LEARN_PANEL } from './learn.tsx';
import type { Panel } from './panel.ts';
import { TRACE_PANEL } from './trace.tsx';

/** Every panel. */
export const PANELS: readonly Panel[] = [
  FAULT_PANEL,
  EXPLORER_PANEL,
  TRACE_PANEL,
  DUMP_PANEL,
  LATENCY_PANEL,
  LEARN_PANEL,
];
