import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { judgeQueue } from '../../src/device/checker/queue-judge.ts';
import { StreamJudge } from '../../src/device/checker/stream.ts';
import { captures, readCapture } from '../hardware/captures.ts';
import { runCli } from '../support/cli.ts';
import { Ram } from './memory.ts';

const UNIT = { unit: 'arm-smmu-v3', registers: { IDR3: '0x404' } };
const PAGE = { domain: 0, space: 5, iova: '0x1000', bytes: 4096 };
const CLEARED = { event: 'change', ...PAGE, before: 'leaf', after: 'invalid', level: 3, granule: 4096 };
const ASK = { event: 'command', words: ['0x0005000000000012', '0x1001'] };
const SYNC = { event: 'command', words: ['0x46', 0] };
const DONE = { event: 'done', ...PAGE };

function judged(...lines: object[]): string[] {
  const judge = new StreamJudge('commands.jsonl');
  for (const line of lines) judge.line(JSON.stringify(line));
  return judge.finish().findings.map(({ rule }) => rule);
}

describe('a recorded stream of commands', () => {
  it.each([
    ['clean', [CLEARED, ASK, SYNC, DONE], []],
    ['no command', [CLEARED, DONE], ['missing']],
    ['no completion', [CLEARED, ASK, DONE], ['not-completed']],
    ['a completion too late', [CLEARED, ASK, DONE, SYNC], ['late']],
    [
      'one page of a block',
      [
        { ...CLEARED, iova: 0, bytes: 0x20_0000, level: 2, entry: 0x20_0000 },
        ASK,
        SYNC,
        { ...DONE, iova: 0, bytes: 0x20_0000 },
      ],
      [],
    ],
    [
      'one page of sixteen',
      [{ ...CLEARED, bytes: 0x1_0000, entry: 0x1000 }, ASK, SYNC, { ...DONE, bytes: 0x1_0000 }],
      ['too-narrow'],
    ],
    ['the command first', [ASK, CLEARED, SYNC, DONE], ['needless', 'wrong-order']],
    ['nothing was reported as done, and the stream ends', [CLEARED], ['missing']],
    [
      'a freed table',
      [{ ...CLEARED, before: 'table', table: '0x9000' }, { event: 'freed', table: '0x9000' }, ASK, SYNC],
      ['missing'],
    ],
    ['rights raised', [{ ...CLEARED, after: 'leaf', raised: true }, DONE], ['missing']],
    [
      'a device that keeps translations',
      [{ event: 'device', stream: 3, domain: 0, space: 5 }, CLEARED, ASK, SYNC, DONE],
      ['missing'],
    ],
    [
      'a stale access',
      [CLEARED, { event: 'access', ...PAGE, from: 'tlb', output: '0x9000' }, ASK, SYNC, DONE],
      ['stale-use'],
    ],
    [
      'a configuration',
      [
        { event: 'config', stream: 3, wasValid: false },
        { event: 'config-done', stream: 3 },
      ],
      ['missing'],
    ],
    [
      'a tag',
      [
        { event: 'config', stream: 3, wasValid: false, after: { domain: 0, space: 5, root: '0x1000' } },
        { event: 'config', stream: 4, wasValid: false, after: { domain: 0, space: 5, root: '0x2000' } },
        { event: 'command', words: [4, 31] },
        SYNC,
      ],
      ['tag-reuse'],
    ],
  ])('%s', (_name, lines, rules) => {
    expect(judged(UNIT, ...lines)).toEqual(rules);
  });

  it.each([
    ['{"event":"done"}', 'unit: expected text'],
    ['[1]', 'expected a JSON object'],
    ['{"unit":', 'expected a JSON object'],
    ['{"unit":"sparc"}', 'unit: expected arm-smmu-v3'],
    ['{"unit":"amd-vi","registers":{"NP_CACHE":"x"}}', 'NP_CACHE: expected a whole number'],
    ['{"unit":"amd-vi","registers":{"NP_CACHE":-1}}', 'NP_CACHE: expected a whole number'],
    ['{"unit":"amd-vi","registers":[1]}', 'registers: expected an object'],
  ])('refuses as its first line %s', (line, message) => {
    expect(() => new StreamJudge('s').line(line)).toThrow(message);
  });

  it.each([
    [{ ...CLEARED, bytes: 1 }, 'bytes: expected whole pages'],
    [{ ...CLEARED, before: 'page' }, 'before: expected invalid, leaf, table'],
    [{ ...CLEARED, domain: undefined }, 'domain: expected a whole number'],
    [{ ...CLEARED, stage: 3 }, 'stage: expected 1 or 2'],
    [{ event: 'command', words: [] }, 'words: expected quadwords'],
    [{ event: 'command', words: ['y'] }, 'words[0]: expected a whole number'],
    [{ event: 'command', words: [-1, 0] }, 'words[0]: expected a whole number'],
    [{ ...CLEARED, domain: -1 }, 'domain: expected a whole number'],
    [{ ...CLEARED, iova: '0xfffffffffffff000', bytes: 8192 }, 'bytes: expected an end up to 2^64'],
    [{ event: 'config', stream: 1, before: [1] }, 'before: expected an object'],
    [{ event: 'access', ...PAGE, from: 'air', output: 0 }, 'from: expected tlb'],
  ])('refuses %o with its line', (line, message) => {
    expect(() => judged(UNIT, line)).toThrow(message);
    expect(() => judged(UNIT, line)).toThrow('line 2');
  });

  it('counts events that it does not know, and needs a unit', () => {
    const judge = new StreamJudge('s');
    expect(() => judge.finish()).toThrow('NO_EVENTS');
    judge.line(JSON.stringify(UNIT));
    judge.line('{"event":"constructor"}');
    judge.line('');
    expect([...judge.finish().unknown]).toEqual([['constructor', 1]]);
  });
});

describe('a queue in a dump', () => {
  it.each(captures('arm64-smmuv3', 'x86-vtd', 'x86-amdvi', 'riscv64'))('%s: nothing found', (name) => {
    const { reader, registers } = readCapture(name);
    const report = judgeQueue(reader, registers.iommu, registers.named);
    expect([report?.findings, report?.pending, report?.queue.waiting]).toEqual([[], 0, 0]);
  });

  it('names what is illegal, repeated, not complete, and out of order', () => {
    const ram = new Ram();
    const queue = ram.page();
    const commands = [
      [0xffn, 0n],
      [0x0005000000000012n, 0x1001n],
      [0x0005000000000012n, 0x1001n],
      [(3n << 32n) | 0x40n, 0x1000n],
      [0x46n, 0n],
      [0x0005000000000012n, 0x1001n],
      [0x46n, 0n],
    ];
    for (const [i, words] of commands.entries()) ram.put(queue + 16 * i, ...words);
    const registers = new Map([
      ['CMDQ_BASE', BigInt(queue) | 4n],
      ['CMDQ_PROD', 7n],
      ['CMDQ_CONS', 6n],
    ]);
    const report = judgeQueue(ram, 'arm-smmu-v3', registers);
    expect(report?.findings.map(({ rule, severity }) => [rule, severity])).toEqual([
      ['unpredictable', 'error'],
      ['needless', 'cost'],
      ['wrong-order', 'error'],
      ['not-completed', 'warning'],
    ]);
    expect([report?.pending, report?.queue.waiting, report?.contents.empty]).toEqual([1, 1, 9]);
  });

  it('there is none without its base', () => {
    expect(judgeQueue(new Ram(), 'arm-smmu-v3', new Map())).toBeUndefined();
    expect(judgeQueue(new Ram(), 'arm-smmu', new Map([['CMDQ_BASE', 4n]]))).toBeUndefined();
  });
});

describe('iommu check --invalidations', () => {
  const capture = (file: string): string => new URL(`../captures/x86-amdvi-612-vfio/${file}`, import.meta.url).pathname;
  const written = (...lines: object[]): string => {
    const path = join(mkdtempSync(join(tmpdir(), 'iommu-commands-')), 'commands.jsonl');
    writeFileSync(path, lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
    return path;
  };

  it('says first what the queue of a dump holds', async () => {
    const files = [capture('tables-vfio-after.jsonl.gz'), '--regs', capture('regs-vfio-after.json')];
    const { status, stdout } = await runCli('check', '--invalidations', ...files, '--json');
    const answer = JSON.parse(stdout);
    expect([status, answer.schema]).toEqual([0, 'iommu.check.invalidations']);
    expect(answer.verdict).toBe(
      'The amd-vi queue holds 414 commands, none waits: all are legal. Whether one is missing cannot be told from a queue.',
    );
    expect(answer.commands.COMPLETION_WAIT).toBe(196);
    expect(answer.notes[0]).toContain('cannot be told from it');
  });

  it('judges a stream of commands, with status 1 for an error', async () => {
    const bad = await runCli('check', '--invalidations', written(UNIT, CLEARED, DONE));
    expect(bad.status).toBe(1);
    expect(bad.stdout).toMatch(/^0 commands of arm-smmu-v3 for 1 change: 1 error; first: missing, leaf at 0x1000/);
    const good = await runCli('check', '--invalidations', written(UNIT, CLEARED, ASK, SYNC, DONE));
    expect([good.status, good.stdout.split('\n')[0]]).toEqual([
      0,
      '2 commands of arm-smmu-v3 for 1 change: nothing found.',
    ]);
  });

  it('a dump without registers is refused', async () => {
    const { status, error } = await runCli('check', '--invalidations', capture('tables-vfio-after.jsonl.gz'));
    expect(error).toContain('--regs');
    expect(status).not.toBe(0);
  });
});
