/**
 * What tables of nodes have in common: a count and an offset of the first, nodes that name others by offset (VIOT, RIMT).
 * @module
 */
import { hex } from '../../address.ts';
import { formatPci } from '../../pci.ts';
import { HEADER_BYTES, type Piece, piecesOf, type TableBytes, type TableProblem } from './bytes.ts';
import type { DeviceScope, FirmwareUnit } from './tables.ts';

/** Bytes of the fields between the header and the first node at the least; of a node at the least. */
const FIELDS_BYTES = 12;
const LEAST_NODE = 8;

/** The nodes of a table, each with its length at byte 2. */
export function nodesOf(bytes: TableBytes, count: number, offset: number, problems: TableProblem[]): readonly Piece[] {
  const first = Math.max(offset, HEADER_BYTES + FIELDS_BYTES);
  const nodes = piecesOf(bytes, first, bytes.length, LEAST_NODE, (at) => bytes.u16(at + 2), problems);
  if (nodes.length !== count)
    problems.push({ kind: 'contradiction', text: `the table says ${count} nodes and has ${nodes.length}` });
  return nodes;
}

/** Says where a node names an offset at which no node begins. */
export function checkTarget(nodes: ReadonlySet<number>, at: number, target: number, problems: TableProblem[]): void {
  if (nodes.has(target)) return;
  problems.push({
    kind: 'contradiction',
    offset: at,
    text: `the node at ${at} names offset ${target}, where no node is`,
  });
}

/** Puts a scope behind the unit at an offset. */
export function addTo(behind: Map<number, DeviceScope[]>, unit: number, scope: DeviceScope): void {
  const scopes = behind.get(unit);
  if (scopes === undefined) behind.set(unit, [scope]);
  else scopes.push(scope);
}

/** A unit behind a register page, whose address is at byte `where` of its node. */
export function mappedUnit(
  kind: string,
  bytes: TableBytes,
  at: number,
  where: number,
  scopes: readonly DeviceScope[],
): FirmwareUnit {
  const base = bytes.u64(at + where);
  return { name: `${kind} at ${hex(base)}`, base, scopes, offset: at };
}

/** A unit that is a PCI function, whose segment and id are at byte `where` of its node. */
export function pciUnit(
  kind: string,
  bytes: TableBytes,
  at: number,
  where: number,
  scopes: readonly DeviceScope[],
): FirmwareUnit {
  const [segment, id] = [bytes.u16(at + where), bytes.u16(at + where + 2)];
  return {
    name: `${kind} ${formatPci(id, segment)}`,
    base: undefined,
    requester: { segment, id },
    scopes,
    offset: at,
  };
}
