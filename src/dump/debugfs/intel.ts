/**
 * Memory and registers from Intel's debugfs files.
 * @module
 */
import type { NoteCounter } from '../notes.ts';
import type { RegisterFile } from '../types.ts';
import { IntelContexts } from './intel-contexts.ts';
import type { IntelText, UnitRegisters } from './intel-text.ts';
import type { TextPages } from './text-pages.ts';

/** The unit of which the text prints both registers and contexts, if that is one, or the only one with registers. */
function unitOf(text: IntelText): UnitRegisters | undefined {
  if (text.registers.length === 1) return text.registers[0];
  const filled = text.units.filter(({ rows }) => rows.length > 0);
  const [only] = filled;
  return filled.length === 1 ? text.registers.find(({ name }) => name === only?.name) : undefined;
}

/** Registers that have the same value in all units. */
function shared(units: readonly UnitRegisters[]): Map<string, bigint> {
  const [first] = units;
  const same = [...(first?.named ?? [])].filter(([name, value]) =>
    units.every(({ named }) => named.get(name) === value),
  );
  return new Map(same);
}

/** What the text says of its IOMMUs. */
export interface IntelFiles {
  readonly registers: RegisterFile;
  /** True if there may be devices that the text does not list. */
  readonly someDevices: boolean;
}

/** Enters the contexts of the text into its pages and gives the registers; `undefined` where it has neither. */
export function intelFiles(text: IntelText, pages: TextPages, notes: NoteCounter): IntelFiles | undefined {
  text.end();
  const unit = unitOf(text);
  const several = text.registers.length > 1;
  if (unit !== undefined && several) {
    notes.add('units-left-out', 'registers of further IOMMUs, left out', text.registers.length - 1);
  } else if (several) {
    notes.add(
      'units-joined',
      'IOMMUs of whose registers only those are read that are the same in all',
      text.registers.length,
    );
  }
  const named = unit === undefined ? shared(text.registers) : new Map(unit.named);
  const tables = text.devices.length > 0 || text.units.some(({ rows }) => rows.length > 0);
  if (!tables && text.registers.length === 0) return undefined;
  const contexts = tables ? new IntelContexts(text, pages, notes, named.get('RTADDR')) : undefined;
  if (contexts !== undefined) named.set('RTADDR', contexts.build());
  const registers = { iommu: 'intel-vtd', mmioBase: unit?.base, named, words: unit?.words ?? new Map(), ram: [] };
  return { registers, someDevices: contexts !== undefined && !contexts.complete };
}
