/** Streams of several context descriptors, and faults that stall (Arm IHI 0070, 5.2 STE.S1DSS, 5.4 CD.S, 7.3). */
import { describe, expect, it } from 'vitest';
import { SmmuV3 } from '../../src/hardware/index.ts';
import { System } from './system.ts';

const STREAM = 1;
const CD_BYTES = 64;
const IOVA = 0x10000;
/** S1CDMax 2: four descriptors, in one linear table. */
const FOUR = 2n << 59n;
const STALL = 1n << 44n;
const STALL_DISABLED = 1n << 27n;

/** A stream whose descriptors 0 and 2 are valid, each with a table of its own; `change` is put into both. */
function make(dss: bigint, change = 0n, disabled = 0n): { smmu: SmmuV3; outputs: Map<number, number> } {
  const system = new System();
  const table = system.page();
  const outputs = new Map<number, number>();
  for (const substream of [0, 2]) {
    const other = 10 + substream;
    const output = 0x4000_0000 + substream * 0x1000;
    system.map(system.stage1(other), IOVA, output);
    outputs.set(substream, output);
    const descriptor = Number((system.memory.read64(system.strtab + other * CD_BYTES) ?? 0n) & 0xffff_ffff_ffc0n);
    for (let at = 0; at < CD_BYTES; at += 8) {
      const value = (system.memory.read64(descriptor + at) ?? 0n) | (at === 0 ? change : 0n);
      system.memory.write64(table + substream * CD_BYTES + at, value);
    }
    system.memory.clear(system.strtab + other * CD_BYTES - ((other * CD_BYTES) % 4096), 4096);
  }
  const entry = system.strtab + STREAM * CD_BYTES;
  system.memory.write64(entry, BigInt(table) | 0xbn | FOUR);
  system.memory.write64(entry + 8, 0xd4n | dss | disabled);
  return { smmu: new SmmuV3(system.memory, system.named), outputs };
}

describe('a substream for which there are no descriptors', () => {
  const asked = (words: (system: System) => readonly [bigint, bigint]): string | undefined => {
    const system = new System();
    system.map(system.stage1(STREAM), IOVA, 0x4000_0000);
    const entry = system.strtab + STREAM * CD_BYTES;
    const [first, second] = words(system);
    system.memory.write64(entry, (system.memory.read64(entry) ?? 0n) ^ first);
    system.memory.write64(entry + 8, (system.memory.read64(entry + 8) ?? 0n) ^ second);
    return new SmmuV3(system.memory, system.named).translate(STREAM, IOVA, undefined, 0).event?.name;
  };

  it('is C_BAD_SUBSTREAMID where S1CDMax is 0, and where stage 1 is off (7.3.9)', () => {
    expect(asked(() => [0n, 0n])).toBe('C_BAD_SUBSTREAMID');
    // Config 0b101 becomes 0b100, bypass
    expect(asked(() => [2n, 0n])).toBe('C_BAD_SUBSTREAMID');
  });
});

describe('a stream of four context descriptors', () => {
  it.each([0n, 1n, 2n])('walks the tables of the substream that an access names (S1DSS %s)', (dss) => {
    const { smmu, outputs } = make(dss);
    expect(smmu.translate(STREAM, IOVA, undefined, 2).result).toMatchObject({ ok: true, pa: outputs.get(2) });
    expect(smmu.translate(STREAM, IOVA, undefined, 1).event).toMatchObject({
      name: 'C_BAD_CD',
      fields: { StreamID: 1n, SSV: 1n, SubstreamID: 1n },
    });
    expect(smmu.translate(STREAM, IOVA, undefined, 3).event?.name).toBe('C_BAD_CD');
    expect(smmu.translate(STREAM, IOVA, undefined, 4).event?.name).toBe('C_BAD_SUBSTREAMID');
  });

  it('without a substream, S1DSS decides: refused, bypassed, or by descriptor 0', () => {
    expect(make(0n).smmu.translate(STREAM, IOVA).event?.name).toBe('F_STREAM_DISABLED');
    expect(make(1n).smmu.translate(STREAM, IOVA).result).toMatchObject({ ok: true, pa: IOVA });
    const { smmu, outputs } = make(2n);
    expect(smmu.translate(STREAM, IOVA).result).toMatchObject({ ok: true, pa: outputs.get(0) });
  });

  it('substream 0 is refused where accesses without one use its descriptor, and S1DSS 0b11 behaves as 0b00', () => {
    const refused = make(2n).smmu.translate(STREAM, IOVA, undefined, 0);
    expect(refused.event).toMatchObject({ name: 'F_STREAM_DISABLED', fields: { SSV: 1n, SubstreamID: 0n } });
    for (const dss of [0n, 1n]) {
      const { smmu, outputs } = make(dss);
      expect(smmu.translate(STREAM, IOVA, undefined, 0).result).toMatchObject({ ok: true, pa: outputs.get(0) });
    }
    expect(make(3n).smmu.translate(STREAM, IOVA).event?.name).toBe('F_STREAM_DISABLED');
  });

  it('a listing has each valid descriptor once', () => {
    const listed = (dss: bigint): unknown[] =>
      make(dss)
        .smmu.contexts()
        .contexts.filter(({ stream }) => stream === STREAM)
        .map((each) => [each.action, each.substream]);
    expect(listed(0n)).toEqual([
      ['translate', 0],
      ['translate', 2],
    ]);
    expect(listed(1n)).toEqual([
      ['bypass', undefined],
      ['translate', 0],
      ['translate', 2],
    ]);
    expect(listed(2n)).toEqual([
      ['translate', undefined],
      ['translate', 2],
    ]);
  });
});

describe('the field Stall of an event', () => {
  const faulted = (change: bigint, disabled = 0n) => make(2n, change, disabled).smmu.translate(STREAM, 0x5000).event;

  it('is set by CD.S, which is illegal where STE.S1STALLD is set', () => {
    expect(faulted(0n)).toMatchObject({ name: 'F_TRANSLATION', fields: { Stall: 0n } });
    expect(faulted(STALL)).toMatchObject({ name: 'F_TRANSLATION', fields: { Stall: 1n } });
    expect(faulted(STALL, STALL_DISABLED)?.name).toBe('C_BAD_CD');
    expect(faulted(0n, STALL_DISABLED)).toMatchObject({ name: 'F_TRANSLATION', fields: { Stall: 0n } });
  });
});
