import { describe, expect, test } from 'vitest';
import { answers, at, check, entry, MODE, OUTPUT, pointer } from './riscv-world.ts';

test('the world translates as it is', () => {
  expect(answers(() => {})).toBe(OUTPUT);
});

describe('ddtp (RISC-V IOMMU 1.0, 3.3, 6.5)', () => {
  check([
    ['Off', (w) => w.ddt(0n), 'cause 256'],
    ['Bare', (w) => w.ddt(1n), '0x40005678'],
    ['Bare, ATS request', (w) => w.ddt(1n).ask({ type: 'ats' }), 'cause 260'],
    ['Bare, translated request', (w) => w.ddt(1n).ask({ type: 'translated' }), 'cause 260'],
    ['1LVL, extended: 64 is too wide', (w) => w.ask({ device: 64 }), 'cause 260'],
    ['1LVL, base: 127 is not', (w) => w.cap({ MSI_FLAT: 0 }).ask({ device: 127 }), OUTPUT],
    ['1LVL, base: 128 is', (w) => w.cap({ MSI_FLAT: 0 }).ask({ device: 128 }), 'cause 260'],
    ['1LVL: bit 23 is', (w) => w.ask({ device: 2 ** 23 + 1 }), 'cause 260'],
    ['2LVL, extended: 2^15 is', (w) => w.ddt(entry(at.ddt, 3n)).ask({ device: 2 ** 15 }), 'cause 260'],
    [
      '2LVL, base: 2^16 is',
      (w) =>
        w
          .ddt(entry(at.ddt, 3n))
          .cap({ MSI_FLAT: 0 })
          .ask({ device: 2 ** 16 }),
      'cause 260',
    ],
  ]);

  test('2LVL leads to the context', () => {
    expect(answers((w) => w.levels())).toBe(OUTPUT);
  });
  test('2LVL, an entry that is not valid', () => {
    expect(answers((w) => w.levels().flip(at.ddt, 0))).toBe('cause 258');
  });
  test.each([1, 2, 9, 54, 63])('2LVL, reserved bit %d of an entry', (bit) => {
    expect(answers((w) => w.levels().flip(at.ddt, bit))).toBe('cause 259');
  });
  test('2LVL, corrupted, or absent', () => {
    expect(answers((w) => w.levels().poison(at.ddt))).toBe('cause 268');
    expect(answers((w) => w.levels().ddt(entry(0x7777000n, 3n)))).toBe('cause 257');
  });
});

describe('a device context with a reserved bit is misconfigured (3.1.3, 3.1.4)', () => {
  const bits = (word: number, ...ranges: readonly (readonly [number, number])[]) =>
    ranges.flatMap(([first, last]) => Array.from({ length: last - first + 1 }, (_, i) => [word, first + i] as const));

  test.each([
    ['tc', bits(0, [12, 23], [32, 63])],
    ['ta', bits(2, [0, 11], [32, 39])],
    ['fsc', bits(3, [44, 59])],
    ['msiptp', bits(4, [44, 59], [61, 63])],
    ['msi_addr_mask', bits(5, [52, 63])],
    ['msi_addr_pattern', bits(6, [52, 63])],
    ['the last doubleword', bits(7, [0, 63])],
  ] as const)('each of %s', (_, places) => {
    for (const [word, bit] of places)
      expect([word, bit, answers((w) => w.bit(word, bit))]).toEqual([word, bit, 'cause 259']);
  });

  test('RCID and MCID are reserved without QOSID, and have their widths with it', () => {
    for (const [word, bit] of bits(2, [40, 63])) {
      expect([bit, answers((w) => w.cap({ QOSID: 0 }).bit(word, bit))]).toEqual([bit, 'cause 259']);
      expect([bit, answers((w) => w.bit(word, bit))]).toEqual([bit, OUTPUT]);
    }
    const narrow = (bit: number) => answers((w) => w.choose({ rcidMask: 3, mcidMask: 7 }).bit(2, bit));
    expect([41, 42, 54, 55].map(narrow)).toEqual([OUTPUT, 'cause 259', OUTPUT, 'cause 259']);
  });

  test('bits that have a meaning, or are for custom use, are not reserved', () => {
    for (const [word, bit] of [...bits(0, [24, 31]), ...bits(1, [44, 59]), ...bits(2, [12, 31])]) {
      expect([word, bit, answers((w) => w.bit(word, bit))]).toEqual([word, bit, OUTPUT]);
    }
  });

  test('the extended doublewords do not count in base format', () => {
    expect(answers((w) => w.cap({ MSI_FLAT: 0 }).bit(7, 3).bit(4, 50))).toBe(OUTPUT);
  });
});

describe('the fields of a device context (3.1.4)', () => {
  check([
    ['V = 0', (w) => w.word(0, 0n), 'cause 258'],
    ['V = 0 with everything else wrong', (w) => w.bit(0, 0).bit(0, 12).bit(7, 1), 'cause 258'],
    ['EN_ATS', (w) => w.tc('EN_ATS'), OUTPUT],
    ['EN_ATS without capabilities.ATS', (w) => w.tc('EN_ATS').cap({ ATS: 0 }), 'cause 259'],
    ['EN_PRI without EN_ATS', (w) => w.tc('EN_PRI'), 'cause 259'],
    ['EN_PRI with EN_ATS', (w) => w.tc('EN_ATS', 'EN_PRI'), OUTPUT],
    ['PRPR without EN_PRI', (w) => w.tc('EN_ATS', 'PRPR'), 'cause 259'],
    ['PRPR with both', (w) => w.tc('EN_ATS', 'EN_PRI', 'PRPR'), OUTPUT],
    ['T2GPA without EN_ATS', (w) => w.second().tc('T2GPA'), 'cause 259'],
    ['T2GPA without a second stage', (w) => w.tc('EN_ATS', 'T2GPA'), 'cause 259'],
    ['T2GPA', (w) => w.second().tc('EN_ATS', 'T2GPA'), OUTPUT],
    ['T2GPA without the capability', (w) => w.second().tc('EN_ATS', 'T2GPA').cap({ T2GPA: 0 }), 'cause 259'],
    ['DPE without PDTV', (w) => w.tc('DPE'), 'cause 259'],
    ['SADE', (w) => w.tc('SADE'), OUTPUT],
    ['SADE without AMO_HWAD', (w) => w.tc('SADE').cap({ AMO_HWAD: 0 }), 'cause 259'],
    ['GADE without AMO_HWAD', (w) => w.tc('GADE').cap({ AMO_HWAD: 0 }), 'cause 259'],
    ['SBE where BE can be written', (w) => w.tc('SBE'), 'cause 13'],
    ['SBE where BE is 0 and cannot', (w) => w.tc('SBE').choose({ beWritable: false }), 'cause 259'],
    ['SBE = 0 where BE is 1 and cannot', (w) => w.ctl(1n).choose({ beWritable: false }), 'cause 258'],
    ['SXL where GXL cannot be written', (w) => w.tc('SXL').choose({ gxlWritable: false }), 'cause 259'],
    ['SXL = 0 with GXL = 1', (w) => w.ctl(4n), 'cause 259'],
    ['SXL with Sv32', (w) => w.tc('SXL').ask({ iova: 0x5678n }).set(at.first[0], 0n), 'cause 13'],
    ['SXL without Sv32', (w) => w.tc('SXL').cap({ Sv32: 0 }), 'cause 259'],
    ['SXL with a mode of SXL = 0', (w) => w.tc('SXL').word(3, pointer(at.first[0], MODE.sv48)), 'cause 259'],
    ['a second-stage root that is not aligned to 16 KiB', (w) => w.second().bit(1, 0), 'cause 259'],
    ['msiptp.MODE Flat without a second stage', (w) => w.word(4, pointer(at.msi, 1n)), 'cause 259'],
    ['msiptp.MODE 2', (w) => w.second().word(4, pointer(at.msi, 2n)), 'cause 259'],
  ]);

  test.each([
    [8n, 'Sv39'],
    [9n, 'Sv48'],
    [10n, 'Sv57'],
  ] as const)('iosatp.MODE %d needs %s', (mode, name) => {
    expect(answers((w) => w.word(3, pointer(at.first[0], mode)))).not.toBe('cause 259');
    expect(answers((w) => w.word(3, pointer(at.first[0], mode)).cap({ [name]: 0 }))).toBe('cause 259');
  });
  test.each([
    [8n, 'Sv39x4'],
    [9n, 'Sv48x4'],
    [10n, 'Sv57x4'],
  ] as const)('iohgatp.MODE %d needs %s', (mode, name) => {
    expect(answers((w) => w.second(mode))).not.toBe('cause 259');
    expect(answers((w) => w.second(mode).cap({ [name]: 0 }))).toBe('cause 259');
  });
  test.each([1n, 2n, 3n, 4n, 5n, 6n, 7n, 11n, 12n, 13n, 14n, 15n])('MODE %d is reserved in both', (mode) => {
    expect(answers((w) => w.word(3, pointer(at.first[0], mode)))).toBe('cause 259');
    expect(answers((w) => w.second(mode))).toBe('cause 259');
  });
});
