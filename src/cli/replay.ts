/**
 * `iommu replay`: what a system mapped, and what other paths, formats and granules make of it.
 * @module
 */
import type { Command } from 'commander';
import { readProfile } from '../cost/profile.ts';
import { Replay } from '../replay/replay.ts';
import type { RowSpec } from '../replay/row.ts';
import type { Block, Report } from '../report/html.ts';
import type { Table } from '../report/table.ts';
import { chartToText } from '../report/text.ts';
import { tableToText } from '../report/text-table.ts';
import { createNames } from '../trace/events.ts';
import { missingFor } from '../trace/needs.ts';
import { UsageError } from './exit.ts';
import { readFile } from './io.ts';
import { addOutputOptions, emit, note, type Output, outputOf, pieceSink, writeFile } from './output.ts';
import { pageOf } from './page.ts';
import {
  assumptionsOf,
  bestReason,
  leavesTable,
  predictionTable,
  type ReplayAnswer,
  replayJson,
  rowsTable,
  sortedRows,
  specTitle,
  traceTable,
} from './replay/answer.ts';
import { allCharts, layersChart, liveChart, predictedLayersChart } from './replay/pictures.ts';
import { driverFor, type SpecOptions, specsOf } from './replay/spec.ts';
import { disagreementTables, partyTables, quantilesTable, skippedTables } from './replay/tables.ts';
import { ReplayTimeline } from './replay/timeline.ts';
import { readTraceFiles } from './trace-files.ts';

const EXAMPLES = `Examples:
  iommu replay trace.txt                                    what was mapped, by four paths
  iommu replay trace_boot.txt trace.txt.gz --until "pause"  several files are one trace, up to a mark
  iommu replay trace.txt --path all --dispatch all          every path and dispatch
  iommu replay trace.txt --granule all --iova packed        what another granule would need
  iommu replay trace.txt --report out.html                  a report with pictures
  iommu replay trace.dat --path one-walk -o out.perfetto-trace   a timeline for the Perfetto viewer
`;

const FORMATS = ['table', 'json', 'csv', 'markdown', 'perfetto'] as const;

interface ReplayFlags extends SpecOptions {
  readonly until?: string;
  readonly ranges?: boolean;
  readonly report?: string;
  readonly profile?: string;
}

function textOf(answer: ReplayAnswer, width: number, terminal: boolean): string {
  const { replay, stats } = answer;
  const text = (table: Table): string => tableToText(table, terminal);
  const parts = [text(traceTable(answer))];
  if (replay.pairing.live.length > 0) parts.push(chartToText(liveChart(replay), { width }));
  if (replay.pairing.maps > 0) parts.push(text(quantilesTable(replay)));
  parts.push(...[...partyTables(replay), ...disagreementTables(replay)].map(text));
  parts.push(text(rowsTable(replay)), text(leavesTable(replay)));
  if (answer.profile !== null) parts.push(tableToText(predictionTable(replay, answer.profile), terminal));
  const reason = bestReason(sortedRows(replay));
  const notes = [reason, ...assumptionsOf(replay), ...domainNotes(replay), ...refusalNotes(replay)].filter(
    (text) => text !== '',
  );
  parts.push(...skippedTables(stats).map(text));
  const needs = missingFor(stats, replay.track).map(
    (need) => `cannot tell ${need.question}: ${need.why}; ${need.advice}`,
  );
  return [...parts.map((part) => part.trimEnd()), [...notes, ...needs].map((text) => `- ${text}`).join('\n')].join(
    '\n\n',
  );
}

/** Domains that the text lists. */
const LISTED_DOMAINS = 200;

function domainNotes(replay: Replay): string[] {
  const notes = replay.domains.slice(0, LISTED_DOMAINS).map((domain) => `domain ${domain.id}: ${domain.title}`);
  const more = replay.domains.length - notes.length;
  return more > 0 ? [...notes, `${more} domains more; --json lists them`] : notes;
}

function refusalNotes(replay: Replay): string[] {
  return replay.rows.flatMap(({ row }) =>
    row.refusals.map(
      (refusal) => `${row.spec.path}: ${refusal.count} calls refused (${refusal.code}); the first: ${refusal.first}`,
    ),
  );
}

function reportOf(answer: ReplayAnswer, files: readonly string[]): Report {
  const { replay, stats } = answer;
  const needs = missingFor(stats, replay.track).map(
    (need) => `Cannot tell ${need.question}: ${need.why}; ${need.advice}.`,
  );
  return {
    title: 'Replay of an IOMMU trace',
    lead: bestReason(sortedRows(replay)),
    sources: [
      ...files.map((what) => ({ what, how: 'measured' as const, detail: 'events as the kernel wrote them' })),
      ...assumptionsOf(replay).map((detail) => ({ what: 'replay', how: 'assumed' as const, detail })),
    ],
    sections: [
      {
        title: 'The trace',
        blocks: [
          { kind: 'table', table: traceTable(answer) },
          ...allCharts(replay)
            .slice(0, -1)
            .map((chart) => ({ kind: 'chart' as const, chart })),
          ...tablesOfTrace(answer).map((table) => ({ kind: 'table' as const, table })),
        ],
      },
      {
        title: 'By path, dispatch, format and granule',
        blocks: [
          { kind: 'table', table: rowsTable(replay) },
          { kind: 'chart', chart: layersChart(replay) },
          { kind: 'table', table: leavesTable(replay) },
          ...predictionBlocks(answer),
        ],
      },
      {
        title: 'What this cannot tell',
        blocks: [...needs, ...refusalNotes(replay)].map((text) => ({ kind: 'text' as const, text })),
      },
    ],
    data: replayJson(answer),
  };
}

function tablesOfTrace({ replay, stats }: ReplayAnswer): Table[] {
  return [quantilesTable(replay), ...partyTables(replay), ...disagreementTables(replay), ...skippedTables(stats)];
}

function predictionBlocks({ replay, profile }: ReplayAnswer): Block[] {
  if (profile === null) return [];
  return [
    { kind: 'table', table: predictionTable(replay, profile) },
    { kind: 'chart', chart: predictedLayersChart(replay, profile) },
  ];
}

/** The timeline of the first row, written as it grows. */
function timelineOf(specs: readonly RowSpec[], output: Output, title: (domain: number) => string): ReplayTimeline {
  const [first] = specs;
  const row = first === undefined ? '' : specTitle(first);
  if (specs.length > 1) note(output, `iommu: the timeline shows ${row}; choose another row by --path and the like`);
  return new ReplayTimeline(row, title, pieceSink(output.file));
}

async function run(files: string[], flags: ReplayFlags, command: Command): Promise<void> {
  const output = outputOf(command.opts(), FORMATS);
  const specs = specsOf(flags);
  const { profile: path } = flags;
  const profile = path === undefined ? null : readProfile(new TextDecoder().decode(readFile(path)), path);
  const names = createNames();
  const driver = driverFor(specs);
  const timeline =
    output.format === 'perfetto' ? timelineOf(specs, output, (id) => replay.domains[id]?.title ?? '') : null;
  const replay: Replay = new Replay({
    names,
    rows: specs,
    driver: driver.make,
    clock: () => performance.now(),
    splitWork: profile !== null,
    ...(timeline === null ? {} : { observer: timeline.call.bind(timeline) }),
    ...(flags.until === undefined ? {} : { until: flags.until }),
  });
  const stats = await readTraceFiles(
    files,
    (event) => replay.event(event),
    names,
    () => replay.stopped,
    output.quiet,
  );
  replay.finish();
  timeline?.finish();
  if (flags.until !== undefined && !replay.stopped)
    note(output, `iommu: the mark '${flags.until}' is not in the trace; all of it was replayed`);
  const answer: ReplayAnswer = { replay, stats, driver: driver.name, ranges: flags.ranges === true, profile };
  if (flags.report !== undefined) writeFile(flags.report, await pageOf(reportOf(answer, files)));
  if (timeline !== null) return;
  emit(output, {
    json: () => replayJson(answer),
    table: () => textOf(answer, output.width, output.terminal),
    csv: () => rowsTable(replay),
  });
}

/** Adds `replay`. */
export function addReplay(program: Command): void {
  const command = program
    .command('replay')
    .description('Replay a recorded trace (iommu:*, dma:* events) through every path and show what it did and cost.')
    .argument(
      '<trace...>',
      'ftrace text, trace-cmd report, perf script or trace.dat, plain or .gz; - is standard input',
    )
    .option('--until <mark>', 'stop at the first trace mark that contains this text')
    .option('--ranges', 'with --json: the ranges mapped at the end')
    .option('--path <words>', 'per-page, map-pages, map-sg, one-walk, or all', 'all')
    .option('--dispatch <words>', 'indirect, direct, or all', 'indirect')
    .option('--format <ids>', 'table formats', 'arm-64-lpae-s1')
    .option('--granule <sizes>', "4K, 16K, 64K or all; the format's first by default")
    .option('--iova <words>', 'what if addresses were: keep, packed, aligned', 'keep')
    .option('--physical <words>', 'what if memory were: keep, contiguous-64k, contiguous-2m', 'keep')
    .option('--tlb <words>', 'what if invalidation were: strict, lazy', 'strict')
    .option('--profile <file>', 'predict times by a machine profile (iommu explain --fit-profile makes one)')
    .option('--report <file>', 'write a report with pictures as one HTML file')
    .addHelpText('before', EXAMPLES);
  addOutputOptions(command, FORMATS).action(async (files: string[], flags: ReplayFlags) => {
    if (flags.report?.endsWith('.html') === false)
      throw new UsageError(`--report ${flags.report}: the file's name must end in .html`);
    await run(files, flags, command);
  });
}
