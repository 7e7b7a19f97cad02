import { readFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { readExplained } from '../../src/answers/explain.ts';
import { type LatencyModel, latencyModels, pricedNs } from '../../src/answers/latency-model.ts';

async function* bytesOf(name: string): AsyncGenerator<Uint8Array> {
  yield await readFile(new URL(`../../data/latency/${name}`, import.meta.url));
}

async function modelOf(): Promise<LatencyModel> {
  const source = 'map-sg-series-2021.csv';
  const found = await readExplained({ source, chunks: bytesOf(source), where: [['posted', '2021-01-11']] });
  const [model] = found.kind === 'table' ? latencyModels(found.analyses) : [];
  if (model === undefined) throw new Error('no model');
  return model;
}

describe('the model of the series of 2021', () => {
  test('predicts every measured time within 30 % by the prices that it starts with', async () => {
    const { units, series } = await modelOf();
    const prices = new Map(units.map(({ unit, ns }) => [unit, ns]));
    const points = series.flatMap((one) => one.points).filter(({ bytes }) => bytes > 65_536);
    expect(points.length).toBeGreaterThan(8);
    for (const { measuredNs, counts } of points) {
      expect(Math.abs(pricedNs(counts, prices) / measuredNs - 1)).toBeLessThan(0.3);
    }
  });

  test('starts within the range that the numbers leave to each unit and to each sum', async () => {
    const { units, groups } = await modelOf();
    const prices = new Map(units.map(({ unit, ns }) => [unit, ns]));
    for (const { ns, low, high } of units) {
      expect(ns).toBeGreaterThanOrEqual(low - 1e-6);
      expect(ns).toBeLessThanOrEqual(high + 1e-6);
    }
    expect(groups.length).toBeGreaterThan(0);
    for (const { weights, low, high } of groups) {
      const sum = weights.reduce((total, [unit, weight]) => total + weight * (prices.get(unit) ?? 0), 0);
      expect(sum).toBeGreaterThanOrEqual(low * 0.999 - 1e-6);
      expect(sum).toBeLessThanOrEqual(high * 1.001 + 1e-6);
    }
  });

  test('a unit without a price costs nothing', () => {
    expect(pricedNs({ page: 3, power: 2 }, new Map([['page', 10]]))).toBe(30);
  });
});
