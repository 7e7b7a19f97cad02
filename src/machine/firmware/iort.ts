/**
 * IORT, Arm's table (Arm DEN 0049, IO Remapping Table).
 * @module
 */
import { hex } from '../../address.ts';
import { HEADER_BYTES, type Piece, piecesOf, type TableBytes, type TableProblem } from './bytes.ts';
import type { DeviceScope, FirmwareRegion, FirmwareUnit, TableBody } from './tables.ts';

/** Node types (DEN 0049, 3). */
const NAMED_COMPONENT = 1;
const ROOT_COMPLEX = 2;
const SMMU = 3;
const SMMU_V3 = 4;
const RMR = 6;
const NODE_HEADER = 16;
const MAPPING_BYTES = 20;
/** ID mapping flags (3): single mapping. */
const SINGLE = 1;
/** Ids of one mapping: a requester id has 16 bits. */
const MOST_IDS = 0x10000;
/** Streams kept of one unit, and id mappings of one RMR node that are looked up. */
const MOST_STREAMS = 4096;
const MOST_OWNERS = 64;

interface Mapping {
  readonly first: number;
  readonly last: number;
  readonly out: number;
  readonly node: number;
}

/** Ids that reach a unit: those of a root complex' segment or a named component. */
interface Stream {
  readonly scope: DeviceScope;
  readonly unit: number;
  readonly first: number;
  readonly last: number;
}

class Reader {
  readonly #bytes: TableBytes;
  readonly #problems: TableProblem[];
  readonly #nodes: ReadonlyMap<number, Piece>;
  readonly #mappings = new Map<number, readonly Mapping[]>();
  readonly #streams: ReadonlyMap<number, readonly Stream[]>;

  constructor(bytes: TableBytes, nodes: readonly Piece[], problems: TableProblem[]) {
    this.#bytes = bytes;
    this.#problems = problems;
    this.#nodes = new Map(nodes.map((node) => [node.at, node]));
    for (const node of nodes) this.#mappings.set(node.at, this.#mappingsOf(node));
    this.#streams = this.#streamsByUnit();
  }

  type(node: number): number {
    return this.#bytes.u8(node);
  }

  #nodesOf(...types: readonly number[]): number[] {
    return [...this.#nodes.keys()].filter((at) => types.includes(this.type(at)));
  }

  #mappingsOf({ at, end }: Piece): Mapping[] {
    const [count, offset] = [this.#bytes.u32(at + 8), this.#bytes.u32(at + 12)];
    if (count === 0) return [];
    if (offset < NODE_HEADER || offset + count * MAPPING_BYTES > end - at) {
      this.#problems.push({
        kind: 'length',
        offset: at,
        text: `the node at ${at}: its ${count} id mappings lie beyond its end`,
      });
      return [];
    }
    const mappings = Array.from({ length: count }, (_, i) => this.#mapping(at, at + offset + i * MAPPING_BYTES));
    this.#checkOverlap(at, mappings);
    return mappings;
  }

  #mapping(node: number, at: number): Mapping {
    const bytes = this.#bytes;
    const [first, count, out, target] = [bytes.u32(at), bytes.u32(at + 4), bytes.u32(at + 8), bytes.u32(at + 12)];
    const single = (bytes.u32(at + 16) & SINGLE) !== 0;
    if (!single && count >= MOST_IDS) {
      this.#problems.push({
        kind: 'contradiction',
        offset: at,
        text: `the node at ${node} maps ${count + 1} ids at once: expected at most ${MOST_IDS}`,
      });
    }
    if (!this.#nodes.has(target)) {
      this.#problems.push({
        kind: 'contradiction',
        offset: at,
        text: `the node at ${node} maps ids to offset ${target}, where no node is`,
      });
    }
    return single ? { first: out, last: out, out, node: target } : { first, last: first + count, out, node: target };
  }

  #checkOverlap(node: number, mappings: readonly Mapping[]): void {
    const sorted = [...mappings].sort((a, b) => a.first - b.first);
    for (const [i, one] of sorted.entries()) {
      const before = sorted[i - 1];
      if (
        before === undefined ||
        one.first > before.last ||
        this.type(node) === NAMED_COMPONENT ||
        this.type(node) === RMR
      )
        continue;
      this.#problems.push({
        kind: 'contradiction',
        offset: node,
        text: `the node at ${node} maps the ids from ${hex(one.first)} twice`,
      });
    }
  }

  #unit(at: number): FirmwareUnit {
    const base = this.#bytes.u64(at + NODE_HEADER);
    const name = `${this.type(at) === SMMU_V3 ? 'SMMUv3' : 'SMMU'} at ${hex(base)}`;
    if (base === 0n)
      this.#problems.push({
        kind: 'contradiction',
        offset: at,
        text: `${name}: expected the address of its registers`,
      });
    return { name, base, scopes: (this.#streams.get(at) ?? []).map(({ scope }) => scope), offset: at };
  }

  /** What root complexes and named components send to units, by unit. */
  #streamsByUnit(): ReadonlyMap<number, readonly Stream[]> {
    const isUnit = ({ node }: Mapping): boolean => [SMMU, SMMU_V3].includes(this.type(node)) && this.#nodes.has(node);
    const streams = this.#nodesOf(ROOT_COMPLEX, NAMED_COMPONENT).flatMap((at) =>
      (this.#mappings.get(at) ?? []).filter(isUnit).map((one) => ({
        scope: this.#scope(at, one),
        unit: one.node,
        first: one.out,
        last: one.out + one.last - one.first,
      })),
    );
    const byUnit = new Map<number, Stream[]>();
    for (const stream of streams) {
      const list = byUnit.get(stream.unit);
      if (list === undefined) byUnit.set(stream.unit, [stream]);
      else if (list.length < MOST_STREAMS) list.push(stream);
    }
    return byUnit;
  }

  #scope(at: number, { first, last }: Mapping): DeviceScope {
    if (this.type(at) === NAMED_COMPONENT) return { kind: 'named', name: this.#bytes.text(at + NODE_HEADER + 13, 64) };
    return {
      kind: 'range',
      segment: this.#bytes.u32(at + NODE_HEADER + 12),
      first,
      last: Math.min(last, MOST_IDS - 1),
    };
  }

  units(): FirmwareUnit[] {
    return this.#nodesOf(SMMU, SMMU_V3).map((at) => this.#unit(at));
  }

  /** Reserved memory ranges: flags, count, offset, then base and length of each. */
  regions(): FirmwareRegion[] {
    return this.#nodesOf(RMR).flatMap((at) => {
      const end = this.#nodes.get(at)?.end ?? at;
      const [count, offset] = [this.#bytes.u32(at + NODE_HEADER + 4), this.#bytes.u32(at + NODE_HEADER + 8)];
      if (offset + count * 20 > end - at) {
        this.#problems.push({
          kind: 'length',
          offset: at,
          text: `the RMR node at ${at}: its ${count} ranges lie beyond its end`,
        });
        return [];
      }
      return Array.from({ length: count }, (_, i) => this.#region(at, at + offset + i * 20)).flatMap(
        (one) => one ?? [],
      );
    });
  }

  #region(node: number, at: number): FirmwareRegion | undefined {
    const [start, length] = [this.#bytes.u64(at), this.#bytes.u64(at + 8)];
    if (length === 0n || start % 0x1000n !== 0n) {
      this.#problems.push({
        kind: 'contradiction',
        offset: at,
        text: `RMR at ${hex(start)} of ${hex(length)} bytes: expected whole pages of 4K`,
      });
    }
    if (length === 0n) return undefined;
    return { start, last: start + length - 1n, name: 'RMR', scopes: this.#owners(node), offset: at };
  }

  /** The devices whose streams an RMR node names. */
  #owners(node: number): DeviceScope[] {
    const ids = this.#mappings.get(node) ?? [];
    return ids.slice(0, MOST_OWNERS).flatMap(({ out, first, last, node: unit }) =>
      (this.#streams.get(unit) ?? []).flatMap((one): DeviceScope[] => {
        const [from, to] = [Math.max(one.first, out), Math.min(one.last, out + last - first)];
        if (from > to) return [];
        if (one.scope.kind !== 'range') return [one.scope];
        const shift = one.scope.first - one.first;
        return [{ ...one.scope, first: from + shift, last: to + shift }];
      }),
    );
  }

  /** Root complexes that say ATS, by segment. */
  atsSegments(): number {
    return this.#nodesOf(ROOT_COMPLEX).filter((at) => (this.#bytes.u32(at + NODE_HEADER + 8) & 1) !== 0).length;
  }
}

/** Reads the nodes of an IORT table. */
export function readIort(bytes: TableBytes, problems: TableProblem[]): TableBody {
  const [count, offset] = [bytes.u32(HEADER_BYTES), bytes.u32(HEADER_BYTES + 4)];
  const nodes = piecesOf(
    bytes,
    Math.max(offset, HEADER_BYTES + 12),
    bytes.length,
    NODE_HEADER,
    (at) => bytes.u16(at + 1),
    problems,
  );
  if (nodes.length !== count) {
    problems.push({ kind: 'contradiction', text: `the table says ${count} nodes and has ${nodes.length}` });
  }
  const reader = new Reader(bytes, nodes, problems);
  return { units: reader.units(), regions: reader.regions(), facts: { rootComplexesWithAts: reader.atsSegments() } };
}
