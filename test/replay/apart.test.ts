// Rows that another thread replays give what they give on one thread: every number, refusal, range and time of the document.
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { rowDriver } from '../../src/answers/replay/hardware.ts';
import { analyse } from '../../src/cost/analysis.ts';
import { readLatencyTable } from '../../src/cost/csv.ts';
import { problemsOf } from '../../src/cost/problem.ts';
import { fitProfile, type Profile } from '../../src/cost/profile.ts';
import { bareDriver } from '../../src/drivers/index.ts';
import type { RowsOrder, RowsPort, RowsReply } from '../../src/replay/apart/messages.ts';
import { RowsApart } from '../../src/replay/apart/rows-apart.ts';
import { RowsSide } from '../../src/replay/apart/rows-side.ts';
import { answerDocument } from '../../src/report/answer-data.ts';
import { ReplyQueue } from '../../src/trace/apart/reply-queue.ts';
import { CallBatch } from '../../src/trace/call-batch.ts';
import { type Asked, bytesOf, FOLDERS, line, replayTexts, replayTextsApart, tracesOf } from '../answers/helpers.ts';

const PRICES = new URL('../../data/latency/map-sg-series-2021.csv', import.meta.url);
const SLOW = 60_000;

function profile(): Profile {
  const table = readLatencyTable(readFileSync(PRICES, 'utf8'), 'prices');
  return fitProfile(problemsOf(table).map(analyse), { name: 'board', kind: 'hardware' }, 'prices');
}

interface TestPort extends RowsPort {
  /** Orders by their kind. */
  readonly sent: Map<RowsOrder['order'], number>;
  /** Lets the other side go on. */
  release(): void;
}

/** The side of the rows behind a port that copies all that passes, as a thread does; one that is held carries out no order. */
function portOf(driver = rowDriver, isHeld = false): TestPort {
  const replies = new ReplyQueue<RowsReply>();
  const side = new RowsSide((reply, transfer) => replies.put(structuredClone(reply, { transfer })), {
    driver,
    clock: () => 0,
  });
  const sent = new Map<RowsOrder['order'], number>();
  const waiting: RowsOrder[] = [];
  let held = isHeld;
  void replies.next();
  return {
    sent,
    post(order, transfer) {
      sent.set(order.order, (sent.get(order.order) ?? 0) + 1);
      const copy = structuredClone(order, { transfer });
      if (held) waiting.push(copy);
      else side.take(copy);
    },
    next: () => replies.next(),
    close: () => undefined,
    release() {
      held = false;
      for (const order of waiting.splice(0)) side.take(order);
    },
  };
}

async function expectSame(texts: readonly (Uint8Array | string)[], asked: Asked): Promise<void> {
  const port = portOf();
  const apart = await replayTextsApart(texts, { ...asked, apart: port });
  const here = replayTexts(texts, asked);
  expect(JSON.stringify(answerDocument(apart))).toBe(JSON.stringify(answerDocument(here)));
  expect(apart).toEqual(here);
  expect(port.sent.get('end')).toBe(1);
}

describe('rows of another thread', () => {
  it.each(FOLDERS)(
    'of %s',
    async (folder) => {
      await expectSame(tracesOf(folder).map(bytesOf), { path: 'all', ranges: true });
    },
    SLOW,
  );

  it.each<Asked>([
    { granule: 'all', iova: 'packed', tlb: 'lazy', ranges: true },
    { path: 'all', dispatch: 'all', physical: 'contiguous-2m' },
    { iommu: 'all', profile: profile() },
    { path: 'one-walk', profile: profile() },
  ])(
    'asked otherwise, %#',
    async (asked) => {
      await expectSame(tracesOf('arm64-smmuv3-61-blk').map(bytesOf), asked);
    },
    SLOW,
  );

  it('that refuse calls, and stop at a mark', async () => {
    const mark = '  dd-1 [000] .....  3.000000: tracing_mark_write: stop here\n';
    const text = `${line('map', 1, 2 ** 50, 4096)}${line('map', 2, 2 ** 30, 4096)}${mark}${line('map', 4, 2 ** 31, 4096)}`;
    await expectSame([text], { path: 'all', until: 'stop here', ranges: true });
    expect(replayTexts([text], {}).data.rows[0]?.refused).toMatchObject([{ code: 'OUT_OF_RANGE', count: 1 }]);
  });

  it('are not used where an observer is to see each call', async () => {
    const port = portOf();
    let calls = 0;
    const observer = (): void => void calls++;
    await replayTextsApart([line('map', 1, 2 ** 30, 4096)], { observer, apart: port });
    expect([calls, port.sent.size]).toEqual([1, 0]);
  });

  it('take no more batches than a few before they are waited for', async () => {
    const port = portOf(rowDriver, true);
    const rows = new RowsApart(port, { rows: [] });
    let batch = new CallBatch();
    let hasRoom = false;
    for (let sent = 0; sent < 20; sent++) batch = rows.take(batch);
    const room = rows.room().then(() => (hasRoom = true));
    await new Promise((resolve) => setImmediate(resolve));
    expect(hasRoom).toBe(false);
    port.release();
    await room;
    expect(hasRoom).toBe(true);
  });

  it('throw what a driver throws that has a defect', async () => {
    const port = portOf(() => (context) => ({
      ...bareDriver()(context),
      sync: () => {
        throw new Error('a defect');
      },
    }));
    const text = `${line('map', 1, 2 ** 30, 4096)}${line('unmap', 2, 2 ** 30, 4096)}`;
    await expect(replayTextsApart([text], { apart: port })).rejects.toThrow('a defect');
  });

  it('throw where their thread ends before its time', async () => {
    const replies = new ReplyQueue<RowsReply>();
    const apart = { post: () => replies.break(new Error('ended')), next: () => replies.next(), close: () => undefined };
    await expect(replayTextsApart([line('map', 1, 2 ** 30, 4096)], { apart })).rejects.toThrow('ended');
  });
});
