import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { Ajv } from 'ajv';
import { describe, expect, test } from 'vitest';
import { parseCases } from '../../src/conform/cases.ts';
import { FORMATS } from '../../src/formats/index.ts';

const ROOT = new URL('../../', import.meta.url);
const LINES = gunzipSync(readFileSync(new URL('data/conformance.jsonl.gz', ROOT)))
  .toString('utf8')
  .trim()
  .split('\n');

interface Line {
  readonly kind: string;
  readonly id: string;
  readonly source: string;
  readonly iommu?: string;
  readonly format?: string;
  readonly image?: string;
  readonly bug?: string;
  readonly expect?: {
    readonly address?: string;
    readonly fault?: string | null;
    readonly record?: Readonly<Record<string, string>>;
  };
}

interface Header {
  readonly cases: number;
  readonly sources: Readonly<Record<string, { readonly independent: boolean }>>;
}

const [header, ...rest] = LINES.map((line) => JSON.parse(line) as unknown) as [Header, ...Line[]];
const cases = rest.filter(({ kind }) => kind !== 'image');

/** The lines of every nth case and of those that name a mistake, with their images. */
function excerpt(nth: number): string[] {
  const chosen = new Set(cases.filter(({ bug }, i) => i % nth === 0 || bug !== undefined));
  const images = new Set([...chosen].map(({ image }) => image));
  const kept = rest.flatMap((line, i) =>
    chosen.has(line) || (line.kind === 'image' && images.has(line.id)) ? [LINES[i + 1] ?? ''] : [],
  );
  return [LINES[0] ?? '', ...kept];
}

function failuresOf(lines: readonly string[]): unknown[] {
  const results = parseCases('pack', lines.join('\n')).map((each) => each.run());
  return results.filter((result) => result !== 'passed' && !('refused' in result));
}

describe('the pack that is shipped', () => {
  test('its cases pass, those that name a mistake among them', () => {
    expect(failuresOf(excerpt(40))).toEqual([]);
  });

  test('its lines are as the schema says', () => {
    const schema = JSON.parse(readFileSync(new URL('schemas/iommu.pack.schema.json', ROOT), 'utf8')) as object;
    const validate = new Ajv({ strict: false }).compile(schema);
    const wrong = excerpt(150).filter((line) => !validate(JSON.parse(line)));
    expect(wrong.map((line) => line.slice(0, 200))).toEqual([]);
    expect(validate({ kind: 'unit', id: 'x', source: 'qemu', agree: [] })).toBe(false);
  });

  test('its header counts its cases and knows their sources; ids are unique', () => {
    expect(cases.length).toBe(header.cases);
    expect(cases.length).toBeGreaterThan(3000);
    expect(new Set(cases.map(({ id }) => id)).size).toBe(cases.length);
    expect(cases.filter(({ source }) => !Object.hasOwn(header.sources, source))).toEqual([]);
    const own = cases.filter(({ source }) => header.sources[source]?.independent !== true);
    expect(own.length).toBeLessThan(cases.length / 100);
  });

  test('it has every format, and every kind of unit that an emulator or a model judged', () => {
    const formats = new Set(cases.map(({ format }) => format));
    expect(FORMATS.filter(({ id }) => !formats.has(id)).map(({ id }) => id)).toEqual([]);
    const units = new Set(cases.map(({ iommu }) => iommu));
    for (const iommu of ['arm-smmu', 'arm-smmu-v3', 'intel-vtd', 'amd-vi', 'riscv-iommu'])
      expect(units).toContain(iommu);
  });

  test.each([
    ['SMMUv3 stage 2', /^smmuv3-stage-2-/],
    ['SMMUv3 stage 1 behind stage 2', /^smmuv3-nested-/],
    ['VT-d first stage', /^vt-d-scalable-mode-first-stage-/],
    ['RISC-V second stage', /^risc-v-second-stage-/],
    ['RISC-V two stages', /^risc-v-nested-/],
    ['SMMUv2 AArch64 stage 1', /^smmu-v2 .*arm_64_lpae_s1|^smmu-v2 A-s1/],
    ['SMMUv2 AArch64 stage 2', /^smmu-v2 .*arm_64_lpae_s2|^smmu-v2 A-s2/],
    ['SMMUv2 short descriptors', /^smmu-v2 .*v7s/],
    ['substreams of an SMMUv3', /^smmu-v3 substreams/],
    ['PASIDs of VT-d', /^vt-d pasids/],
  ])('it has accesses that reach an address and accesses that fault: %s', (_, name) => {
    const found = cases.filter(({ kind, id }) => kind === 'unit' && name.test(id));
    expect(found.filter(({ expect: wanted }) => wanted?.address !== undefined).length).toBeGreaterThan(5);
    expect(found.filter(({ expect: wanted }) => wanted?.fault !== undefined).length).toBeGreaterThan(5);
  });

  test('records of faults are compared field by field', () => {
    const recorded = cases.filter(({ expect: wanted }) => wanted?.record !== undefined);
    expect(recorded.length).toBeGreaterThan(1000);
    const [each] = recorded;
    const image = LINES[rest.findIndex(({ kind, id }) => kind === 'image' && id === each?.image) + 1] ?? '';
    const [field = ''] = Object.keys(each?.expect?.record ?? {});
    const record = { ...each?.expect?.record, [field]: '0x1234567' };
    const broken = { ...each, expect: { ...each?.expect, record } };
    expect(failuresOf([LINES[0] ?? '', image, JSON.stringify(broken)])).toMatchObject([{ id: each?.id, field }]);
  });

  test('it names thirteen mistakes of page-table code', () => {
    expect(new Set(cases.flatMap(({ bug }) => bug ?? [])).size).toBe(12 + 1);
  });
});

describe('a pack that is changed', () => {
  const unit = cases.find(({ kind, expect: wanted }) => kind === 'unit' && wanted?.address !== undefined);
  const image = LINES[rest.findIndex(({ kind, id }) => kind === 'image' && id === unit?.image) + 1] ?? '';
  const first = LINES[0] ?? '';

  test('a case with another answer fails by its name', () => {
    const broken = { ...unit, expect: { address: '0x42' } };
    const failures = failuresOf([first, image, JSON.stringify(broken)]);
    expect(failures).toEqual([
      { id: unit?.id, op: null, field: 'address', expected: '0x42', got: unit?.expect?.address },
    ]);
  });

  test('a call whose tables hold another word fails by its name and that word', () => {
    const at = rest.findIndex(({ kind, id }) => kind === 'image' && id.startsWith('A-s1'));
    const changed = JSON.parse(LINES[at + 1] ?? '') as { words: [string, string, ...unknown[]][] };
    changed.words = changed.words.map(([address, , ...more], i) =>
      i === 0 ? [address, '0x7', ...more] : [address, changed.words[i]?.[1] ?? '', ...more],
    );
    const [failure] = failuresOf([first, JSON.stringify(changed), LINES[at + 2] ?? '']);
    expect(failure).toMatchObject({ id: rest[at]?.id, field: 'word 0x80000000', expected: '0x7' });
  });

  test.each([
    [
      'an image that is not above',
      (): string[] => [first, JSON.stringify(unit)],
      /got image '.*', which is not above this line/,
    ],
    [
      'a source that nobody knows',
      (): string[] => [first, image, JSON.stringify({ ...unit, source: 'x' })],
      /source 'x'/,
    ],
    [
      'a kind that nobody knows',
      (): string[] => [first, '{"kind":"x"}'],
      /line 2: expected .*, got a kind other than image/,
    ],
    [
      'another version',
      (): string[] => [first.replace('"version":1', '"version":2'), image],
      /got version 2 instead of 1/,
    ],
    ['no case', (): string[] => [first, image], /expected cases below the header, got none/],
  ])('%s is refused', (_, lines, message) => {
    expect(() => parseCases('pack', lines().join('\n'))).toThrow(message);
  });
});
