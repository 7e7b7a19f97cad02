/**
 * A latency table as a model: published, engine's and predicted times in one picture, a slider for the price of each unit, and
 * beside them what the numbers cannot tell apart.
 * @module
 */
import { computed, type ReadonlySignal, type Signal, signal } from '@preact/signals';
import type { JSX } from 'preact';
import { formatSize } from '../../../src/address.ts';
import { type LatencyModel, type ModelGroup, type ModelUnit, pricedNs } from '../../../src/answers/latency-model.ts';
import type { UnitId } from '../../../src/cost/units.ts';
import type { BarChart, LineChart } from '../../../src/report/chart.ts';
import { formatNs, formatNumber } from '../../../src/report/number.ts';
import { plainText } from '../../../src/report/plain.ts';
import { AnswerClient } from '../../ask/client.ts';
import { hash, setHash } from '../../state/app.ts';
import { ChartView } from '../../view/chart.tsx';
import { choicesOf, Select } from '../../view/select.tsx';
import { addEngine, engine, engineState } from './engine.ts';

const client = new AnswerClient();
const models: Signal<readonly LatencyModel[]> = signal([]);

/** How often a table was shown: models of one that was overtaken are not. */
let shown = 0;

/** Shows the models of a published table or of a file; none for undefined. A table that has none shows none. */
export function showModels(table: string | Blob | undefined): void {
  models.value = [];
  const mine = ++shown;
  if (table === undefined) return;
  client.follow({ ask: 'models', table }).then(
    (found) => {
      if (mine === shown) models.value = found;
    },
    () => undefined,
  );
}

/** Prices that the user set, `unit=ns` in the address. */
const set: ReadonlySignal<ReadonlyMap<string, number>> = computed(() => {
  const pairs = (hash.value.get('prices') ?? '').split(',').map((part) => part.split('='));
  return new Map(
    pairs.flatMap(([unit, ns]): [string, number][] => {
      const value = Number(ns);
      return unit === undefined || ns === undefined || !Number.isFinite(value) || value < 0 ? [] : [[unit, value]];
    }),
  );
});

function pricesOf({ units }: LatencyModel): Map<UnitId, number> {
  return new Map(units.map(({ unit, ns }) => [unit, set.value.get(unit) ?? ns]));
}

function setPrice(unit: UnitId, ns: number): void {
  const prices = new Map(set.peek()).set(unit, ns);
  setHash({ prices: [...prices].map(([name, value]) => `${name}=${Number(value.toPrecision(4))}`).join(',') });
}

function timesChart(model: LatencyModel): LineChart {
  const prices = pricesOf(model);
  const published = model.series.map(({ name, points }) => ({
    name,
    evidence: 'published' as const,
    points: points.map(({ bytes, measuredNs }) => [bytes, measuredNs] as const),
  }));
  const predicted = model.series.map(({ name, points }) => ({
    name,
    evidence: 'predicted' as const,
    points: points.map(({ bytes, counts }) => [bytes, pricedNs(counts, prices)] as const),
  }));
  return {
    kind: 'line',
    title: 'Time to map, by size',
    x: { label: 'size', unit: 'bytes', log: true },
    y: { label: 'time', unit: 'ns', log: true },
    series: [...published, ...predicted, ...engine.value],
    notes: [
      'Published times are of the machine that they were measured on. Predicted ones are counts × the prices below.',
      ...(engine.value.length === 0
        ? []
        : [
            'Times of this engine are of this browser on this machine: their ratios say what a path saves, not how long Linux takes.',
          ]),
    ],
  };
}

function sizesOf({ series }: LatencyModel): number[] {
  return [...new Set(series.flatMap(({ points }) => points.map(({ bytes }) => bytes)))].sort((a, b) => a - b);
}

/** Where the predicted time of a size goes, by layer. */
function layersChart(model: LatencyModel, size: number): BarChart {
  const prices = pricesOf(model);
  const layers = [...new Set(model.units.map(({ layer }) => layer))];
  const shown = model.series.flatMap(({ name, points }) => {
    const point = points.find(({ bytes }) => bytes === size);
    return point === undefined ? [] : [{ name, counts: point.counts }];
  });
  const cost = (layer: string, counts: Readonly<Partial<Record<UnitId, number>>>): number =>
    model.units
      .filter((unit) => unit.layer === layer)
      .reduce((sum, { unit }) => sum + (counts[unit] ?? 0) * (prices.get(unit) ?? 0), 0);
  return {
    kind: 'bar',
    title: `Predicted time of ${formatSize(size)} by layer`,
    category: '',
    categories: shown.map(({ name }) => name),
    value: { label: 'time', unit: 'ns' },
    stacked: true,
    series: layers.map((name) => ({
      name,
      evidence: 'predicted',
      values: shown.map(({ counts }) => cost(name, counts)),
    })),
  };
}

const STEPS = 200;

function Price({ unit, price }: { readonly unit: ModelUnit; readonly price: number }): JSX.Element {
  const { meaning, low, high, isIdentified } = unit;
  // beyond the range that the numbers allow, so that one sees what would not fit
  const most = Math.max(high * 1.5, price, 1);
  return (
    <label class="price">
      <span class="meaning">{plainText(meaning)}</span>
      <input
        type="range"
        min={0}
        max={STEPS}
        value={Math.round((price / most) * STEPS)}
        aria-valuetext={formatNs(price)}
        onInput={(event) => setPrice(unit.unit, (Number(event.currentTarget.value) / STEPS) * most)}
      />
      <output class={price < low - 0.5 || price > high * 1.005 + 0.5 ? 'warning' : ''}>{formatNs(price)}</output>
      <span class="note">
        {isIdentified ? 'identified, ' : ''}
        {formatNs(low)} to {formatNs(high)}
      </span>
    </label>
  );
}

function Inseparable({ group, model }: { readonly group: ModelGroup; readonly model: LatencyModel }): JSX.Element {
  const prices = pricesOf(model);
  const now = group.weights.reduce((sum, [unit, weight]) => sum + weight * (prices.get(unit) ?? 0), 0);
  const off = now < group.low * 0.99 || now > group.high * 1.01;
  const words = group.weights.map(([unit, weight]) => `${weight === 1 ? '' : `${formatNumber(weight)} × `}${unit}`);
  return (
    <li>
      {plainText(words.join(' + '))} = {group.sumNs === null ? 'a range' : formatNs(group.sumNs)}, {formatNs(group.low)}{' '}
      to {formatNs(group.high)};{' '}
      <span class={off ? 'warning' : ''}>
        the sliders say {formatNs(now)}
        {off ? ', which does not fit' : ''}
      </span>
    </li>
  );
}

function OneModel({ model }: { readonly model: LatencyModel }): JSX.Element {
  const sizes = sizesOf(model);
  const wanted = Number(hash.value.get('size'));
  const size = sizes.includes(wanted) ? wanted : (sizes.at(-1) ?? 0);
  const prices = pricesOf(model);
  return (
    <div class="model">
      <h2>Times and prices{model.where === '' ? '' : <span> {plainText(model.where)}</span>}</h2>
      <div class="beside">
        <div>
          <ChartView chart={timesChart(model)} heading="" />
          <button type="button" disabled={engineState.value === 'running'} onClick={addEngine}>
            {engineState.value === 'running' ? 'Measuring this engine…' : 'Add the times of this engine, measured here'}
          </button>
        </div>
        <section aria-label="prices">
          <h3>
            Price of each unit <span>move one, and the predicted times follow</span>
          </h3>
          {model.units.map((unit) => (
            <Price unit={unit} price={prices.get(unit.unit) ?? unit.ns} />
          ))}
          {set.value.size === 0 ? null : (
            <button type="button" onClick={() => setHash({ prices: '' })}>
              Back to the estimates
            </button>
          )}
          {model.groups.length === 0 ? null : (
            <>
              <h3>What these numbers cannot tell apart</h3>
              <ul class="groups">
                {model.groups.map((group) => (
                  <Inseparable group={group} model={model} />
                ))}
              </ul>
            </>
          )}
        </section>
      </div>
      <div class="pick">
        <Select
          label="Size"
          value={formatSize(size)}
          choices={choicesOf(sizes.map(formatSize))}
          onChange={(text) => setHash({ size: String(sizes.find((one) => formatSize(one) === text) ?? '') })}
        />
      </div>
      <ChartView chart={layersChart(model, size)} heading="" />
    </div>
  );
}

/** Models shown at most: a table may have many sets of series. */
const MOST_MODELS = 4;

/** The models of the table that is shown. */
export function ModelView(): JSX.Element | null {
  if (models.value.length === 0) return null;
  return (
    <>
      {models.value.slice(0, MOST_MODELS).map((model) => (
        <OneModel model={model} />
      ))}
    </>
  );
}
