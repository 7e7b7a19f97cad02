/**
 * Commands to a device with a queue: how many, of which kinds, and how many of them the CPU waits for.
 * @module
 */
import { driverById } from '../../drivers/registry.ts';
import { formatNumber } from '../../report/number.ts';
import type { Table } from '../../report/table.ts';
import { commandTotal } from './layers.ts';
import { type RowData, rowTitle, varyingParts } from './rows.ts';

/** Commands that wait for the device, of a driver with a queue; null for others. */
export function completionsOf({ driver, commands }: Pick<RowData, 'driver' | 'commands'>): number | null {
  const { completion } = driverById(driver);
  return commands === null || completion === undefined ? null : (commands[completion] ?? 0);
}

/** What each driver sent to its device, by kind; undefined where no row's device has a queue. */
export function commandsTable(rows: readonly RowData[]): Table | undefined {
  const sent = rows.filter(({ commands }) => commands !== null);
  const varying = varyingParts(sent);
  const names = [...new Set(sent.flatMap(({ commands }) => Object.keys(commands ?? {})))];
  const used = names.filter((name) => sent.some(({ commands }) => (commands?.[name] ?? 0) > 0));
  if (used.length === 0) return undefined;
  return {
    title: 'Commands to the device, by kind',
    columns: [{ title: 'row' }, ...used.map((title) => ({ title, unit: 'count' as const }))],
    rows: sent.map((row) => [
      rowTitle(row, varying.length === 0 ? ['path'] : varying),
      ...used.map((name) => row.commands?.[name] ?? null),
    ]),
    notes: ['commands of attaching and detaching are left out'],
  };
}

/** `12 commands to arm-smmu-v3, 6 of them to wait for it`; empty where the device has no queue. */
export function commandWords(row: RowData): string {
  if (row.commands === null) return '';
  const total = commandTotal(row.commands);
  const waits = completionsOf(row);
  const waiting = waits === null ? '' : `, ${formatNumber(waits)} of them to wait for it`;
  const kernel = row.driverKernelFor === null ? '' : ` as Linux ${row.driverKernel} does, for ${row.driverKernelFor}`;
  return `${formatNumber(total)} command${total === 1 ? '' : 's'} to ${row.driver}${kernel}${waiting}`;
}
