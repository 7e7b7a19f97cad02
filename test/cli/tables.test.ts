import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { runCli } from '../support/cli.ts';

const CAPTURE = new URL('../captures/arm64-smmuv3-612-vfio/', import.meta.url).pathname;
const MAPPED = [`${CAPTURE}tables-vfio-mapped.jsonl.gz`, '--regs', `${CAPTURE}regs-vfio-mapped.json`];
const AFTER = [`${CAPTURE}tables-vfio-after.jsonl.gz`, '--regs', `${CAPTURE}regs-vfio-after.json`];

/** Six domains of a guest, of which one maps 4 GiB and up. */
const EXAMPLE = fileURLToPath(new URL('../../data/example', import.meta.url));

describe('decode', () => {
  it('answers in JSON with schema, domains and geometry', async () => {
    const { status, stdout } = await runCli('decode', ...MAPPED, '--json');
    const answer = JSON.parse(stdout);
    expect(status).toBe(0);
    expect(answer).toMatchObject({ schema: 'iommu.decode', version: 1, iommu: 'arm-smmu-v3', unknown: [] });
    expect(answer.domains.map((domain: { streams: number[] }) => domain.streams)).toEqual([[8], [16], [24], [48]]);
    expect(answer.domains[3].geometry).toEqual({
      format: 'arm-64-lpae-s1',
      granule: 4096,
      ias: 48,
      oas: 44,
      from: 'from dump',
    });
    expect(answer.domains[3].leaves).toBeUndefined();
  });

  it('gives each leaf with --raw, as lines too', async () => {
    const answer = JSON.parse((await runCli('decode', ...MAPPED, '--raw', '--json')).stdout);
    expect(answer.domains[0].leaves[0]).toEqual({
      iova: '0xfffc0000',
      pa: '0x4714d000',
      size: '0x1000',
      level: 3,
      entry: '0x4714df47',
    });
    const { stdout } = await runCli('decode', ...MAPPED, '--raw', '--output', 'ndjson');
    expect(stdout.trim().split('\n')).toHaveLength(1109);
  });

  it('takes a root and its geometry instead of registers, and says so', async () => {
    const { stdout } = await runCli(
      'decode',
      `${CAPTURE}tables-vfio-mapped.jsonl.gz`,
      '--root',
      '0x4705d000',
      '--format',
      'arm_64_lpae_s1',
      '--granule',
      '4k',
      '--ias',
      '48',
      '--oas',
      '44',
    );
    expect(stdout).toContain('(given)');
    expect(stdout).toContain('0x0000fffc0000');
    const guessed = await runCli('decode', `${CAPTURE}tables-vfio-mapped.jsonl.gz`, '--root', '0x4705d000');
    expect(guessed.stdout).toContain('(guessed)');
  });

  it('refuses what it cannot use: exit 2 and 3', async () => {
    expect((await runCli('decode', MAPPED[0] ?? '')).status).toBe(3);
    expect((await runCli('decode', MAPPED[0] ?? '', '--root', '0x1000', '--format', 'nonsense')).status).toBe(2);
    expect((await runCli('decode', '/nowhere')).status).toBe(3);
  });

  it('refuses a geometry without a root, which registers would overrule unsaid: exit 2', async () => {
    for (const [option, value] of Object.entries({
      format: 'vtd-ss',
      granule: '64K',
      ias: '39',
      oas: '40',
      quirk: 'x',
    })) {
      const { status, error } = await runCli('decode', ...MAPPED, `--${option}`, value);
      expect([status, error]).toEqual([2, expect.stringContaining(`--${option}: expected --root beside it`)]);
    }
  });
});

describe('walk', () => {
  it('ends at a page: exit 0', async () => {
    const { status, stdout } = await runCli(
      'walk',
      ...[MAPPED[0] ?? '', '0x100002123'],
      ...MAPPED.slice(1),
      '--stream',
      '48',
      '--json',
    );
    expect(status).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ schema: 'iommu.walk', iova: '0x100002123', pa: '0x421e9123' });
  });

  it('ends at a fault: exit 1, with its reason', async () => {
    const { status, stdout } = await runCli('walk', ...[MAPPED[0] ?? '', '0x100001000'], ...MAPPED.slice(1));
    expect(status).toBe(1);
    expect(stdout).toContain('never-mapped');
    expect(stdout).toContain('F_TRANSLATION');
  });

  it('says in how many domains an address was looked up, unless one device is named', async () => {
    const walk = async (iova: string, ...rest: string[]): Promise<{ verdict: string; walks?: object[] }> =>
      JSON.parse((await runCli('walk', EXAMPLE, iova, '--json', ...rest)).stdout);
    const all = await walk('0x100000000');
    expect(all.verdict).toMatch(
      /^0000:00:06\.0: 0x100000000 leads to .* looked up in 6 domains: of the others, 5 do not translate it; --stream names/,
    );
    expect(all.walks).toHaveLength(6);
    expect((await walk('0x300000000')).verdict).toContain('does not translate in any of 6 domains');
    expect((await walk('0xfee00000')).verdict).toContain('6 domains');
    expect((await walk('0x100000000', '--stream', '00:06.0')).verdict).not.toContain('domains');
  });
});

describe('diff', () => {
  it('lists what changed: exit 1; equal dumps: exit 0', async () => {
    const regs = ['--regs-a', MAPPED[2] ?? '', '--regs-b', AFTER[2] ?? ''];
    const { status, stdout } = await runCli('diff', MAPPED[0] ?? '', AFTER[0] ?? '', ...regs, '--json');
    expect(status).toBe(1);
    const answer = JSON.parse(stdout);
    expect(answer.removed[0]).toMatchObject({ iova: '0x100002000', bytes: '0x1000' });
    expect(answer.changed[0]).toMatchObject({ iova: '0x180000000', before: { pa: '0x80000000' } });
    const same = await runCli(
      'diff',
      AFTER[0] ?? '',
      AFTER[0] ?? '',
      '--regs-a',
      AFTER[2] ?? '',
      '--regs-b',
      AFTER[2] ?? '',
    );
    expect(same.status).toBe(0);
    expect(same.stdout).toContain('No difference');
  });
});

describe('check', () => {
  it('a healthy capture passes, with --strict too; infos do not fail it', async () => {
    const { status, stdout } = await runCli('check', ...MAPPED, '--json', '--strict');
    expect(status).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ schema: 'iommu.check', version: 1, counts: { error: 0, warning: 0 } });
  });

  it('a warning fails only --strict', async () => {
    const reserve = ['--reserve', '0x100000000+4K'];
    expect((await runCli('check', ...MAPPED, ...reserve)).status).toBe(0);
    const { status, stdout } = await runCli('check', ...MAPPED, ...reserve, '--strict');
    expect(status).toBe(1);
    expect(stdout).toContain('reserved-window');
  });

  it('lists its rules without a dump', async () => {
    const { status, stdout } = await runCli('check', '--rules', '--json');
    expect(status).toBe(0);
    expect(JSON.parse(stdout).rules.length).toBeGreaterThan(20);
    expect((await runCli('check')).status).toBe(2);
  });
});
