import { describe, expect, test } from 'vitest';
import { AMD_EVENT, AMD_EVENT_BYTES, AMD_EVENT_FIELDS, AMD_EVENT_NAMES } from '../../src/hardware/amd-vi/events.ts';
import type { Field } from '../../src/hardware/bits.ts';
import { decodeRecord, encodeRecord } from '../../src/hardware/record.ts';
import { CAUSE, causeText, isReported, statusOf } from '../../src/hardware/riscv/causes.ts';
import {
  encodeFault,
  nextRecord,
  RISCV_FAULT_BYTES,
  RISCV_FAULT_FIELDS,
  type RiscvFaultRecord,
} from '../../src/hardware/riscv/fault-queue.ts';
import { decodeEvent, EVENT_BYTES, EVENT_CLASS, encodeEvent, eventType } from '../../src/hardware/smmu-v3/events.ts';
import { VTD_FAULT_BYTES, VTD_FAULT_FIELDS } from '../../src/hardware/vt-d/fault-record.ts';
import { VTD_FAULTS, vtdFaultText, vtdWalkCode } from '../../src/hardware/vt-d/faults.ts';
import { type Access, READ, type Reason, WRITE } from '../../src/hardware/walk/types.ts';
import { fieldWith, type Place, placesOf, wordsOf } from './places.ts';

/** Each bit of a record set alone, and back again. */
function holdsEachBit(places: readonly Place[], bits: number, decode: (words: Uint32Array) => unknown): void {
  for (let bit = 0; bit < bits; bit++) {
    const fields = Object.fromEntries(places.map((place) => [place.name, fieldWith(place, bit)]));
    expect({ bit, fields: decode(wordsOf(1n << BigInt(bit), bits / 32)) }).toEqual({ bit, fields });
  }
}

// IHI 0070 7.3
const SUBSTREAM = 'SSV 11, SubstreamID 31:12, StreamID 63:32';
const ACCESS = 'PnU 33, InD 34, RnW 35';
const STAGE = 'NSIPA 38, S2 39, CLASS 41:40';
const REASON = 'Reason 15:0';
const STALL = 'STAG 15:0, Stall 31';
const INPUT = 'InputAddr 63:0';
const IPA = 'IPA 51:12 <<12';
const FETCH = 'FetchAddr 51:3 <<3';
const WALK = `${SUBSTREAM} | ${STALL}, ${ACCESS}, ${STAGE} | ${INPUT} | ${IPA}`;
const EVENTS: Readonly<Record<number, readonly [name: string, fields: string]>> = {
  1: ['F_UUT', `${SUBSTREAM} | ${REASON}, ${ACCESS} | ${INPUT}`],
  2: ['C_BAD_STREAMID', SUBSTREAM],
  3: ['F_STE_FETCH', `${SUBSTREAM} | ${REASON} | - | ${FETCH}`],
  4: ['C_BAD_STE', SUBSTREAM],
  5: ['F_BAD_ATS_TREQ', `${SUBSTREAM} | - | ${INPUT}`],
  6: ['F_STREAM_DISABLED', SUBSTREAM],
  7: ['F_TRANSL_FORBIDDEN', `${SUBSTREAM} | ${ACCESS} | ${INPUT}`],
  8: ['C_BAD_SUBSTREAMID', SUBSTREAM],
  9: ['F_CD_FETCH', `${SUBSTREAM} | ${REASON} | - | ${FETCH}`],
  10: ['C_BAD_CD', SUBSTREAM],
  11: ['F_WALK_EABT', `${SUBSTREAM} | ${REASON}, ${ACCESS}, ${STAGE} | ${INPUT} | ${FETCH}`],
  16: ['F_TRANSLATION', WALK],
  17: ['F_ADDR_SIZE', WALK],
  18: ['F_ACCESS', WALK],
  19: ['F_PERMISSION', WALK],
  32: ['F_TLB_CONFLICT', `${SUBSTREAM} | ${REASON}, ${ACCESS}, ${STAGE} | ${INPUT} | ${IPA}`],
  33: ['F_CFG_CONFLICT', `${SUBSTREAM} | ${REASON}`],
  36: ['E_PAGE_REQUEST', `${SUBSTREAM} | Span 7:0 | ${INPUT}`],
  37: ['F_VMS_FETCH', `${SUBSTREAM} | ${REASON} | - | ${FETCH}`],
};

describe('SMMUv3 events', () => {
  const rows = Object.entries(EVENTS).map(([code, [name, fields]]) => ({ code: Number(code), name, fields }));

  test.each(rows)('$name: each bit is in its field', ({ code, name, fields }) => {
    const places = placesOf(fields);
    for (let bit = 8; bit < 256; bit++) {
      const words = wordsOf(BigInt(code) | (1n << BigInt(bit)), EVENT_BYTES / 4);
      const record = decodeEvent(words);
      const expected = Object.fromEntries(places.map((place) => [place.name, fieldWith(place, bit)]));
      expect({ bit, ...record }).toEqual({ bit, code, name, fields: expected });
      const isKept = places.some(({ first, last }) => bit >= first && bit <= last);
      expect(encodeEvent(record)).toEqual(isKept ? words : wordsOf(BigInt(code), 8));
    }
  });

  test('every other code is reserved, or from 0xe0 on the own of an implementation', () => {
    for (let code = 0; code < 256; code++) {
      expect(eventType(code)).toMatchObject({ code, name: EVENTS[code]?.[0] ?? (code < 0xe0 ? 'reserved' : 'IMPDEF') });
    }
    expect(EVENT_CLASS).toHaveLength(4);
  });
});

const RECORDS: readonly (readonly [name: string, fields: readonly Field[], bytes: number, text: string])[] = [
  // AMD 48882 2.5
  [
    'AMD-Vi event',
    AMD_EVENT_FIELDS,
    AMD_EVENT_BYTES,
    'DeviceID 15:0, PASID[19:16] 19:16, DomainID 47:32, GN 48, NX 49, US 50, I 51, PR 52, RW 53, PE 54, RZ 55, TR 56, ' +
      'Type 58:57, EventCode 63:60 | Address 63:0',
  ],
  // VT-d 11.4.14
  [
    'VT-d fault recording register',
    VTD_FAULT_FIELDS,
    VTD_FAULT_BYTES,
    'FI 63:12 <<12 | SID 15:0, T2 28, PRIV 29, EXE 30, PP 31, FR 39:32, PV 59:40, AT 61:60, T1 62, F 63',
  ],
  // RISC-V IOMMU 4.2
  [
    'RISC-V fault record',
    RISCV_FAULT_FIELDS,
    RISCV_FAULT_BYTES,
    'CAUSE 11:0, PID 31:12, PV 32, PRIV 33, TTYP 39:34, DID 63:40 | - | iotval 63:0 | iotval2 63:0',
  ],
];

describe.each(RECORDS)('%s', (_, fields, bytes, text) => {
  const places = placesOf(text);

  test('each bit is in its field', () => {
    holdsEachBit(places, 8 * bytes, (words) => decodeRecord(fields, words));
  });

  test('what is decoded and encoded again is the record without its reserved bits', () => {
    const all = 2n ** BigInt(8 * bytes) - 1n;
    const kept = places.reduce(
      (sum, { first, last }) => sum | ((2n ** BigInt(last - first + 1) - 1n) << BigInt(first)),
      0n,
    );
    const decoded = decodeRecord(fields, wordsOf(all, bytes / 4));
    expect(encodeRecord(fields, bytes, decoded)).toEqual(wordsOf(kept, bytes / 4));
  });
});

test('AMD-Vi event codes', () => {
  expect(Object.values(AMD_EVENT)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  expect([...AMD_EVENT_NAMES.keys()]).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
});

describe('RISC-V faults', () => {
  const codes = Array.from({ length: 280 }, (_, cause) => cause);
  // 4.2, table of causes
  const NAMED = [
    1, 5, 7, 12, 13, 15, 20, 21, 23, 256, 257, 258, 259, 260, 261, 262, 263, 265, 266, 267, 268, 269, 270, 274,
  ];

  test('causes by number', () => {
    expect(Object.values(CAUSE)).toEqual(NAMED);
    expect(codes.filter((cause) => !causeText(cause).startsWith('reserved'))).toEqual(NAMED);
    expect(causeText(274)).toContain('(cause 274)');
  });

  test('what an ATS request is answered, and what is recorded of it (3.6)', () => {
    const permissionless = [12, 13, 15, 20, 21, 23, 262, 266];
    expect(codes.filter((cause) => statusOf(cause, true) === 'success')).toEqual(permissionless);
    expect(codes.filter((cause) => statusOf(cause, true) === 'unsupported-request')).toEqual([256, 257, 258, 259, 260]);
    expect(codes.filter((cause) => statusOf(cause, false) !== 'unsupported-request')).toEqual([]);
    expect(statusOf(1, true)).toBe('completer-abort');
    expect(codes.filter((cause) => !isReported(cause, true, false))).toEqual(permissionless);
  });

  test('what DC.tc.DTF leaves to be recorded (4.2)', () => {
    expect(codes.filter((cause) => isReported(cause, false, true))).toEqual([256, 257, 258, 259, 268, 272, 273]);
    expect(codes.filter((cause) => !isReported(cause, false, false))).toEqual([]);
    expect(codes.filter((cause) => isReported(cause, true, true))).toEqual([256, 257, 258, 259, 268, 272, 273]);
  });

  test('an encoded record has its fields', () => {
    const record: RiscvFaultRecord = {
      cause: 0xabc,
      pid: 0x12345,
      pv: 1,
      priv: 1,
      ttyp: 0x2a,
      did: 0x654321,
      iotval: 0x1122_3344_5566_7788n,
      iotval2: 0x99aa_bbcc_ddee_ff01n,
    };
    const quads = [0x6543_21ab_1234_5abcn, 0n, 0x1122_3344_5566_7788n, 0x99aa_bbcc_ddee_ff01n];
    const value = quads.reduce((sum, quad, i) => sum | (quad << BigInt(64 * i)), 0n);
    expect(encodeFault(record)).toEqual(wordsOf(value, 8));
  });

  // 6.9 fqb: LOG2SZ-1 in 4:0, PPN in 53:10; 6.13 fqcsr: fqmf 8, fqof 9, fqon 16
  test.each([
    ['its base', {}, 0x12_3456_7800_0000n >> 0n],
    ['the tail', { FQT: 2n, FQH: 0n }, 0x12_3456_7800_0040n],
    ['full', { FQT: 3n, FQH: 0n }, undefined],
    ['full, in its middle', { FQT: 1n, FQH: 2n }, undefined],
    ['one free', { FQT: 1n, FQH: 3n }, 0x12_3456_7800_0020n],
    ['off', { FQCSR: 1n }, undefined],
    ['memory fault', { FQCSR: 0x1_0101n }, undefined],
    ['overflow', { FQCSR: 0x1_0201n }, undefined],
    ['another bit of fqcsr', { FQCSR: 0x1_0403n }, 0x12_3456_7800_0000n],
  ])('the next record goes to: %s', (_, registers, address) => {
    // 4 records from page 0x12345678000 on
    const fqb = (0x123_4567_8000n << 10n) | 1n;
    const all: Readonly<Record<string, bigint>> = { FQB: fqb, FQCSR: 0x1_0001n, FQH: 0n, FQT: 0n, ...registers };
    expect(nextRecord(new Map(Object.entries(all)))).toBe(address);
  });
});

const EXECUTE: Access = { kind: 'execute' };

describe('VT-d fault reasons', () => {
  // appendix A
  const CODES = [
    0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08, 0x09, 0x0a, 0x0b, 0x0c, 0x0d, 0x20, 0x21, 0x22, 0x23, 0x24, 0x25,
    0x26, 0x30, 0x31, 0x38, 0x39, 0x3a, 0x40, 0x41, 0x42, 0x43, 0x44, 0x45, 0x46, 0x50, 0x51, 0x52, 0x58, 0x59, 0x5a,
    0x5b, 0x70, 0x71, 0x72, 0x78, 0x79, 0x7a, 0x80, 0x81, 0x82, 0x83, 0x85, 0x86, 0x87,
  ];

  test('have their numbers', () => {
    expect([...VTD_FAULTS.keys()]).toEqual(CODES);
    expect(vtdFaultText(5)).toMatch(/^fault reason 0x05: /);
    expect(vtdFaultText(0xff)).toBe('fault reason 0xff: not defined');
  });

  // reason, then codes of a read, a write and an execution: legacy; first stage; second stage
  test.each<readonly [Reason, string, number, number]>([
    ['never-mapped', '6 5 6', 0x71, 0x79],
    ['permission-read', '6 6 6', 0x86, 0x79],
    ['permission-write', '12 5 12', 0x85, 0x79],
    ['permission-execute', '6 6 6', 0x82, 0x79],
    ['permission-privileged', '12 5 12', 0x81, 0x79],
    ['input-outside-region', '4 4 4', 0x80, 0x83],
    ['table-outside-memory', '7 7 7', 0x70, 0x78],
    ['reserved-bits', '12 12 12', 0x72, 0x7a],
  ])('of a walk: %s', (reason, legacy, first, second) => {
    const codes = (mode: 'legacy' | 'first' | 'second') =>
      [READ, WRITE, EXECUTE].map((access) => vtdWalkCode(reason, mode, access));
    expect(codes('legacy').join(' ')).toBe(legacy);
    expect(codes('first')).toEqual([first, first, first]);
    expect(codes('second')).toEqual([second, second, second]);
  });
});
