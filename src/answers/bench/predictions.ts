/**
 * What a machine profile makes of the counts of `iommu bench`: predicted times of that machine, beside the measured ones of
 * this engine.
 * @module
 */
import type { BenchRow } from '../../bench/bench.ts';
import type { BenchOp } from '../../bench/variants.ts';
import { type Prediction, predictMeter } from '../../cost/predict.ts';
import type { Profile } from '../../cost/profile.ts';
import type { Table } from '../../report/table.ts';

/** The operation that a profile prices. */
const OPERATIONS: Readonly<Record<BenchOp, 'map' | 'unmap' | null>> = {
  map: 'map',
  'map-run': 'map',
  unmap: 'unmap',
  translate: null,
  'translate-range': null,
};

/** The prediction for a row, or null for translations, which no profile prices. */
export function predictRow(profile: Profile, row: BenchRow): Prediction | null {
  const op = OPERATIONS[row.op];
  if (op === null) return null;
  return predictMeter(profile, [{ op, path: row.path, lists: 1, counts: row.counts }]);
}

/** Predicted times of the rows, with their ranges. */
export function predictionTable(rows: readonly BenchRow[], profile: Profile): Table {
  return {
    title: `Predicted for ${profile.machine.name}, from counts`,
    columns: [
      { title: 'op' },
      { title: 'layout' },
      { title: 'bytes', unit: 'bytes' },
      { title: 'path' },
      { title: 'dispatch', drop: 1 },
      { title: 'predicted', unit: 'ns' },
      { title: 'low', unit: 'ns' },
      { title: 'high', unit: 'ns' },
      { title: 'no price' },
    ],
    rows: rows.flatMap((row) => {
      const prediction = predictRow(profile, row);
      if (prediction === null) return [];
      const { ns, low, high, unpriced } = prediction;
      return [[row.op, row.layout, row.bytes, row.path, row.dispatch, ns, low, high, unpriced.join(', ')]];
    }),
    notes: [
      `counts × the profile of ${profile.machine.name} (${profile.machine.kind}); it holds for that machine only`,
      'a time is given only where every unit of the work has a price; the range is that of the prices that have one',
    ],
  };
}
