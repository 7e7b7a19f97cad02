/**
 * Random tables, written by this project's own engine, and addresses to ask about.
 * @module
 */
import { Domain } from '../src/core/domain.ts';
import { PROT } from '../src/formats/protection.ts';
import { TableMemory } from '../src/memory/table-memory.ts';
import type { Layout } from './layout.ts';
import type { Random, SceneTables, Session, Shape, Unit } from './unit.ts';

/** A whole number below `limit`. */
export function below(random: Random, limit: number): number {
  return Math.floor(random() * limit);
}

/** One of some values. */
export function oneOf<T>(random: Random, values: readonly T[]): T {
  return values[below(random, values.length)] as T;
}

interface Mapped {
  readonly iova: number;
  readonly bytes: number;
}

/** A scene: tables in the image, and where something was mapped. */
export interface Scene {
  readonly tables: SceneTables;
  readonly mapped: readonly Mapped[];
}

const RUNS = 12;
const MOST_PAGES = 24;
const ACCESS = [PROT.READ, PROT.READ | PROT.WRITE, PROT.READ | PROT.WRITE, PROT.WRITE];
const EXTRA = [0, PROT.CACHE, PROT.NOEXEC, PROT.CACHE | PROT.NOEXEC];

/** Page sizes of a bitmap. */
function sizesIn(bitmap: number): number[] {
  return Array.from({ length: 53 }, (_, i) => 2 ** i).filter((size) => Math.floor(bitmap / size) % 2 === 1);
}

/** Runs of a random page size near random places, most of them close together so that tables are shared. */
function mapRuns(domain: Domain, session: Session, random: Random): Mapped[] {
  const { geometry } = domain;
  const { data, dataBytes } = session.layout;
  const sizes = sizesIn(geometry.pageSizes).filter((size) => size <= dataBytes / 2);
  const ends = 2 ** geometry.ias;
  const bases = Array.from({ length: 3 }, () => random() * ends);
  const mapped: Mapped[] = [];
  for (let run = 0; run < RUNS; run++) {
    const size = oneOf(random, sizes);
    const pages = 1 + below(random, Math.min(MOST_PAGES, dataBytes / size / 2));
    const near = oneOf(random, bases) + below(random, 64) * size;
    const iova = Math.min(Math.floor(near / size) * size, ends - pages * size);
    const pa = data + below(random, (dataBytes - pages * size) / size + 1) * size;
    const prot = oneOf(random, ACCESS) | oneOf(random, EXTRA);
    const aligned = data % size === 0 ? pa : Math.ceil(pa / size) * size;
    if (aligned + pages * size > data + dataBytes) continue;
    try {
      domain.map(iova, aligned, pages * size, prot);
      mapped.push({ iova, bytes: pages * size });
    } catch {
      // an overlap with an earlier run: the scene has one run less
    }
  }
  return mapped;
}

/** Tables of one stage: half of the table pages belong to each. */
function makeStage(shape: Shape, session: Session, stage: 1 | 2, fill: (domain: Domain) => void): SceneTables {
  const { layout, image } = session;
  const limit = layout.tableBytes / 2;
  const base = layout.tables + (stage - 1) * limit;
  const memory = new TableMemory({ base, limit });
  const { format, granule, ias, oas, quirks } = shape;
  const domain = new Domain({ format, granule, ias, oas, memory, ...(quirks === undefined ? {} : { quirks }) });
  fill(domain);
  const bytes = new Uint8Array(memory.wasm.buffer, base - memory.base);
  image.set(base, bytes.slice(0, Math.min(bytes.length, limit)));
  return { format, granule, ias, oas, registers: domain.registers };
}

const CHUNK = 2 ** 21;

/** Maps all of the layout to itself, in blocks or pages and mostly for writing too; here and there a page is missing. */
function mapLayout(domain: Domain, granule: number, layout: Layout, random: Random): void {
  const [block = granule] = sizesIn(domain.geometry.pageSizes).filter((size) => size > granule);
  const end = layout.structures + CHUNK;
  for (let at = layout.data; at < end; at += Math.max(CHUNK, block)) {
    const bytes = Math.max(CHUNK, block);
    const data = at < layout.data + layout.dataBytes;
    const writable = !data || random() < 0.8;
    domain.map(at, at, bytes, PROT.READ | (writable ? PROT.WRITE : 0));
    if (data && random() < 0.3) domain.unmap(at + below(random, bytes / granule) * granule, granule);
  }
}

/** Makes a scene of one of the unit's shapes and writes it to the image. */
export function makeScene(unit: Unit, session: Session, random: Random): Scene {
  const shape = oneOf(random, unit.shapes);
  let mapped: Mapped[] = [];
  const first = makeStage(shape, session, 1, (domain) => {
    mapped = mapRuns(domain, session, random);
    const [hole] = mapped;
    if (hole !== undefined && random() < 0.5) domain.unmap(hole.iova, shape.granule);
  });
  const { stage2 } = shape;
  const tables: SceneTables =
    stage2 === undefined
      ? first
      : {
          ...first,
          stage2: makeStage(stage2, session, 2, (domain) => mapLayout(domain, stage2.granule, session.layout, random)),
        };
  session.configure(tables, random);
  return { tables, mapped };
}

/** The emulator's IOMMU regions end here: no unit sees a higher address. */
const MOST_BITS = 48;

/** An address of a mapping, near one, of a data page as it is, or anywhere; sometimes beyond the input size. */
export function someAddress({ tables, mapped }: Scene, { data, dataBytes }: Layout, random: Random): bigint {
  const where = random();
  if (where < 0.05) return BigInt(data + below(random, dataBytes / 4) * 4);
  const run = oneOf(random, mapped);
  const word = below(random, 1024) * 4;
  if (run !== undefined && where < 0.75) {
    return BigInt(run.iova + Math.floor((random() * run.bytes) / 4) * 4);
  }
  if (run !== undefined && where < 0.9) {
    const beside = random() < 0.5 ? run.iova - tables.granule : run.iova + run.bytes;
    return BigInt(Math.max(0, beside) + word);
  }
  const bits = where < 0.98 ? tables.ias : Math.min(MOST_BITS, tables.ias + 1 + below(random, 6));
  return BigInt(Math.floor(random() * 2 ** (Math.min(bits, MOST_BITS) - 2)) * 4);
}
