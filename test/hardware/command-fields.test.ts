import { describe, expect, test } from 'vitest';
import { AMD_COMMANDS } from '../../src/hardware/amd-vi/commands.ts';
import type { CommandDecoder } from '../../src/hardware/command.ts';
import { RISCV_COMMANDS } from '../../src/hardware/riscv/commands.ts';
import { COMMANDS, SMMU_V3_COMMANDS } from '../../src/hardware/smmu-v3/commands.ts';
import { VIRTIO_REQUESTS } from '../../src/hardware/virtio/requests.ts';
import {
  VTD_DESCRIPTORS,
  VTD_WIDE_DESCRIPTORS,
  vtdDescriptorName,
  vtdDeviceOf,
} from '../../src/hardware/vt-d/descriptors.ts';
import { fieldWith, type Place, placesOf, wordsOf } from './places.ts';

/** Name and fields of a command by the value of its first word that names it. */
type Layout = Readonly<Record<number, readonly [name: string, fields: string]>>;

// IHI 0070 4.2 to 4.7
const RANGE = 'NUM 16:12, SCALE 25:20';
const BY_ADDRESS = 'Leaf 0, TTL128 7, TTL 9:8, TG 11:10, Address 63:12 <<12';
const SUBSTREAM = 'SSec 10, SSV 11, SubstreamID 31:12, StreamID 63:32';
const SMMU_V3: Layout = {
  1: ['CMD_PREFETCH_CONFIG', SUBSTREAM],
  2: ['CMD_PREFETCH_ADDR', `${SUBSTREAM} | Size 4:0, Address 63:12 <<12`],
  3: ['CMD_CFGI_STE', 'SSec 10, StreamID 63:32 | Leaf 0'],
  4: ['CMD_CFGI_STE_RANGE', 'SSec 10, StreamID 63:32 | Range 4:0'],
  5: ['CMD_CFGI_CD', `${SUBSTREAM} | Leaf 0`],
  6: ['CMD_CFGI_CD_ALL', 'SSec 10, StreamID 63:32'],
  7: ['CMD_CFGI_VMS_PIDM', 'SSec 10, VMID 47:32'],
  16: ['CMD_TLBI_NH_ALL', 'VMID 47:32'],
  17: ['CMD_TLBI_NH_ASID', 'VMID 47:32, ASID 63:48'],
  18: ['CMD_TLBI_NH_VA', `${RANGE}, VMID 47:32, ASID 63:48 | ${BY_ADDRESS}`],
  19: ['CMD_TLBI_NH_VAA', `${RANGE}, VMID 47:32 | ${BY_ADDRESS}`],
  24: ['CMD_TLBI_EL3_ALL', 'SSec 10'],
  26: ['CMD_TLBI_EL3_VA', `SSec 10, ${RANGE} | ${BY_ADDRESS}`],
  32: ['CMD_TLBI_EL2_ALL', '-'],
  33: ['CMD_TLBI_EL2_ASID', 'ASID 63:48'],
  34: ['CMD_TLBI_EL2_VA', `${RANGE}, ASID 63:48 | ${BY_ADDRESS}`],
  35: ['CMD_TLBI_EL2_VAA', `${RANGE} | ${BY_ADDRESS}`],
  40: ['CMD_TLBI_S12_VMALL', 'VMID 47:32'],
  42: ['CMD_TLBI_S2_IPA', `${RANGE}, VMID 47:32 | ${BY_ADDRESS}`],
  48: ['CMD_TLBI_NSNH_ALL', '-'],
  64: ['CMD_ATC_INV', `G 9, ${SUBSTREAM} | Size 5:0, Address 63:12 <<12`],
  65: ['CMD_PRI_RESP', `${SUBSTREAM} | PRGIndex 8:0, Resp 13:12`],
  68: ['CMD_RESUME', 'SSec 10, AcAb 13:12, StreamID 63:32 | STAG 15:0'],
  69: ['CMD_STALL_TERM', 'SSec 10, StreamID 63:32'],
  70: ['CMD_SYNC', 'SSec 10, CS 13:12, MSH 23:22, MSIAttr 27:24, MSIData 63:32 | MSIAddress 55:2 <<2'],
};

// Intel VT-d 6.5.2.1 to 6.5.2.8, 7.7.1
const VTD_PAGES = 'AM 5:0, IH 6, ADDR 63:12 <<12';
const PFSID = 'PFSID[3:0] 15:12, PFSID[15:4] 63:52';
const VTD: Layout = {
  1: ['context-cache invalidation', 'G 5:4, DID 31:16, SID 47:32, FM 49:48'],
  2: ['IOTLB invalidation', `G 5:4, DW 6, DR 7, DID 31:16 | ${VTD_PAGES}`],
  3: ['device-TLB invalidation', `${PFSID}, MIP 20:16, SID 47:32 | S 0, ADDR 63:12 <<12`],
  4: ['interrupt entry cache invalidation', 'G 4, IM 31:27, IIDX 47:32'],
  5: ['invalidation wait', 'IF 4, SW 5, FN 6, PD 7, StatusData 63:32 | StatusAddress 63:2 <<2'],
  6: ['PASID-based IOTLB invalidation', `G 5:4, DID 31:16, PASID 51:32 | ${VTD_PAGES}`],
  7: ['PASID-cache invalidation', 'G 5:4, DID 31:16, PASID 51:32'],
  8: ['PASID-based device-TLB invalidation', `MIP 8:4, ${PFSID}, SID 31:16, PASID 51:32 | G 0, S 11, ADDR 63:12 <<12`],
  9: ['page group response', 'PP 4, RC 15:12, SID 31:16, PASID 51:32 | LPIG 2, PRGI 11:3'],
};

// AMD 48882 2.4.1 to 2.4.8
const AMD_PAGES = 'GN 2, Address 63:12 <<12';
const AMD: Layout = {
  1: ['COMPLETION_WAIT', 's 0, i 1, f 2, StoreAddress 51:3 <<3 | StoreData 63:0'],
  2: ['INVALIDATE_DEVTAB_ENTRY', 'DeviceID 15:0'],
  3: ['INVALIDATE_IOMMU_PAGES', `PASID 19:0, DomainID 47:32 | S 0, PDE 1, ${AMD_PAGES}`],
  4: [
    'INVALIDATE_IOTLB_PAGES',
    `DeviceID 15:0, PASID[7:0] 23:16, MaxPend 31:24, QueueID 47:32, PASID[19:8] 59:48 | S 0, Type 5:4, ${AMD_PAGES}`,
  ],
  5: ['INVALIDATE_INTERRUPT_TABLE', 'DeviceID 15:0'],
  6: ['PREFETCH_IOMMU_PAGES', `DeviceID 15:0, PFCount 31:24, DomainID 47:32 | S 0, ${AMD_PAGES}`],
  7: ['COMPLETE_PPR_REQUEST', 'DeviceID 15:0, PASID 51:32 | GN 2, CompletionTag 47:32'],
  8: ['INVALIDATE_IOMMU_ALL', '-'],
};

// RISC-V IOMMU 4.1: func3 in bits 9:7, opcode in 6:0
const INVALIDATE = 'AV 10, PSCID 31:12, PSCV 32, GV 33, NL 34, GSCID 59:44 | S 9, ADDR 61:10 <<12';
const ATS = 'PID 31:12, PV 32, DSV 33, RID 55:40, DSEG 63:56 | PAYLOAD 63:0';
const RISCV: Layout = {
  1: ['IOTINVAL.VMA', INVALIDATE],
  129: ['IOTINVAL.GVMA', INVALIDATE],
  2: ['IOFENCE.C', 'AV 10, WSI 11, PR 12, PW 13, DATA 63:32 | ADDR 61:0 <<2'],
  3: ['IODIR.INVAL_DDT', 'PID 31:12, DV 33, DID 63:40'],
  131: ['IODIR.INVAL_PDT', 'PID 31:12, DV 33, DID 63:40'],
  4: ['ATS.INVAL', ATS],
  132: ['ATS.PRGR', ATS],
};

// VIRTIO 1.2, 5.13.6.3 to 5.13.6.7
const VIRTIO_RANGE = 'reserved 31:8, domain 63:32 | virt_start 63:0 <<0 | virt_end 63:0 <<0';
const VIRTIO: Layout = {
  1: ['ATTACH', 'reserved 31:8, domain 63:32 | endpoint 31:0, flags 63:32'],
  2: ['DETACH', 'reserved 31:8, domain 63:32 | endpoint 31:0'],
  3: ['MAP', `${VIRTIO_RANGE} | phys_start 63:0 <<0 | flags 31:0`],
  4: ['UNMAP', VIRTIO_RANGE],
  5: ['PROBE', 'reserved 31:8, endpoint 63:32'],
};

interface Unit {
  readonly decoder: CommandDecoder;
  readonly layout: Layout;
  readonly words: number;
  /** Bits that name the type of a command. */
  readonly naming: bigint;
  /** Where the number of a layout stands. */
  readonly at?: number;
}

const UNITS: readonly (readonly [string, Unit])[] = [
  ['SMMUv3', { decoder: SMMU_V3_COMMANDS, layout: SMMU_V3, words: 4, naming: 0xffn }],
  ['VT-d', { decoder: VTD_DESCRIPTORS, layout: VTD, words: 4, naming: 0xe0fn }],
  ['VT-d, wide descriptors', { decoder: VTD_WIDE_DESCRIPTORS, layout: VTD, words: 8, naming: 0xe0fn }],
  ['AMD-Vi', { decoder: AMD_COMMANDS, layout: AMD, words: 4, naming: 0xfn << 60n, at: 60 }],
  ['RISC-V', { decoder: RISCV_COMMANDS, layout: RISCV, words: 4, naming: 0x3ffn }],
  ['virtio', { decoder: VIRTIO_REQUESTS, layout: VIRTIO, words: 9, naming: 0xffn }],
];

/** As a decoder shows it: addresses and wide fields in hex. */
function shown(place: Place, bit: number): string | number {
  const value = fieldWith(place, bit);
  const wide = place.shift !== undefined || place.last - place.first >= 32;
  return wide ? `0x${value.toString(16)}` : Number(value);
}

/** Names of types and reserved bits, for every value of the bits that name a type. */
function known({ decoder, naming, words }: Unit): Map<bigint, string> {
  const names = new Map<bigint, string>();
  for (let value = 0n; ; value = ((value | ~naming) + 1n) & naming) {
    const { type, name, scope } = decoder.decode(wordsOf(value, words));
    if (type !== undefined) names.set(value, name);
    else if (scope.kind !== 'illegal') names.set(value, `${scope.kind} without a type`);
    if (value === naming) return names;
  }
}

describe.each(UNITS)('commands of %s', (_, unit) => {
  const { decoder, layout, words, naming, at = 0 } = unit;
  const rows = Object.entries(layout).map(([number, [name, fields]]) => ({
    opcode: BigInt(number) << BigInt(at),
    name,
    places: placesOf(fields),
  }));

  test('are those of the specification; every other opcode is illegal', () => {
    expect(known(unit)).toEqual(new Map(rows.map(({ opcode, name }) => [opcode, name])));
  });

  test.each(rows)('$name: each bit belongs to the field that the specification gives it, or is reserved', (row) => {
    for (let bit = 0; bit < 32 * words; bit++) {
      if (((naming >> BigInt(bit)) & 1n) === 1n) continue;
      const { name, fields, reserved } = decoder.decode(wordsOf(row.opcode | (1n << BigInt(bit)), words));
      const expected = Object.fromEntries(row.places.map((place) => [place.name, shown(place, bit)]));
      const isReserved = !row.places.some(({ first, last }) => bit >= first && bit <= last);
      expect({ bit, name, fields, reserved }).toEqual({ bit, name: row.name, fields: expected, reserved: isReserved });
    }
  });
});

test('SMMUv3 opcodes have their names, VT-d types theirs or `reserved`', () => {
  expect([...COMMANDS]).toEqual(Object.entries(SMMU_V3).map(([opcode, [name]]) => [Number(opcode), name]));
  const names = Array.from({ length: 128 }, (_, type) => vtdDescriptorName(type));
  expect(names).toEqual(names.map((_, type) => VTD[type]?.[0] ?? 'reserved'));
});

test('only device-TLB descriptors name a device', () => {
  // 6.5.2.5: SID in 47:32; 6.5.2.6: SID in 31:16
  const devices = Array.from({ length: 10 }, (_, type) => vtdDeviceOf(wordsOf((0x1234n << 32n) | BigInt(type), 4)));
  expect(devices.flatMap((device, type) => (device === undefined ? [] : [[type, device]]))).toEqual([
    [3, 0x1234],
    [8, 0],
  ]);
  expect(vtdDeviceOf(wordsOf((0x5678n << 16n) | 8n, 4))).toBe(0x5678);
});
