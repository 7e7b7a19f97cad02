/**
 * `iommu acquire`: scripts for the user's machine that write a dump which the other verbs read.
 * @module
 */
import { type Command, Option } from 'commander';
import { CRASH } from '../acquire/crash.ts';
import { DRGN } from '../acquire/drgn.ts';
import { QEMU } from '../acquire/qemu.ts';
import { printScript } from './io.ts';

const SCRIPTS = { drgn: DRGN, qemu: QEMU, crash: CRASH } as const;

const EXAMPLES = `Examples:
  iommu acquire --print drgn > acquire.py      on a running Linux or a core: drgn acquire.py out
  iommu acquire --print qemu > acquire.py      for a guest of QEMU: python3 acquire.py qmp.sock out
  iommu acquire --print crash > acquire.py     through crash: python3 acquire.py out vmlinux vmcore
For SMMUv2, SMMUv3, VT-d, AMD-Vi and RISC-V IOMMUs. drgn and crash need the kernel's debug symbols; a core that QEMU's
dump-guest-memory wrote opens in drgn only if the guest was started with -device vmcoreinfo. The script for QEMU needs
neither, only its QMP socket.
Each writes out.jsonl and out-regs.json: iommu decode out.jsonl --regs out-regs.json
`;

/** Adds the verb. */
export function addAcquire(program: Command): void {
  program
    .command('acquire')
    .description('Print a script that writes the tables and registers of a machine as a dump.')
    .addOption(new Option('--print <tool>', 'for which tool').choices(Object.keys(SCRIPTS)).makeOptionMandatory())
    .addHelpText('before', EXAMPLES)
    .action((options: { print: keyof typeof SCRIPTS }) => printScript(SCRIPTS[options.print]));
}
