/**
 * `iommu walk`: one address, level by level.
 * @module
 */
import { type Command, Option } from 'commander';
import { parseNamedAddress } from '../address.ts';
import { walkAnswer } from '../answers/walk.ts';
import { modelOf } from '../dump/decode.ts';
import type { Dump } from '../dump/types.ts';
import { type AddressWalk, walkAddress, walkGiven } from '../dump/walk.ts';
import type { DeviceContext } from '../hardware/iommu.ts';
import type { Access } from '../hardware/walk/types.ts';
import { refuseAlone } from './beside.ts';
import { openDumpFile } from './dump-file.ts';
import { addDumpOptions, type DumpOptions } from './dump-options.ts';
import { addFormOptions, type FormFlags, outputOf } from './forms.ts';
import { addMachineOptions, type MachineFlags, machineNames, parseStream } from './machine-files.ts';
import { printAnswer } from './print.ts';
import { addGeometryOptions, type GeometryOptions, tablesOf } from './tables.ts';

interface Flags extends DumpOptions, GeometryOptions, FormFlags, MachineFlags {
  readonly stream?: string;
  readonly substream?: string;
  readonly access: Access['kind'];
  readonly privileged?: boolean;
}

const EXAMPLES = `Examples:
  iommu walk tables.jsonl.gz 0xfffc0123 --regs regs.json                every domain; first those that map it
  iommu walk tables.jsonl.gz 0xfffc0123 --regs regs.json --stream 00:01.0 --access write
`;

interface Found {
  readonly walks: AddressWalk[];
  readonly bypassing: DeviceContext[];
}

function walkFile(dump: Dump, iova: bigint, flags: Flags): Found {
  const access: Access = { kind: flags.access, privileged: flags.privileged === true };
  const given = tablesOf(dump, flags);
  if (given !== undefined) return { walks: [walkGiven(dump, given.tables, given.from, iova, access)], bypassing: [] };
  if (flags.stream === undefined) refuseAlone(flags, ['substream'], 'stream');
  const stream = parseStream('--stream', flags.stream);
  const substream = parseStream('--substream', flags.substream);
  const model = modelOf(dump);
  const contexts = stream === undefined ? model.contexts().contexts : [model.context(stream, substream)];
  const bypassing = contexts.filter(({ action }) => action === 'bypass');
  if (stream !== undefined && bypassing.length > 0) return { walks: [], bypassing };
  return { walks: walkAddress(dump, iova, { stream, substream, access }), bypassing };
}

async function walk(path: string, text: string, flags: Flags): Promise<void> {
  const output = outputOf(flags);
  const names = machineNames(path, flags);
  const iova = parseNamedAddress('iova', text);
  const dump = await openDumpFile(path, flags);
  const iommu = dump.registers?.iommu ?? 'given';
  const found = walkFile(dump, iova, flags);
  await printAnswer(walkAnswer({ dump, iommu, iova, access: flags.access, ...found, names }), output);
}

/** Adds the verb. */
export function addWalk(program: Command): void {
  const verb = program
    .command('walk')
    .description('Walk one address through the tables in a dump, level by level, to its page or to why there is none.')
    .argument('<dump>', 'snapshot, sparse pages, raw image, ELF core, kdump, debugfs text')
    .argument('<iova>', 'input address')
    .option('--stream <id>', 'the device: StreamID, source-id, or bus:device.function')
    .option('--substream <id>', 'SubstreamID or PASID')
    .addOption(
      new Option('--access <kind>', 'what the device does').choices(['read', 'write', 'execute']).default('read'),
    )
    .option('--privileged', 'the access is privileged')
    .addHelpText('before', EXAMPLES);
  addFormOptions(addMachineOptions(addGeometryOptions(addDumpOptions(verb)))).action(walk);
}
