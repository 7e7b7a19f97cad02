/**
 * Steps of a history that map and unmap nothing: a range translated, a device's write, dirty bits read.
 * @module
 */
import type { Domain } from '../../src/core/index.ts';
import type { Look } from '../../src/testing/histories.ts';
import type { IntervalMap } from '../../src/testing/interval-map.ts';
import { iovaOf } from '../../src/testing/setup.ts';
import { Difference, same } from './difference.ts';
import type { Marks } from './marks.ts';
import type { Subject } from './units.ts';

type Kind<K extends Look['kind']> = Extract<Look, { kind: K }>;

/** The pages of a range that are mapped, by the model: output addresses, or −1. */
function wantedPages(mapped: IntervalMap, offset: number, pages: number, page: number): Float64Array {
  const wanted = new Float64Array(pages).fill(-1);
  const end = offset + pages * page;
  for (const interval of mapped.merged()) {
    const start = Number(interval.start);
    const pa = Number(interval.pa);
    const last = Math.min(Number(interval.end), end);
    for (let at = Math.max(start, offset); at < last; at += page) wanted[(at - offset) / page] = pa + (at - start);
  }
  return wanted;
}

function translate({ offset, pages }: Kind<'translate'>, domain: Domain, name: string, wanted: Float64Array): void {
  const found = domain.translateRange(iovaOf(domain, offset), pages);
  for (let i = 0; i < pages; i++) same(() => `${name}: page ${i} of ${pages} from ${offset}`, found[i], wanted[i]);
}

/** The clean or dirty pages of a range. */
function bitsOf(bitmap: Uint8Array, pages: number): boolean[] {
  return Array.from({ length: pages }, (_, i) => (((bitmap[i >>> 3] ?? 0) >>> (i & 7)) & 1) === 1);
}

interface Dirty {
  readonly bits: readonly boolean[];
  readonly errno: number;
}

function dirty({ offset, pages, clear }: Kind<'dirty'>, domain: Domain): Dirty {
  const page = 2 ** domain.geometry.pageShift;
  const { bitmap, errno } = domain.readDirty(iovaOf(domain, offset), pages * page, { page, clear });
  return { bits: bitsOf(bitmap, pages), errno };
}

function readAll(step: Kind<'dirty'>, twin: Domain, subjects: readonly Subject[], marks: Marks): void {
  const page = 2 ** twin.geometry.pageShift;
  const { offset, pages, clear } = step;
  const { bits, errno } = dirty(step, twin);
  // Linux refuses a range beyond what a root that grows reaches today
  for (const [i, bit] of errno === 0 ? bits.entries() : []) {
    const at = offset + i * page;
    same(() => `twin: dirty bit of 0x${at.toString(16)}`, bit, marks.bit(at, at + page) ?? bit);
  }
  for (const { name, domain } of subjects) {
    const found = dirty(step, domain);
    same(() => `${name}: errno of dirty bits from ${offset}`, found.errno, errno);
    const different = found.bits.findIndex((bit, i) => bit !== bits[i]);
    if (different >= 0) throw new Difference(`${name}: dirty bit ${different} of ${pages} from ${offset}`);
  }
  if (clear && errno === 0) marks.clear(offset, offset + pages * page);
}

function writeAll({ offset, pages }: Kind<'write'>, twin: Domain, subjects: readonly Subject[], marks: Marks): void {
  const page = 2 ** twin.geometry.pageShift;
  for (let at = offset; at < offset + pages * page; at += page) writeOne(at, twin, subjects, marks);
}

function writeOne(offset: number, twin: Domain, subjects: readonly Subject[], marks: Marks): void {
  const size = twin.leafSize(iovaOf(twin, offset));
  for (const { name, domain } of subjects) {
    same(() => `${name}: a write at ${offset}`, domain.setDirty(iovaOf(domain, offset)), size > 0);
  }
  twin.setDirty(iovaOf(twin, offset));
  const start = offset - (size === 0 ? 0 : offset % size);
  if (size > 0) marks.write(start, start + size);
}

/** Whether dirty bits can be read: by the format, and by the semantics. */
function tracks({ geometry, semantics }: Domain): boolean {
  return geometry.dirty !== undefined && (semantics === 'safe' || semantics === 'linux-7.3');
}

/** Performs a look on every domain; returns how many that were. @throws Difference */
export function look(
  step: Look,
  twin: Domain,
  subjects: readonly Subject[],
  mapped: IntervalMap,
  marks: Marks,
): number {
  if (step.kind === 'translate') {
    const wanted = wantedPages(mapped, step.offset, step.pages, 2 ** twin.geometry.pageShift);
    for (const { name, domain } of subjects) translate(step, domain, name, wanted);
    return subjects.length;
  }
  if (!tracks(twin)) return 0;
  if (step.kind === 'write') writeAll(step, twin, subjects, marks);
  else readAll(step, twin, subjects, marks);
  return subjects.length;
}
