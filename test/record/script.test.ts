import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, test } from 'vitest';
import { folderTree } from '../../src/cli/record/tree.ts';
import { machineFacts } from '../../src/record/machine.ts';
import { machineFiles } from '../../src/record/machine-files.ts';
import { recordScript } from '../../src/record/script.ts';
import { shellQuote } from '../../src/report/shell-words.ts';
import { runCli } from '../support/cli.ts';
import { Bench, isHere, MISSING, SHELLS } from './shells.ts';

let bench = new Bench();
beforeEach(() => {
  bench.remove();
  bench = new Bench();
});
afterEach(() => bench.remove());

/** Words that a shell would evaluate, split, or take as options if they were not quoted. */
const HOSTILE: readonly string[] = [
  ...['', ' ', '\t', '*', '?', '[a-z]', '~', '~root', '#no comment', '!', '{a,b}', '%s\n', '\\', '\\\\', "\\'"],
  ...["it's", '"quoted"', "'", "''", '`touch pwned`', '$(touch pwned)', '$\u007bIFS}', '$HOME', '$$', 'a\nb', '\n'],
  ...['touch pwned\n', ';touch pwned', '&& touch pwned', '| touch pwned', '> pwned', '<(touch pwned)', '&', 'REC_END'],
  ...['-n', '--', '-e', '-', 'NAME=value', 'rec_kept=/', 'PATH=/', 'ünïcödé', '日本語', '\u0001\u001b[2J', '𝒳'],
];

/** Prints its words one by one, so that nothing but quoting decides what is printed. */
const PRINTER = 'for (const word of process.argv.slice(1)) console.log(JSON.stringify(word))';

describe.each(SHELLS)('the printed script in %s', (_, shell) => {
  it('runs the command word by word, whatever the words are', () => {
    const before = bench.settings();
    const command = [process.execPath, '-e', PRINTER, '--', ...HOSTILE];
    const run = bench.run(shell, command);
    expect(run.stderr).toBe('');
    expect(run.stdout).toBe(HOSTILE.map((word) => `${JSON.stringify(word)}\n`).join(''));
    expect(run.status).toBe(0);
    expect(bench.settings()).toEqual(before);
    expect(existsSync(join(bench.folder, 'pwned'))).toBe(false);
    expect(JSON.parse(bench.saved('metadata.json')).recorded.command).toEqual(command);
  });

  it('takes assignments and builtins for names of programs, and harms nothing', () => {
    const victim = join(bench.folder, 'victim');
    mkdirSync(victim);
    writeFileSync(join(victim, 'file'), 'precious');
    const before = bench.settings();
    for (const command of [
      [`KEPT=${victim}`],
      ['rec_tracefs=/nonexistent'],
      ['exec', 'true'],
      ['trap', '-', 'EXIT'],
      ['rec_exit', '9'],
      ['-x'],
    ]) {
      bench.fill();
      const run = bench.run(shell, command);
      expect([command, run.status]).toEqual([command, 127]);
      expect(bench.settings()).toEqual(before);
    }
    expect(readFileSync(join(victim, 'file'), 'utf8')).toBe('precious');
  });

  it('gives the command its input, its environment and its status', () => {
    expect(bench.run(shell, ['cat'], 'one\ntwo').stdout).toBe('one\ntwo');
    const environment = { ...process.env, O: 'mine', T: 'mine', LIST: 'mine' };
    const [program = '', ...args] = shell;
    const script = bench.script(['sh', '-c', 'echo "$O$T$LIST"; env | grep -c "^rec_"; exit 7']);
    const run = spawnSync(program, [...args, script], { encoding: 'utf8', env: environment });
    expect(run).toMatchObject({ stdout: 'mineminemine\n0\n', status: 7 });
    expect(bench.run(shell, ['sh', '-c', 'kill -KILL $$']).status).toBe(137);
  });

  it('evaluates nothing of the paths that it was given', () => {
    for (const name of ["it's $(touch pwned)`touch pwned`;x}y", '-n *\nü"z']) {
      const odd = new Bench(name);
      const before = odd.settings();
      expect(odd.run(shell, ['true'])).toMatchObject({ status: 0, stderr: '' });
      expect(odd.settings()).toEqual(before);
      expect(readdirSync(odd.folder).sort()).toEqual([name, 'out', 'record.sh'].sort());
      odd.remove();
    }
  });

  it('takes relative paths that begin with a dash', () => {
    const options = { graph: false, bufferKb: 4096, force: false };
    const places = { folder: '-o', tracefs: 'tracing', sysroot: bench.sysroot };
    const path = join(bench.folder, 'relative.sh');
    writeFileSync(path, recordScript(['true'], places, options));
    const [program = '', ...args] = shell;
    const run = spawnSync(program, [...args, path], { encoding: 'utf8', cwd: bench.folder });
    expect(run).toMatchObject({ status: 0, stderr: '' });
    expect(existsSync(join(bench.folder, '-o', 'metadata.json'))).toBe(true);
  });

  it('refuses what the kernel refuses, and puts back what was set before', () => {
    const before = bench.settings();
    spawnSync('rm', ['-r', join(bench.tracefs, 'buffer_size_kb')]);
    mkdirSync(join(bench.tracefs, 'buffer_size_kb'));
    const run = bench.run(shell, ['true']);
    expect(run.status).toBe(3);
    expect(run.stderr).toContain('record: ');
    const { buffer_size_kb: _, ...rest } = before;
    expect(bench.settings()).toEqual(rest);
  });

  it('refuses where there is no tracefs, and where tracing is in use', () => {
    writeFileSync(join(bench.tracefs, 'current_tracer'), 'function\n');
    expect(bench.run(shell, ['true'])).toMatchObject({ status: 3, stderr: expect.stringContaining('in use') });
    spawnSync('rm', [join(bench.tracefs, 'tracing_on')]);
    expect(bench.run(shell, ['true'])).toMatchObject({ status: 3, stderr: expect.stringContaining('no tracefs') });
    expect(existsSync(bench.out)).toBe(false);
  });

  it('saves the files and the metadata that the verb itself saves', () => {
    const pci = join(bench.sysroot, 'sys/bus/pci/devices/0000:00:01.0');
    mkdirSync(pci, { recursive: true });
    for (const [name, text] of Object.entries({ vendor: '0x1b36\n', device: '0x0010\n', class: '0x010802\n' })) {
      writeFileSync(join(pci, name), text);
    }
    const iomem = '00000000-7fffffff : System RAM\n  00100000-00ffffff : Kernel "code" \\ data\n';
    writeFileSync(join(bench.sysroot, 'proc/iomem'), iomem);
    writeFileSync(join(bench.tracefs, 'trace'), '# tracer: nop\n#\n');
    const run = bench.run(shell, ['true']);
    expect(run).toMatchObject({ status: 0, stderr: '' });
    const tree = folderTree(bench.sysroot);
    for (const [name, text] of machineFiles(tree)) expect(bench.saved(name)).toBe(text);
    expect(bench.saved('event_formats.txt')).toContain('name: unmap');
    const metadata = JSON.parse(bench.saved('metadata.json'));
    const { machineEvidence, iommu, pageSize, ...facts } = machineFacts(tree);
    expect(metadata).toMatchObject({ schema: 'iommu.metadata', version: 1, ...facts });
    expect(metadata.iommu).toEqual({ ...iommu });
    expect(pageSize).toBe(4096);
    expect(machineEvidence).toContain('DMI');
    expect(metadata).toMatchObject({
      recorded: { command: ['true'], status: 0, trace: 'trace.txt' },
      tracing: {
        events: ['iommu:map', 'iommu:unmap', 'dma:dma_map_sg'],
        clock: 'global',
        bufferKb: 4096,
      },
      clock: { trace: 'global', logOffsetNs: 0 },
      losses: { overrun: 3, dropped: 1 },
    });
  });

  it('records a function graph of functions that this kernel has', () => {
    const [program = '', ...args] = shell;
    const before = bench.settings();
    const look = `cat ${shellQuote(join(bench.tracefs, 'set_ftrace_filter'))}`;
    const run = spawnSync(program, [...args, bench.script(['sh', '-c', look], true)], { encoding: 'utf8' });
    expect(run.stderr).toBe('');
    expect(run.stdout.split('\n')).toContain('arm_smmu_map_pages');
    expect(existsSync(join(bench.out, 'trace_fgraph.txt'))).toBe(true);
    expect(bench.saved('fgraph_functions.txt').split('\n')).toContain('iommu_dma_map_sg');
    expect(bench.settings()).toEqual(before);
  });
});

for (const name of MISSING) test.skip(`the printed script in ${name}, which is missing here`);

test.skipIf(!isHere(['shellcheck']))(
  'shellcheck finds nothing in the printed script (skipped where it is missing)',
  () => {
    for (const [command, graph] of [
      [['true'], false],
      [["it's", '$(x)', '-n', ''], true],
      [[], false],
    ] as const) {
      const run = spawnSync(
        'shellcheck',
        ['-s', 'sh', '-o', 'all', '-e', 'SC2250,SC2310,SC2311,SC2312', bench.script(command, graph)],
        { encoding: 'utf8' },
      );
      expect(run.stdout).toBe('');
      expect(run.status).toBe(0);
    }
  },
);

test('words are quoted for the shell', () => {
  for (const word of HOSTILE) {
    expect(spawnSync('sh', ['-c', `printf %s ${shellQuote(word)}`], { encoding: 'utf8' }).stdout).toBe(word);
  }
});

test('the program prints the script byte for byte, control characters of its words too', async () => {
  const words = HOSTILE.filter((word) => word !== '');
  const run = await runCli('record', '--print', '--tracefs', "/x '$(x)", '-o', 'out', '--', 'printf', ...words);
  const places = { folder: 'out', tracefs: "/x '$(x)", sysroot: '/' };
  expect(run.stdout).toBe(recordScript(['printf', ...words], places, { graph: false, bufferKb: 16384, force: false }));
});
