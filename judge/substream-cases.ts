/**
 * Linux's recorded tables behind a substream of an SMMUv3 (Arm IHI 0070).
 * @module
 */
import { contextDescriptor, stage1Ste } from '../src/drivers/arm-smmu-v3/entries.ts';
import { BY_RULE, type Draft, entry, hex, type Recorded, STRUCTURES, someOf } from './unit-draft.ts';

const STREAM = 0x42;
const SUBSTREAM = 5;
/** STE.S1CDMax: sixteen context descriptors, in one linear table. */
const SIXTEEN = 4n << 59n;
const SMMU_V3 = {
  CR0: '0xd',
  // IDR0: S1P, TTF AArch64, COHACC, ASID16; IDR1: 8 bits of SSID, 16 of StreamID; IDR5: 48 bits, 4K, 16K and 64K
  IDR0: '0x101a',
  IDR1: '0x210',
  IDR5: '0x75',
  STRTAB_BASE: hex(STRUCTURES),
  STRTAB_BASE_CFG: '0x7',
} as const;

/** A stream whose descriptor 5 leads to the tables; descriptor 0 does where S1DSS names it, 7 is not valid. */
export function substreamWords({ registers }: Recorded, dss: bigint): (readonly [number, bigint])[] {
  const cds = STRUCTURES + 0x4000;
  const [first = 0n, second = 0n] = stage1Ste(cds, { ats: false, e2h: false });
  const descriptor = contextDescriptor(registers, 0x77, false);
  return [
    ...entry(STRUCTURES + 64 * STREAM, [first | SIXTEEN, (second & ~3n) | dss]),
    ...entry(cds + 64 * SUBSTREAM, descriptor),
    ...(dss === 2n ? entry(cds, descriptor) : []),
  ];
}

/** Accesses with that substream, others and none, as S1DSS says. */
export function substreamCases(recorded: Recorded, dss: bigint): Draft[] {
  const common = { iommu: 'arm-smmu-v3', registers: SMMU_V3, device: hex(STREAM), access: 'read' } as const;
  const id = (what: string): string => `smmu-v3 substreams, S1DSS ${dss}, ${recorded.id}: ${what}`;
  const [found] = recorded.lookups.filter(([, pa]) => pa !== 0n);
  const [iova, pa] = found ?? [0n, 0n];
  const named = (ssid: number): Record<string, string> => ({
    StreamID: hex(STREAM),
    SSV: '0x1',
    SubstreamID: hex(ssid),
  });
  const withoutOne: Readonly<Record<string, Draft['expect']>> = {
    0: { fault: 'F_STREAM_DISABLED', record: { StreamID: hex(STREAM) } },
    1: { address: hex(iova) },
    2: { address: hex(pa) },
  };
  return [
    ...someOf(recorded, 2).map(([at, to], i) => ({
      ...common,
      id: id(`substream ${SUBSTREAM}, ${hex(at)} (${i})`),
      substream: SUBSTREAM,
      iova: hex(at),
      expect:
        to === 0n
          ? { fault: 'F_TRANSLATION', record: { ...named(SUBSTREAM), InputAddr: hex(at), RnW: '0x1' } }
          : { address: hex(to) },
      rule: 'Arm IHI 0070 3.3.2, 7.3.12',
    })),
    {
      ...common,
      ...(dss === 2n ? {} : BY_RULE),
      id: id('no substream'),
      iova: hex(iova),
      expect: withoutOne[Number(dss)] as Draft['expect'],
      rule: 'Arm IHI 0070 5.2, STE.S1DSS',
    },
    {
      ...common,
      ...BY_RULE,
      id: id('a descriptor that is not valid'),
      substream: 7,
      iova: hex(iova),
      expect: { fault: 'C_BAD_CD', record: named(7) },
      rule: 'Arm IHI 0070 5.4, CD.V; 7.3.11',
    },
    {
      ...common,
      ...BY_RULE,
      id: id('a substream beyond the descriptors'),
      substream: 16,
      iova: hex(iova),
      expect: { fault: 'C_BAD_SUBSTREAMID', record: named(16) },
      rule: 'Arm IHI 0070 5.2, STE.S1CDMax; 7.3.5',
    },
    ...(dss === 2n
      ? [
          {
            ...common,
            ...BY_RULE,
            id: id('substream 0'),
            substream: 0,
            iova: hex(iova),
            expect: { fault: 'F_STREAM_DISABLED', record: { StreamID: hex(STREAM), SSV: '0x1' } },
            rule: 'Arm IHI 0070 5.2, STE.S1DSS 0b10: SubstreamID 0 is not to be used',
          },
        ]
      : []),
  ];
}
