/**
 * VIOT, the table of virtual I/O translation (ACPI 6.5, 5.2.31), and RIMT, that of RISC-V (RISC-V IO Mapping Table 1.0).
 * @module
 */
import { hex } from '../../address.ts';
import { formatPci } from '../../pci.ts';
import { HEADER_BYTES, type Piece, piecesOf, type TableBytes, type TableProblem } from './bytes.ts';
import type { DeviceScope, FirmwareUnit, TableBody } from './tables.ts';

/** VIOT node types (5.2.31): what is translated, and what translates. */
const PCI_RANGE = 1;
const MMIO_ENDPOINT = 2;
const VIRTIO_PCI = 3;
const VIRTIO_MMIO = 4;

/** RIMT node types. */
const RIMT_IOMMU = 0;
const RIMT_ROOT_COMPLEX = 1;
const RIMT_PLATFORM = 2;
const RIMT_PCIE = 1;
const RIMT_MAP_BYTES = 20;

function checkTarget(nodes: ReadonlySet<number>, at: number, target: number, problems: TableProblem[]): void {
  if (nodes.has(target)) return;
  problems.push({
    kind: 'contradiction',
    offset: at,
    text: `the node at ${at} names offset ${target}, where no node is`,
  });
}

function addTo(behind: Map<number, DeviceScope[]>, unit: number, scope: DeviceScope): void {
  const scopes = behind.get(unit);
  if (scopes === undefined) behind.set(unit, [scope]);
  else scopes.push(scope);
}

function viotEndpoint(
  bytes: TableBytes,
  at: number,
): { readonly scope: DeviceScope; readonly target: number } | undefined {
  const type = bytes.u8(at);
  if (type === PCI_RANGE) {
    const scope = {
      kind: 'range',
      segment: bytes.u16(at + 8),
      first: bytes.u16(at + 12),
      last: bytes.u16(at + 14),
    } as const;
    return { scope, target: bytes.u16(at + 16) };
  }
  if (type !== MMIO_ENDPOINT) return undefined;
  return { scope: { kind: 'named', name: `device at ${hex(bytes.u64(at + 8))}` }, target: bytes.u16(at + 16) };
}

function viotUnit(bytes: TableBytes, at: number, scopes: readonly DeviceScope[]): FirmwareUnit | undefined {
  const type = bytes.u8(at);
  if (type === VIRTIO_MMIO) {
    const base = bytes.u64(at + 8);
    return { name: `virtio-iommu at ${hex(base)}`, base, scopes, offset: at };
  }
  if (type !== VIRTIO_PCI) return undefined;
  const [segment, id] = [bytes.u16(at + 4), bytes.u16(at + 6)];
  return {
    name: `virtio-iommu ${formatPci(id, segment)}`,
    base: undefined,
    requester: { segment, id },
    scopes,
    offset: at,
  };
}

/** Reads the nodes of a VIOT table. */
export function readViot(bytes: TableBytes, problems: TableProblem[]): TableBody {
  const [count, offset] = [bytes.u16(HEADER_BYTES), bytes.u16(HEADER_BYTES + 2)];
  const nodes = piecesOf(
    bytes,
    Math.max(offset, HEADER_BYTES + 12),
    bytes.length,
    8,
    (at) => bytes.u16(at + 2),
    problems,
  );
  if (nodes.length !== count)
    problems.push({ kind: 'contradiction', text: `the table says ${count} nodes and has ${nodes.length}` });
  const offsets = new Set(nodes.map(({ at }) => at));
  const behind = new Map<number, DeviceScope[]>();
  for (const { at } of nodes) {
    const endpoint = viotEndpoint(bytes, at);
    if (endpoint === undefined) continue;
    checkTarget(offsets, at, endpoint.target, problems);
    if (endpoint.scope.kind === 'range' && endpoint.scope.last < endpoint.scope.first) {
      problems.push({ kind: 'contradiction', offset: at, text: `the range at ${at} ends before it begins` });
    }
    addTo(behind, endpoint.target, endpoint.scope);
  }
  const units = nodes.flatMap(({ at }) => viotUnit(bytes, at, behind.get(at) ?? []) ?? []);
  if (units.length === 0) problems.push({ kind: 'contradiction', text: 'the table describes no unit' });
  return { units, regions: [], facts: {} };
}

function rimtMaps(bytes: TableBytes, { at, end }: Piece, nodes: ReadonlySet<number>, problems: TableProblem[]) {
  const isRoot = bytes.u8(at) === RIMT_ROOT_COMPLEX;
  const [offset, count] = isRoot ? [bytes.u16(at + 16), bytes.u16(at + 18)] : [bytes.u16(at + 8), bytes.u16(at + 10)];
  if (count > 0 && offset + count * RIMT_MAP_BYTES > end - at) {
    problems.push({
      kind: 'length',
      offset: at,
      text: `the node at ${at}: its ${count} id mappings lie beyond its end`,
    });
    return [];
  }
  const segment = bytes.u16(at + 14);
  return Array.from({ length: count }, (_, i) => {
    const map = at + offset + i * RIMT_MAP_BYTES;
    const [first, ids, target] = [bytes.u32(map), bytes.u32(map + 4), bytes.u32(map + 12)];
    checkTarget(nodes, map, target, problems);
    const scope: DeviceScope = isRoot
      ? { kind: 'range', segment, first, last: Math.min(0xffff, first + Math.max(ids, 1) - 1) }
      : { kind: 'named', name: bytes.text(at + 12, end - at - 12) };
    return { scope, target };
  });
}

function rimtUnit(bytes: TableBytes, at: number, scopes: readonly DeviceScope[]): FirmwareUnit {
  const pcie = (bytes.u32(at + 24) & RIMT_PCIE) !== 0;
  if (!pcie) {
    const base = bytes.u64(at + 16);
    return { name: `RISC-V IOMMU at ${hex(base)}`, base, scopes, offset: at };
  }
  const [segment, id] = [bytes.u16(at + 32), bytes.u16(at + 34)];
  return {
    name: `RISC-V IOMMU ${formatPci(id, segment)}`,
    base: undefined,
    requester: { segment, id },
    scopes,
    offset: at,
  };
}

/** Reads the nodes of a RIMT table. */
export function readRimt(bytes: TableBytes, problems: TableProblem[]): TableBody {
  const [count, offset] = [bytes.u32(HEADER_BYTES), bytes.u32(HEADER_BYTES + 4)];
  const nodes = piecesOf(
    bytes,
    Math.max(offset, HEADER_BYTES + 12),
    bytes.length,
    8,
    (at) => bytes.u16(at + 2),
    problems,
  );
  if (nodes.length !== count)
    problems.push({ kind: 'contradiction', text: `the table says ${count} nodes and has ${nodes.length}` });
  const offsets = new Set(nodes.map(({ at }) => at));
  const behind = new Map<number, DeviceScope[]>();
  for (const node of nodes) {
    if (![RIMT_ROOT_COMPLEX, RIMT_PLATFORM].includes(bytes.u8(node.at))) continue;
    for (const { scope, target } of rimtMaps(bytes, node, offsets, problems)) {
      addTo(behind, target, scope);
    }
  }
  const units = nodes
    .filter(({ at }) => bytes.u8(at) === RIMT_IOMMU)
    .map(({ at }) => rimtUnit(bytes, at, behind.get(at) ?? []));
  return { units, regions: [], facts: {} };
}
