// The rows as data, and whether `iommu bench` agrees with them.
import { OTHER_WORK_MS, type Timer } from '../src/bench/index.ts';
import { inFloors, type Row, reached } from './row.ts';

/** `iommu bench` agrees with a row where it differs by no more. */
const AGREEMENT = 0.25;

/** Where rows were measured. */
export interface Where {
  readonly runtime: string;
  readonly cpu: string;
  readonly timer: Timer;
  /** Load average of the last minute. */
  readonly load: number | null;
}

function figures(row: Row): object {
  const {
    hotNs = null,
    coldNs = null,
    coldCallNs = null,
    coldSamples = 0,
    goal,
    cliValue = null,
    cliFloors = null,
    ...rest
  } = row;
  return {
    ...rest,
    hotNs,
    coldNs,
    coldCallNs,
    coldSamples,
    ratioToFloor: inFloors(row) ?? null,
    iommuBench: cliValue,
    iommuBenchRatioToFloor: cliFloors,
    goal: goal === undefined ? null : [goal.text, goal.coldText].filter((text) => text !== undefined).join('; '),
    reached: reached(row) ?? null,
  };
}

/** The document of `--json`, as `schemas/iommu.npm-bench.schema.json` says. */
export function documentOf(rows: readonly Row[], growth: readonly object[], where: Where): object {
  const head = { schema: 'iommu.npm-bench', version: 2, ...where, otherWorkMs: OTHER_WORK_MS };
  return { ...head, rows: rows.map(figures), growth };
}

/** How far `iommu bench` is from a row, in floors of each run: 0.1 where it is a tenth more; undefined where it was not asked. */
export function disagreement(row: Row): number | undefined {
  const floors = inFloors(row);
  return row.cliFloors === undefined || floors === undefined ? undefined : row.cliFloors / floors - 1;
}

/** With how many rows `iommu bench` agrees, and the names of the others. */
export function agreement(rows: readonly Row[]): { text: string; all: boolean } {
  const compared = rows.filter((row) => disagreement(row) !== undefined);
  const off = compared.filter((row) => Math.abs(disagreement(row) ?? 0) > AGREEMENT);
  const names = off.map(({ work }) => `; not: ${work}`).join('');
  const agreeing = `${compared.length - off.length} of ${compared.length} rows`;
  return { text: `\`iommu bench\` agrees within 25 % with ${agreeing}${names}.`, all: off.length === 0 };
}
