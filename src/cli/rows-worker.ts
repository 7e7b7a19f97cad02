/**
 * The thread that replays the calls of a trace in rows: see `src/replay/apart`.
 * @module
 */
import { parentPort } from 'node:worker_threads';
import { rowDriver } from '../answers/replay/hardware.ts';
import type { RowsOrder } from '../replay/apart/messages.ts';
import { RowsSide } from '../replay/apart/rows-side.ts';

const port = parentPort;
if (port !== null) {
  const own = { driver: rowDriver, clock: () => performance.now() };
  const side = new RowsSide((reply, memory) => port.postMessage(reply, memory), own);
  port.on('message', (order: RowsOrder) => side.take(order));
}
