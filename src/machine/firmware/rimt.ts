/**
 * RIMT, the IO mapping table of RISC-V (RISC-V IO Mapping Table 1.0).
 * @module
 */
import { HEADER_BYTES, type Piece, type TableBytes, type TableProblem } from './bytes.ts';
import { addTo, checkTarget, mappedUnit, nodesOf, pciUnit } from './nodes.ts';
import type { DeviceScope, FirmwareUnit, TableBody } from './tables.ts';

/** RIMT node types. */
const RIMT_IOMMU = 0;
const RIMT_ROOT_COMPLEX = 1;
const RIMT_PLATFORM = 2;
const RIMT_PCIE = 1;
const RIMT_MAP_BYTES = 20;

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
  if (!pcie) return mappedUnit('RISC-V IOMMU', bytes, at, 16, scopes);
  return pciUnit('RISC-V IOMMU', bytes, at, 32, scopes);
}

/** Reads the nodes of a RIMT table. */
export function readRimt(bytes: TableBytes, problems: TableProblem[]): TableBody {
  const [count, offset] = [bytes.u32(HEADER_BYTES), bytes.u32(HEADER_BYTES + 4)];
  const nodes = nodesOf(bytes, count, offset, problems);
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
