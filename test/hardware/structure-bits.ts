import type { DeviceContext, DomainTables } from '../../src/hardware/iommu.ts';
import { createModel } from '../../src/hardware/models.ts';
import type { Regime } from '../../src/hardware/walk/regime.ts';
import { type Access, READ } from '../../src/hardware/walk/types.ts';
import { effectsOfBits, type Parts } from './bit-effects.ts';
import type { PagesReader } from './memory.ts';

/** A unit with memory, and a requester whose accesses show what its structures say. */
export interface Setup {
  readonly iommu: string;
  readonly memory: PagesReader;
  readonly named: ReadonlyMap<string, bigint>;
  readonly stream: number;
  readonly substream?: number;
  readonly probe: bigint;
  /** Addresses that its structures hold, so that a changed pointer is named by the bit that changed. */
  readonly pointers: readonly number[];
  readonly access?: Access;
}

/** A structure in memory (an address) or a register (its name), and how many of its bits are gone through. */
export interface Target {
  readonly what: string;
  readonly at: number | string;
  readonly bits: number;
}

/** Ranges of input addresses as powers of two, and the levels below their roots. */
function regimeText({ regions, ignoreTopByte }: Regime): string {
  const shown = regions.map(({ base, from = 0, size, descriptors, refused }) => {
    const { stage, levels } = descriptors;
    const range = `${base < 2n ** 63n ? 'low' : 'high'} ${Math.log2(from)}..${Math.log2(size)}`;
    return `${range} stage ${stage} levels ${levels.map(({ level }) => level).join('')}${refused === undefined ? '' : ` ${refused}`}`;
  });
  const ignored = ['low', 'high']
    .filter((_, i) => ignoreTopByte?.[i] === true)
    .map((half) => `top byte ignored ${half}`);
  return [...shown, ...ignored].join('; ');
}

const rootsText = ({ regions }: Regime): string =>
  [...new Set(regions.map(({ root }) => `0x${root.toString(16)}`))].join(' ');

function tablesParts({ id, root, geometry, regime, stage2, tag }: DomainTables): Parts {
  const { format, granule, ias, oas } = geometry;
  return {
    id: id.replaceAll(/\d+/g, '#'),
    number: /\d+/.exec(id)?.[0] ?? '',
    root: `0x${root.toString(16)}`,
    geometry: `${format} ${granule} ${ias} ${oas}`,
    roots: rootsText(regime),
    regime: regimeText(regime),
    ...(stage2 === undefined ? {} : { second: regimeText(stage2), 'second root': rootsText(stage2) }),
    ...(tag === undefined ? {} : { domain: String(tag.domain), space: String(tag.space), stages: String(tag.stages) }),
  };
}

function contextParts({ action, why = '', entryAddress, fields, tables }: DeviceContext): Parts {
  const named = Object.entries(fields).map(([name, value]) => [`.${name}`, String(value)]);
  const entry = `0x${entryAddress.toString(16)}`;
  return {
    kind: action,
    why,
    entry,
    ...Object.fromEntries(named),
    ...(tables === undefined ? {} : tablesParts(tables)),
  };
}

/** What a requester's unit makes of its structures: context, accesses, state, and where its tables and queues lie. */
export function observed({ iommu, memory, named, stream, substream, probe, access = READ }: Setup): Parts {
  const model = createModel(iommu, memory, named);
  if (model === undefined) throw new Error(iommu);
  const { result } = model.translate(stream, probe, access, substream);
  const answer = result.ok
    ? `${result.output.toString(16)} ${result.perms} ${result.size.toString(16)} ${result.memoryType}`
    : `${result.reason} ${result.syndrome}`;
  return {
    ...contextParts(model.context(stream, substream)),
    access: answer,
    state: model
      .state()
      .map(({ rule, text }) => `${rule} (${text})`)
      .join('; '),
    ...Object.fromEntries(
      model.structures().flatMap(({ name, address, bytes }) => [
        [`${name} at`, `0x${address.toString(16)}`],
        [`${name} bytes`, String(bytes)],
      ]),
    ),
  };
}

function flippedMemory(setup: Setup, at: number, bit: number): Parts {
  const address = at + 4 * Math.floor(bit / 32);
  const word = setup.memory.read32(address) ?? 0;
  setup.memory.write32(address, (word ^ (2 ** (bit % 32))) >>> 0);
  const parts = observed(setup);
  setup.memory.write32(address, word);
  return parts;
}

function flippedRegister(setup: Setup, name: string, bit: number): Parts {
  const value = (setup.named.get(name) ?? 0n) ^ (1n << BigInt(bit));
  return observed({ ...setup, named: new Map([...setup.named, [name, value]]) });
}

/** What a flip of each bit of a structure or register changes. */
export function structureEffects(setup: Setup, { at, bits }: Target): string[] {
  const flipped = (bit: number) =>
    typeof at === 'number' ? flippedMemory(setup, at, bit) : flippedRegister(setup, at, bit);
  return effectsOfBits(observed(setup), bits, flipped, setup.pointers);
}
