/**
 * Options that say under which settings a trace is replayed; `replay` and `compare` share them.
 * @module
 */
import type { Command } from 'commander';
import type { ReplayChoices } from '../answers/replay/choices.ts';
import { DRIVERS } from '../drivers/registry.ts';

/** Adds the settings; `path` is the default of `--path`, `subject` begins each description. */
export function addWhatIfOptions(verb: Command, path: 'all' | 'map-pages', subject = ''): Command {
  return verb
    .option('--path <words>', `${subject}per-page, map-pages, map-sg, one-walk, or all`, path)
    .option('--dispatch <words>', `${subject}indirect, direct, or all`, 'indirect')
    .option(
      '--iommu <ids>',
      `${subject}IOMMU whose driver is modelled: ${DRIVERS.map(({ id }) => id).join(', ')}, or all; by default the one that files beside the trace name`,
    )
    .option(
      '--kernel <version>',
      `${subject}release of Linux whose driver sends the commands; of 6.1, 6.12, 7.3 (riscv-iommu: 6.13) the newest that is not newer stands for it`,
    )
    .option('--format <ids>', `${subject}table formats; by default that of the device`)
    .option('--granule <sizes>', `${subject}4K, 16K, 64K or all; the format's first by default`)
    .option('--iova <words>', `${subject}what if addresses were: keep, packed, aligned`, 'keep')
    .option('--physical <words>', `${subject}what if memory were: keep, contiguous-64k, contiguous-2m`, 'keep')
    .option('--tlb <words>', `${subject}what if invalidation were: strict, lazy`, 'strict');
}

/** The settings that were given. */
export function whatIfChoices({
  path,
  dispatch,
  iommu,
  kernel,
  format,
  granule,
  iova,
  physical,
  tlb,
}: ReplayChoices): ReplayChoices {
  const given = Object.entries({ path, dispatch, iommu, kernel, format, granule, iova, physical, tlb });
  return Object.fromEntries(given.filter(([, value]) => value !== undefined));
}
