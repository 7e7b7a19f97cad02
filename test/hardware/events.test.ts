import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readWords } from '../../src/hardware/bits.ts';
import { decodeEvent, EVENT_TYPES, encodeEvent, eventType } from '../../src/hardware/smmu-v3/events.ts';
import { SmmuV3 } from '../../src/hardware/smmu-v3/smmu.ts';
import { type Capture, readCapture } from './captures.ts';
import { System } from './system.ts';

/** Records in the event queue of a capture, from 0 up to the producer index. */
function recorded({ reader, registers }: Capture): Uint32Array[] {
  const base = registers.named.get('EVENTQ_BASE') ?? 0n;
  const size = 2 ** Number(base & 31n);
  const count = Number((registers.named.get('EVENTQ_PROD') ?? 0n) & BigInt(size - 1));
  const address = Number(base & 0xfffffffffffe0n);
  return Array.from({ length: count }, (_, i) => readWords(reader, address + i * 32, 32) ?? new Uint32Array());
}

/** The emulator writes all of the intermediate address; the architecture has bits 51:12, and zeros below (7.3.12). */
function architected(words: Uint32Array): Uint32Array {
  const copy = words.slice();
  copy[6] = ((copy[6] ?? 0) & ~0xfff) >>> 0;
  return copy;
}

const FAULTED: readonly [string, string, number][] = [
  ['arm64-smmuv3-612-vfio/vfio-mapped', 'arm64-smmuv3-612-vfio/vfio-after', 8],
  ['arm64-smmuv3-612-vfio-s2/vfio-mapped', 'arm64-smmuv3-612-vfio-s2/vfio-after', 6],
  ['arm64-smmuv3-612-mod/mod-mapped', 'arm64-smmuv3-612-mod/mod-faulted', 2],
];

describe('event records', () => {
  it.each(FAULTED)('the faults provoked after %s leave the records of %s, bit for bit', (before, after, least) => {
    const { reader, registers } = readCapture(before);
    const smmu = new SmmuV3(reader, registers.named);
    const records = recorded(readCapture(after));
    expect(records.length).toBeGreaterThanOrEqual(least);
    for (const words of records) {
      const event = decodeEvent(words);
      const { StreamID = 0n, InputAddr = 0n, RnW } = event.fields;
      const answer = smmu.translate(Number(StreamID), InputAddr, { kind: RnW === 1n ? 'read' : 'write' });
      expect(answer.event).toEqual(event);
      expect(encodeEvent(answer.event ?? event)).toEqual(architected(words));
    }
  });

  it('decoding what was encoded gives it back, for every type', () => {
    const record = fc
      .constantFrom(...EVENT_TYPES)
      .chain((type) =>
        fc
          .record(
            Object.fromEntries(
              type.fields.map(({ name, bits, shift = 0 }) => [
                name,
                fc.bigInt(0n, (1n << BigInt(bits)) - 1n).map((v) => v << BigInt(shift)),
              ]),
            ),
          )
          .map((fields) => ({ code: type.code, name: type.name, fields })),
      );
    fc.assert(
      fc.property(record, (event) => {
        expect(decodeEvent(encodeEvent(event))).toEqual(event);
      }),
    );
  });

  it('names codes that the architecture leaves to the implementation, and reserved ones', () => {
    expect(eventType(0xe3).name).toBe('IMPDEF');
    expect(eventType(0x7f).name).toBe('reserved');
    expect(EVENT_TYPES.map(({ code }) => code)).toEqual([...new Set(EVENT_TYPES.map(({ code }) => code))]);
  });
});

describe('SMMUv3 configuration faults', () => {
  const make = () => {
    const system = new System();
    const root = system.stage1(1);
    system.map(root, 0x10000, 0x40010000);
    return { system, root, smmu: () => new SmmuV3(system.memory, system.named) };
  };

  it('a stream beyond the table: C_BAD_STREAMID', () => {
    expect(make().smmu().translate(64, 0).event).toMatchObject({ name: 'C_BAD_STREAMID', fields: { StreamID: 64n } });
  });

  it('an entry that is not valid: C_BAD_STE', () => {
    expect(make().smmu().translate(2, 0)).toMatchObject({
      result: { reason: 'stream-invalid' },
      event: { name: 'C_BAD_STE' },
    });
  });

  it('a table outside memory: F_STE_FETCH with the address', () => {
    const { system } = make();
    system.named.set('STRTAB_BASE', 0x7f000n);
    const { event } = new SmmuV3(system.memory, system.named).translate(3, 0);
    expect(event).toMatchObject({ name: 'F_STE_FETCH', fields: { FetchAddr: 0x7f0c0n } });
  });

  it('a context descriptor that is missing or not valid: F_CD_FETCH, C_BAD_CD', () => {
    const { system, smmu } = make();
    system.memory.write64(system.strtab + 64, 0x7000000bn);
    expect(smmu().translate(1, 0).event?.name).toBe('F_CD_FETCH');
    system.memory.clear(0x70000000, 4096);
    expect(smmu().translate(1, 0).event?.name).toBe('C_BAD_CD');
  });

  it('a substream beyond the context table: C_BAD_SUBSTREAMID', () => {
    expect(make().smmu().translate(1, 0x10000, undefined, 1).event).toMatchObject({
      name: 'C_BAD_SUBSTREAMID',
      fields: { SSV: 1n, SubstreamID: 1n },
    });
  });

  it('an abort entry: no event', () => {
    const { system, smmu } = make();
    system.memory.write64(system.strtab + 64, 1n);
    expect(smmu().translate(1, 0x10000)).toEqual({ result: expect.objectContaining({ reason: 'stream-aborts' }) });
  });

  it('bypass passes addresses up to the output size: beyond, F_ADDR_SIZE', () => {
    const { system, smmu } = make();
    system.memory.write64(system.strtab + 64, 9n);
    expect(smmu().translate(1, 0x123456).result).toMatchObject({ ok: true, pa: 0x123456 });
    expect(smmu().translate(1, 1n << 44n).event?.name).toBe('F_ADDR_SIZE');
  });

  it('with the unit off, GBPA decides', () => {
    const { system, smmu } = make();
    system.named.set('CR0', 0n);
    expect(smmu().translate(1, 0x5000).result).toMatchObject({ ok: true, pa: 0x5000 });
    system.named.set('GBPA', 1n << 20n);
    expect(smmu().translate(1, 0x5000).result).toMatchObject({ ok: false, reason: 'translation-off' });
  });

  it('a context that does not record (R = 0) leaves no event', () => {
    const { system, smmu } = make();
    const cd = Number((system.memory.read64(system.strtab + 64) ?? 0n) & 0xfffffffffc0n);
    expect(smmu().translate(1, 0x20000).event?.name).toBe('F_TRANSLATION');
    system.memory.write64(cd, (system.memory.read64(cd) ?? 0n) & ~(1n << 45n));
    expect(smmu().translate(1, 0x20000)).toEqual({ result: expect.objectContaining({ reason: 'never-mapped' }) });
  });

  it('a walk into unknown memory: F_WALK_EABT with the address of the fetch', () => {
    const { system, root, smmu } = make();
    system.memory.write64(root + 8, 0x70000003n);
    expect(smmu().translate(1, 2n ** 39n).event).toMatchObject({
      name: 'F_WALK_EABT',
      fields: { FetchAddr: 0x70000000n, CLASS: 1n },
    });
  });
});

describe('nested translation', () => {
  /** Stage 2 maps the first 2 GiB of intermediate addresses onto themselves but for what a test takes out. */
  const make = () => {
    const system = new System();
    const root = system.stage1(1);
    const second = system.stage2(1, 7n);
    for (let page = 0x1000; page < 0x200000; page += 4096) system.map(second, page, page, 3, 0x7ffn, 1);
    system.map(root, 0x10000, 0x40010000);
    system.map(root, 0x11000, 0x40011000);
    system.map(second, 0x40010000, 0x50020000, 3, 0x7ffn, 1);
    return { system, root, second, smmu: new SmmuV3(system.memory, system.named) };
  };

  it('goes through both stages', () => {
    expect(make().smmu.translate(1, 0x10123).result).toMatchObject({ ok: true, pa: 0x50020123, size: 4096 });
  });

  it('a stage 2 fault of the output: S2, CLASS input, the intermediate address', () => {
    const { event, result } = make().smmu.translate(1, 0x11008, { kind: 'write' });
    expect(result).toMatchObject({ reason: 'never-mapped', stage: 2, during: 'input' });
    expect(event).toMatchObject({
      name: 'F_TRANSLATION',
      fields: { S2: 1n, CLASS: 2n, IPA: 0x40011000n, InputAddr: 0x11008n },
    });
  });

  it('a stage 2 fault of a table fetch: CLASS table', () => {
    const { system, root, second, smmu } = make();
    const table = Number((system.memory.read64(root) ?? 0n) & 0xfffffffff000n);
    system.map(second, table, 0, 3, 0n, 1);
    const { event, result } = smmu.translate(1, 0x10000);
    expect(result).toMatchObject({ stage: 2, during: 'table', ipa: BigInt(table) });
    expect(event).toMatchObject({ name: 'F_TRANSLATION', fields: { S2: 1n, CLASS: 1n, IPA: BigInt(table) } });
  });

  it.each([
    ['stage 1', 'CD.R', 0x20000, 45],
    ['stage 2', 'STE.S2R', 0x11000, 186],
  ])(
    'a fault of %s leaves no record where %s is 0, and the bit of the other stage does not count',
    (_, name, iova, bit) => {
      const { system } = make();
      const cd = Number((system.memory.read64(system.strtab + 64) ?? 0n) & 0xf_ffff_ffff_ffc0n);
      const both = [
        ['CD.R', cd, 45],
        ['STE.S2R', system.strtab + 64, 186],
      ] as const;
      for (const [one, at, position] of both) {
        const word = at + 8 * Math.floor(position / 64);
        const before = system.memory.read64(word) ?? 0n;
        system.memory.write64(word, before & ~(1n << BigInt(position % 64)));
        const { event, result } = new SmmuV3(system.memory, system.named).translate(1, iova);
        system.memory.write64(word, before);
        expect(result).toMatchObject({ ok: false, syndrome: 'F_TRANSLATION' });
        expect(event === undefined).toBe(one === name && position === bit);
      }
    },
  );

  it('takes the permissions of both stages', () => {
    const { system, second, smmu } = make();
    system.map(second, 0x40010000, 0x50020000, 3, 0x77fn, 1);
    expect(smmu.translate(1, 0x10000, { kind: 'write' }).result).toMatchObject({
      reason: 'permission-write',
      stage: 2,
    });
    expect(smmu.translate(1, 0x10000).result).toMatchObject({ ok: true, perms: 'rx' });
  });
});
