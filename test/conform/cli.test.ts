import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { afterAll, expect, test } from 'vitest';
import { runCli } from '../support/cli.ts';
import { readVectors } from './vectors.ts';

const FOLDER = mkdtempSync(join(tmpdir(), 'iommu-conform-'));
const SHIPPED = fileURLToPath(new URL('../vectors/A_dart.jsonl.gz', import.meta.url));

afterAll(() => rmSync(FOLDER, { recursive: true }));

function write(name: string, bytes: string | Uint8Array): string {
  const path = join(FOLDER, name);
  writeFileSync(path, bytes);
  return path;
}

test('vectors that all pass leave status 0', async () => {
  const { status, stdout } = await runCli('conform', SHIPPED);
  expect({ status, stdout }).toEqual({ status: 0, stdout: expect.stringMatching(/^\d+ passed, 0 failed\n$/) });
});

test('a failed vector is named with its first difference and leaves status 1', async () => {
  const vectors = readVectors('A_dart.jsonl.gz');
  const broken = vectors.map((v, i) => (i === 3 ? { ...v, regs: { ...v.regs, ttbr0: '0x1000' } } : v));
  const text = broken.map((v) => JSON.stringify(v)).join('\n');
  const plain = write('broken.jsonl', text);
  const human = await runCli('conform', plain);
  expect(human.status).toBe(1);
  expect(human.stdout.split('\n')[0]).toBe(`${vectors.length - 1} passed, 1 failed`);
  expect(human.stdout).toContain(`FAILED ${vectors[3]?.id}: regs.ttbr0: expected 0x1000, got 0x80000000\n`);
  const machine = await runCli('conform', write('broken.jsonl.gz', gzipSync(text)), '--json');
  expect(machine.status).toBe(1);
  expect(JSON.parse(machine.stdout)).toMatchObject({
    schema: 'iommu.conform',
    version: 1,
    passed: vectors.length - 1,
    failed: 1,
    skipped: 0,
    failures: [{ id: vectors[3]?.id, op: null, field: 'regs.ttbr0', expected: '0x1000', got: '0x80000000' }],
  });
});

test('vectors of formats that are not supported are counted as skipped', async () => {
  const text = readVectors('A_dart.jsonl.gz')
    .map((v) => JSON.stringify({ ...v, fmt: 'rockchip' }))
    .join('\n');
  const { status, stdout } = await runCli('conform', write('other.jsonl', text));
  expect(status).toBe(0);
  expect(stdout).toMatch(/^0 passed, 0 failed, \d+ skipped\n/);
  expect(stdout).toMatch(/skipped: \d+ of format rockchip, which is not supported\n$/);
});

test('a pack is run by --pack; neither a file nor a pack is a wrong use', async () => {
  const header = '{"pack":"test","version":1,"cases":1,"sources":{"x":{"what":"x","independent":true}}}';
  const image = '{"kind":"image","id":"i","ranges":[],"words":[]}';
  const each =
    '{"kind":"tables","id":"one","source":"x","agree":[],"format":"riscv-sv39","image":"i","roots":["0x80000000"],"granule":4096,"inputBits":39,"outputBits":56,"quirks":[],"access":"any","iova":"0x1000","expect":{"fault":null}}';
  const pack = write('pack.jsonl', [header, image, each].join('\n'));
  expect(await runCli('conform', '--pack', pack)).toMatchObject({ status: 0, stdout: '1 passed, 0 failed\n' });
  const broken = write(
    'broken-pack.jsonl',
    [header, image, each.replace('{"fault":null}', '{"address":"0x42"}')].join('\n'),
  );
  const failed = await runCli('conform', '--pack', broken);
  expect(failed).toMatchObject({ status: 1, stdout: expect.stringContaining('FAILED one: address: expected 0x42') });
  expect((await runCli('conform')).status).toBe(2);
});

test('what cannot be read leaves status 3 and says why', async () => {
  expect(await runCli('conform', join(FOLDER, 'absent'))).toMatchObject({
    status: 3,
    error: expect.stringContaining('no such file or directory'),
  });
  expect(await runCli('conform', write('empty.jsonl', ''))).toMatchObject({ status: 3 });
  expect(await runCli('conform', write('binary', new Uint8Array([0, 255, 7])))).toMatchObject({ status: 3 });
  const cut = gzipSync('{"id":"a"}'.repeat(100)).subarray(0, 40);
  expect(await runCli('conform', write('cut.jsonl.gz', cut))).toMatchObject({ status: 3 });
  const [first] = readVectors('A_dart.jsonl.gz');
  const odd = JSON.stringify({ ...first, ops: [{ op: 'fly' }] });
  const { status, error } = await runCli('conform', write('odd.jsonl', odd));
  expect({ status, error }).toEqual({ status: 3, error: expect.stringContaining('ops[0].op is missing or wrong') });
});

test('no file is wrong usage', async () => {
  expect((await runCli('conform')).status).toBe(2);
});
