/**
 * Tables as source code: a C array, GNU assembler.
 * @module
 */
import { formatSize, hex } from '../address.ts';
import { checkEntries, entryText, type Image, type ImageTable } from './image.ts';

function alignment(image: Image): number {
  return Math.max(...image.tables.map(({ bytes }) => bytes));
}

function heading(image: Image): string[] {
  const { format, ias, oas } = image.geometry;
  const registers = Object.entries(image.registers).map(([name, value]) => `${name} ${hex(value)}`);
  return [
    `Tables of ${format}, granule ${formatSize(image.granule)}, ${ias} input and ${oas} output bits, made by iommu gen.`,
    `They point at each other by physical address: load them at ${hex(image.base)}.`,
    `Registers: ${registers.join(', ')}`,
  ];
}

function label(table: ImageTable): string {
  return `level ${table.level} at ${hex(table.address)}, iova ${hex(table.iova)}`;
}

/**
 * A C array of entries with designated initialisers; entries that are not named are zero.
 * @throws IommuError `MEMORY_LIMIT` for too many entries.
 */
export function toC(image: Image): string {
  checkEntries(image, 'C');
  const { entryBytes } = image.geometry;
  const type = entryBytes === 8 ? 'uint64_t' : 'uint32_t';
  const suffix = entryBytes === 8 ? 'ull' : 'u';
  const body = image.tables.flatMap((table) => [
    `\t/* ${label(table)} */`,
    ...table.entries.map((entry) => {
      const index = (table.address - image.base) / entryBytes + entry.index;
      return `\t[${index}] = ${hex(entry.value, entryBytes * 2)}${suffix}, /* ${entryText(entry)} */`;
    }),
  ]);
  const roots = image.roots.map((root, i) => `#define IOMMU_TABLES_ROOT${i} ${hex(root)}ull`);
  return [
    ...heading(image).map((line) => `/* ${line} */`),
    '#include <stdint.h>',
    '',
    `#define IOMMU_TABLES_BASE ${hex(image.base)}ull`,
    ...roots,
    '',
    `const ${type} iommu_tables[${image.bytes.length / entryBytes}] __attribute__((aligned(${alignment(image)}))) = {`,
    ...body,
    '};',
    '',
  ].join('\n');
}

function assembleTable(table: ImageTable, entryBytes: number): string[] {
  const directive = entryBytes === 8 ? '.quad' : '.long';
  const lines = [`iommu_table_${table.address.toString(16)}: /* ${label(table)} */`];
  let next = 0;
  for (const entry of table.entries) {
    if (entry.index > next) lines.push(`\t.zero ${(entry.index - next) * entryBytes}`);
    lines.push(`\t${directive} ${hex(entry.value, entryBytes * 2)} /* [${entry.index}] ${entryText(entry)} */`);
    next = entry.index + 1;
  }
  const rest = table.bytes - next * entryBytes;
  return rest > 0 ? [...lines, `\t.zero ${rest}`] : lines;
}

/**
 * GNU assembler, a label a table.
 * @throws IommuError `MEMORY_LIMIT` for too many entries.
 */
export function toAssembler(image: Image): string {
  checkEntries(image, 'assembler');
  const { entryBytes } = image.geometry;
  const lines = [
    ...heading(image).map((line) => `/* ${line} */`),
    '\t.section .rodata.iommu_tables, "a"',
    `\t.balign ${alignment(image)}`,
    '\t.globl iommu_tables',
    'iommu_tables:',
  ];
  let at = image.base;
  for (const table of image.tables.toSorted((a, b) => a.address - b.address)) {
    if (table.address > at) lines.push(`\t.zero ${table.address - at}`);
    lines.push(...assembleTable(table, entryBytes));
    at = table.address + table.bytes;
  }
  return `${lines.join('\n')}\n`;
}
