/**
 * VIOT, the table of virtual I/O translation (ACPI 6.5, 5.2.31).
 * @module
 */
import { hex } from '../../address.ts';
import { HEADER_BYTES, type TableBytes, type TableProblem } from './bytes.ts';
import { addTo, checkTarget, mappedUnit, nodesOf, pciUnit } from './nodes.ts';
import type { DeviceScope, FirmwareUnit, TableBody } from './tables.ts';

/** VIOT node types (5.2.31): what is translated, and what translates. */
const PCI_RANGE = 1;
const MMIO_ENDPOINT = 2;
const VIRTIO_PCI = 3;
const VIRTIO_MMIO = 4;

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
  if (type === VIRTIO_MMIO) return mappedUnit('virtio-iommu', bytes, at, 8, scopes);
  if (type !== VIRTIO_PCI) return undefined;
  return pciUnit('virtio-iommu', bytes, at, 4, scopes);
}

/** Reads the nodes of a VIOT table. */
export function readViot(bytes: TableBytes, problems: TableProblem[]): TableBody {
  const [count, offset] = [bytes.u16(HEADER_BYTES), bytes.u16(HEADER_BYTES + 2)];
  const nodes = nodesOf(bytes, count, offset, problems);
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
