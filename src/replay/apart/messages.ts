/**
 * What passes between the thread that pairs the calls of a trace and the thread that replays them in rows.
 * @module
 */

import type { ThreadFailure } from '../../trace/apart/failure.ts';
import type { Port } from '../../trace/apart/messages.ts';
import type { CallColumns } from '../../trace/call-batch.ts';
import type { CallFindings } from '../call-statistics.ts';
import type { RowReport } from '../row-report.ts';
import type { RowsAsked } from '../rows-here.ts';

/** To the thread of the rows. The first order says which rows. */
export type RowsOrder =
  | { readonly order: 'rows'; readonly asked: RowsAsked }
  /** Batches of calls for every row, several at once: waking a thread takes longer than replaying a batch. */
  | { readonly order: 'calls'; readonly batches: readonly CallColumns[] }
  /** There are no more calls. */
  | { readonly order: 'end' };

/** From the thread of the rows. */
export type RowsReply =
  | { readonly reply: 'ready' }
  /** Calls were replayed: their columns come back. */
  | { readonly reply: 'taken'; readonly batches: readonly CallColumns[] }
  | { readonly reply: 'end'; readonly reports: readonly RowReport[]; readonly findings: CallFindings | undefined }
  | { readonly reply: 'failure'; readonly failure: ThreadFailure };

/** What the thread that pairs calls holds of the thread of the rows. */
export type RowsPort = Port<RowsOrder, RowsReply>;
