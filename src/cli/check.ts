/**
 * `iommu check`: what is wrong with a dump's tables and registers.
 * @module
 */
import type { Command } from 'commander';
import { hex, parseAddress, parseSize } from '../address.ts';
import { type CheckReport, checkDecoding, checkJson, RULES, rulesJson } from '../dump/check/check.ts';
import type { Finding, ReservedWindow } from '../dump/check/types.ts';
import { decodeDump, decodeGiven } from '../dump/decode.ts';
import type { Table } from '../report/index.ts';
import { addDumpOptions, type DumpOptions, openDumpFile } from './dump-file.ts';
import { EXIT, UsageError } from './exit.ts';
import { addOutputOptions, colors, emit, type Output, type OutputFormat, outputOf } from './output.ts';
import { addGeometryOptions, type GeometryOptions, geometryLine, sizeText, tablesOf } from './tables.ts';

interface Flags extends DumpOptions, GeometryOptions {
  readonly strict?: boolean;
  readonly rules?: boolean;
  readonly reserve?: string[];
}

const EXAMPLES = `Examples:
  iommu check tables.jsonl.gz --regs regs.json
  iommu check tables.jsonl.gz --regs regs.json --strict --reserve 0x8000000+1M
  iommu check --rules
`;

const FORMATS: readonly OutputFormat[] = ['table', 'json', 'ndjson', 'csv', 'markdown'];

/** `0x8000000+1M` as a window of input addresses. */
function parseWindow(text: string): ReservedWindow {
  const [start, bytes] = text.split('+');
  if (start === undefined || bytes === undefined) {
    throw new UsageError(`--reserve: '${text}' is no window; write start+size, such as 0x8000000+1M`);
  }
  return { name: `the window ${text}`, of: 'input', start: Number(parseAddress(start)), bytes: parseSize(bytes) };
}

function rulesTable(): Table {
  return {
    columns: ['rule', 'severity', 'what it demands', 'source'].map((title) => ({ title })),
    rows: RULES.map(({ id, severity, text, source }) => [id, severity, text, source]),
  };
}

function severityText(output: Output, { severity }: Finding): string {
  const paint = colors(output);
  if (severity === 'error') return paint.red(severity);
  return severity === 'warning' ? paint.yellow(severity) : severity;
}

function findingTable(output: Output, report: CheckReport, notes: readonly string[]): Table {
  const { error, warning, info } = report.counts;
  return {
    columns: [
      { title: 'severity' },
      { title: 'rule' },
      { title: 'domain' },
      { title: 'iova' },
      { title: 'bytes', align: 'right' },
      { title: 'meaning' },
      { title: 'source' },
    ],
    rows: report.findings.map((finding) => [
      severityText(output, finding),
      finding.rule,
      finding.domain ?? null,
      finding.iova === undefined ? null : hex(finding.iova, 12),
      sizeText(finding.bytes, output),
      finding.meaning,
      finding.source,
    ]),
    notes: [`${error} errors, ${warning} warnings, ${info} infos`, ...notes],
  };
}

async function check(path: string, flags: Flags): Promise<{ report: CheckReport; geometry: string[] }> {
  const dump = await openDumpFile(path, flags);
  const given = tablesOf(dump, flags);
  const decoding = given === undefined ? decodeDump(dump) : decodeGiven(dump, given.tables, given.from);
  const report = checkDecoding(dump.reader, decoding, {
    ram: dump.registers?.ram ?? [],
    mmioBase: dump.registers?.mmioBase,
    windows: (flags.reserve ?? []).map(parseWindow),
  });
  return { report, geometry: [...new Set(decoding.domains.map(geometryLine))] };
}

/** Adds `iommu check`. */
export function addCheck(program: Command): void {
  const verb = program
    .command('check')
    .description('Check the tables and registers in a dump against the architecture and common sense.')
    .argument('[dump]', 'snapshot, sparse pages, raw image, ELF core, kdump, debugfs text')
    .option('--strict', 'warnings fail the check too')
    .option('--rules', 'list the rules')
    .option('--reserve <window...>', 'input addresses that nothing may map, as start+size')
    .addHelpText('before', EXAMPLES);
  addOutputOptions(addGeometryOptions(addDumpOptions(verb)), FORMATS).action(async (path, options) => {
    const output = outputOf(options, FORMATS);
    if (options.rules === true) {
      emit(output, { json: rulesJson, rows: () => RULES, csv: rulesTable, table: () => [rulesTable()] });
      return;
    }
    if (path === undefined) throw new UsageError('check: no dump given');
    const { report, geometry } = await check(path, options);
    const { error, warning } = report.counts;
    emit(output, {
      json: () => checkJson(report),
      csv: () => findingTable({ ...output, color: false, bytes: true }, report, []),
      table: () => [findingTable(output, report, geometry)],
    });
    if (error > 0 || (options.strict === true && warning > 0)) process.exitCode = EXIT.findings;
  });
}
