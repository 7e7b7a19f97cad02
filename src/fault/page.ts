/**
 * The page that lists the drivers, their layouts and what is not understood, as Markdown, from the registry.
 * @module
 */
import type { FaultDriver, Layout } from './contract.ts';
import { FAULT_DRIVERS } from './registry.ts';

const ORIGINS = {
  iommu: 'IOMMUs',
  'device-mmu': "Devices' own MMUs",
  software: 'Requests that were refused, and warnings: no fault of any hardware',
} as const;

const HEAD = `# Fault lines that are read

Made from the registry of drivers by \`scripts/fault-drivers.mjs\`. In a layout, \`{name}\` is a hex number, \`{name:d}\` a decimal one, \`{name:s}\` a
token, \`<…>\` may be absent; \`docs/adding-a-fault-driver.md\` has the whole notation.

## What is not understood

A message of one of these drivers that is in no layout, and not known to report no fault, is printed as "not understood" with its driver, and
the status is 1. So is a line that names an IOMMU,
speaks of a fault and is of none of these drivers, as of driver \`unknown\`; other lines are not looked at. A line that was cut within a number is not understood. Messages that the kernel left out
(\`callbacks suppressed\`) are counted.
`;

function textsOf({ text }: Layout): readonly string[] {
  return typeof text === 'string' ? [text] : text;
}

function layoutLines(layout: Layout): string[] {
  const seen = layout.seen === undefined ? '' : `, ${layout.seen}`;
  const headless = layout.headless === true ? ', without the head' : '';
  return [`\`${layout.id}\`${seen}${headless}:`, '', '```text', ...textsOf(layout), '```', ''];
}

function driverLines(driver: FaultDriver): string[] {
  const heads = driver.heads.map((head) => `\`${head.trim()}\``).join(', ');
  const behind = heads === '' ? [] : [`Behind ${heads}:`, ''];
  return [
    `### ${driver.title} (\`${driver.id}\`)`,
    '',
    `Source: ${driver.source}`,
    '',
    ...behind,
    ...driver.layouts.flatMap(layoutLines),
  ];
}

/** The page, as Markdown. */
export function driversPage(): string {
  const parts = Object.entries(ORIGINS).flatMap(([origin, title]) => [
    `## ${title}`,
    '',
    ...FAULT_DRIVERS.filter((driver) => driver.origin === origin).flatMap(driverLines),
  ]);
  return `${[HEAD, ...parts].join('\n').trimEnd()}\n`;
}
