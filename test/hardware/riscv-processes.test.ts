import { describe, expect, test } from 'vitest';
import { answers, at, check, entry, OUTPUT, PD, pointer } from './riscv-world.ts';

describe('a process directory (3.1.3.4, 3.2, 3.3.2)', () => {
  test.each([
    ['PD8', PD.PD8],
    ['PD17', PD.PD17],
    ['PD20', PD.PD20],
  ] as const)('%s leads to the process context where the capability is there', (name, mode) => {
    expect(answers((w) => w.directory(mode))).toBe(OUTPUT);
    expect(answers((w) => w.directory(mode).cap({ [name]: 0 }))).toBe('cause 259');
  });
  test.each([4n, 8n, 15n])('pdtp.MODE %d is reserved', (mode) => {
    expect(answers((w) => w.directory().word(3, pointer(at.pdt[0], mode)))).toBe('cause 259');
  });

  check([
    ['a process id without PDTV', (w) => w.ask({ process: 3 }), 'cause 260'],
    ['PD8: 256 is too wide', (w) => w.directory().ask({ process: 256 }), 'cause 260'],
    ['PD17: 2^17 is too wide', (w) => w.directory(PD.PD17).ask({ process: 2 ** 17 }), 'cause 260'],
    ['PD20: 2^20 - 1 is not', (w) => w.directory(PD.PD20).ask({ process: 2 ** 20 - 1 }), 'cause 266'],
    ['no process id: the first stage is Bare', (w) => w.directory().ask({ process: undefined } as never), '0x40005678'],
    ['pdtp Bare: the first stage is Bare', (w) => w.directory().word(3, 0n), '0x40005678'],
    [
      'DPE: process 0',
      (w) =>
        w
          .directory()
          .tc('DPE')
          .as(0n)
          .ask({ process: undefined } as never),
      OUTPUT,
    ],
    ['V = 0', (w) => w.directory().context(0, 0n), 'cause 266'],
    ['V = 0 with reserved bits', (w) => w.directory().context(0, 8n), 'cause 266'],
    ['fsc Bare', (w) => w.directory().context(1, 0n), '0x40005678'],
    ['a mode that is not supported', (w) => w.directory().cap({ Sv39: 0 }), 'cause 267'],
    ['a reserved mode', (w) => w.directory().context(1, pointer(at.first[0], 11n)), 'cause 267'],
    [
      'a mode of SXL = 0 with SXL = 1',
      (w) => w.directory().tc('SXL').context(1, pointer(at.first[0], 9n)),
      'cause 267',
    ],
    ['supervisor privilege without ENS', (w) => w.directory().ask({ privileged: true }), 'cause 260'],
    ['supervisor privilege of a user page', (w) => w.directory().context(0, 3n).ask({ privileged: true }), 'cause 13'],
    ['the same with SUM', (w) => w.directory().context(0, 7n).ask({ privileged: true }), OUTPUT],
    [
      'execute never, with SUM too',
      (w) => w.directory().context(0, 7n).ask({ privileged: true, access: 'execute' }),
      'cause 12',
    ],
    ['a directory that is absent', (w) => w.directory().word(3, pointer(0x7777000n, PD.PD8)), 'cause 265'],
    ['a context that is corrupted', (w) => w.directory().poison(at.pdt[0] + 48n), 'cause 269'],
    ['an entry that is not valid', (w) => w.directory(PD.PD17).flip(at.pdt[0], 0), 'cause 266'],
    ['behind a second stage', (w) => w.directory(PD.PD20).second(), OUTPUT],
    [
      'where the second stage has no page',
      (w) => w.directory().second().set(at.second, 0n),
      'cause 21, iotval2 0x30031',
    ],
    [
      'the same for a write: an implicit read',
      (w) => w.directory().second().set(at.second, 0n).ask({ access: 'write' }),
      'cause 23, iotval2 0x30031',
    ],
  ]);

  test('each reserved bit of an entry and of a context', () => {
    for (const bit of [1, 2, 5, 9, 54, 60, 63]) {
      expect([bit, answers((w) => w.directory(PD.PD17).flip(at.pdt[0], bit))]).toEqual([bit, 'cause 267']);
    }
    for (let bit = 3; bit < 64; bit++) {
      const reserved = bit < 12 || bit >= 32;
      expect([bit, answers((w) => w.directory().contextBit(0, bit))]).toEqual([bit, reserved ? 'cause 267' : OUTPUT]);
    }
    for (let bit = 44; bit < 60; bit++)
      expect([bit, answers((w) => w.directory().contextBit(1, bit))]).toEqual([bit, 'cause 267']);
  });
});

describe('translated and ATS requests (3.3, 3.6)', () => {
  check([
    ['a translated request without EN_ATS', (w) => w.ask({ type: 'translated' }), 'cause 260'],
    ['an ATS request without EN_ATS', (w) => w.ask({ type: 'ats' }), 'cause 260'],
    ['a translated request', (w) => w.tc('EN_ATS').ask({ type: 'translated' }), '0x40005678'],
    ['an ATS request', (w) => w.tc('EN_ATS').ask({ type: 'ats' }), OUTPUT],
    [
      'T2GPA: an ATS request is answered with the guest address',
      (w) =>
        w
          .second()
          .tc('EN_ATS', 'T2GPA')
          .set(at.second + 16n, entry(3n << 30n, 0xdfn))
          .ask({ type: 'ats' }),
      OUTPUT,
    ],
    [
      'T2GPA: a translated request goes through the second stage',
      (w) =>
        w
          .second()
          .tc('EN_ATS', 'T2GPA')
          .set(at.second + 16n, entry(3n << 30n, 0xdfn))
          .ask({ type: 'translated', iova: 0x80000678n }),
      '0xc0000678',
    ],
    [
      'T2GPA: where it has no page',
      (w) => w.second().tc('EN_ATS', 'T2GPA').ask({ type: 'translated', iova: 0x40000678n }),
      'cause 21, iotval2 0x40000678',
    ],
    [
      'a page fault of an ATS request is not recorded',
      (w) => w.tc('EN_ATS').ask({ type: 'ats', iova: 0n }),
      'cause 13, quiet',
    ],
    ['DTF: a page fault is not recorded', (w) => w.tc('DTF').ask({ iova: 0n }), 'cause 13, quiet'],
    ['DTF: a type that is disallowed neither', (w) => w.tc('DTF').ask({ process: 1 }), 'cause 260, quiet'],
    ['DTF: a misconfigured context is', (w) => w.tc('DTF', 'DPE'), 'cause 259'],
  ]);
});

describe('addresses beyond capabilities.PAS (3.1.4, note) are access faults where they are used', () => {
  const far = 1n << 40n;
  check([
    [
      'the directory',
      (w) =>
        w
          .pas(32n)
          .ddt(entry(far, 2n))
          .set(far + 64n, 1n),
      'cause 257',
    ],
    [
      'a process directory',
      (w) =>
        w
          .pas(32n)
          .directory()
          .word(3, pointer(far, PD.PD8))
          .set(far + 48n, 1n),
      'cause 265',
    ],
    [
      'a table',
      (w) =>
        w
          .pas(32n)
          .set(at.first[0] + 8n, entry(far, 1n))
          .set(far, 0n),
      'cause 5',
    ],
    [
      'a table, for a write',
      (w) =>
        w
          .pas(32n)
          .set(at.first[0] + 8n, entry(far, 1n))
          .set(far, 0n)
          .ask({ access: 'write' }),
      'cause 7',
    ],
    ['the page', (w) => w.pas(32n).set(at.first[2] + 40n, entry(far, 0xdfn)), 'cause 5'],
    [
      'the page, for execution',
      (w) =>
        w
          .pas(32n)
          .set(at.first[2] + 40n, entry(far, 0xdfn))
          .ask({ access: 'execute' }),
      'cause 1',
    ],
    [
      'the page behind a second stage',
      (w) =>
        w
          .pas(32n)
          .second()
          .set(at.second + 16n, entry(far, 0xdfn)),
      'cause 5',
    ],
    [
      'an MSI page table',
      (w) => w.msi(entry(at.page, 7n), 0n).pas(32n).word(4, pointer(far, 1n)).set(far, 7n),
      'cause 261',
    ],
    ['not within it', (w) => w.pas(40n), OUTPUT],
  ]);
});
