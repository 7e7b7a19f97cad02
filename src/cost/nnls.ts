/**
 * Non-negative least squares by the active-set method of Lawson and Hanson, each sub-problem by Householder QR.
 * @module
 */

const GRADIENT_TOLERANCE = 1e-9;
const RANK_TOLERANCE = 1e-9;

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i += 1) sum += (a[i] as number) * (b[i] as number);
  return sum;
}

/** Reflects `target` by the Householder vector `v`, which starts at row `from`. */
function reflect(v: Float64Array, target: Float64Array, from: number): void {
  let sum = 0;
  for (let i = from; i < v.length; i += 1) sum += (v[i] as number) * (target[i] as number);
  for (let i = from; i < v.length; i += 1) target[i] = (target[i] as number) - 2 * sum * (v[i] as number);
}

/** Unit Householder vector that takes `column` to a multiple of e_from. Null if nothing is left of the column. */
function householder(column: Float64Array, from: number): Float64Array | null {
  const v = new Float64Array(column.length);
  for (let i = from; i < column.length; i += 1) v[i] = column[i] as number;
  const norm = Math.hypot(...v);
  if (norm < RANK_TOLERANCE) return null;
  v[from] = (v[from] as number) + ((v[from] as number) < 0 ? -norm : norm);
  const length = Math.hypot(...v);
  return v.map((value) => value / length);
}

/** Least squares on the given columns; null if they depend on each other. */
function leastSquares(columns: readonly Float64Array[], target: Float64Array): Float64Array | null {
  const work = columns.map((column) => column.slice());
  const right = target.slice();
  for (const [k, column] of work.entries()) {
    const v = k < right.length ? householder(column, k) : null;
    if (v === null) return null;
    for (let j = k; j < work.length; j += 1) reflect(v, work[j] as Float64Array, k);
    reflect(v, right, k);
  }
  const x = new Float64Array(work.length);
  for (let k = work.length - 1; k >= 0; k -= 1) {
    let value = right[k] as number;
    for (let j = k + 1; j < work.length; j += 1) value -= ((work[j] as Float64Array)[k] as number) * (x[j] as number);
    x[k] = value / ((work[k] as Float64Array)[k] as number);
  }
  return x;
}

class ActiveSet {
  readonly #columns: readonly Float64Array[];
  readonly #target: Float64Array;
  readonly #size: number;
  readonly #blocked = new Set<number>();
  #passive: number[] = [];
  readonly x: Float64Array;

  constructor(columns: readonly Float64Array[], target: Float64Array) {
    this.#columns = columns;
    this.#target = target;
    this.#size = Math.sqrt(dot(target, target)) || 1;
    this.x = new Float64Array(columns.length);
  }

  /** The first column in `order` that would lower the residual; −1 if none would. */
  entering(order: readonly number[]): number {
    const residual = this.#target.slice();
    for (const [j, column] of this.#columns.entries()) {
      const xj = this.x[j] as number;
      if (xj !== 0)
        for (let i = 0; i < residual.length; i += 1) residual[i] = (residual[i] as number) - xj * (column[i] as number);
    }
    const limit = GRADIENT_TOLERANCE * this.#size;
    const helps = (j: number): boolean => dot(this.#columns[j] as Float64Array, residual) > limit;
    return order.find((j) => !this.#passive.includes(j) && !this.#blocked.has(j) && helps(j)) ?? -1;
  }

  /** Lets a column in, and lets out those that would turn negative. */
  admit(entering: number): void {
    this.#passive.push(entering);
    while (this.#passive.length > 0) {
      const solution = leastSquares(
        this.#passive.map((j) => this.#columns[j] as Float64Array),
        this.#target,
      );
      if (solution === null) {
        this.#passive.pop();
        this.#blocked.add(entering);
        return;
      }
      if (this.#stepTo(solution)) break;
    }
  }

  /** Moves towards a solution until a variable reaches 0; true if it got there whole. */
  #stepTo(solution: Float64Array): boolean {
    let step = 1;
    for (const [k, j] of this.#passive.entries()) {
      const [from, to] = [this.x[j] as number, solution[k] as number];
      if (to <= 0) step = Math.min(step, from / (from - to || 1));
    }
    for (const [k, j] of this.#passive.entries()) {
      const from = this.x[j] as number;
      this.x[j] = from + step * ((solution[k] as number) - from);
    }
    const negative = [...solution.entries()].filter(([, value]) => value <= 0).map(([k]) => this.#passive[k] as number);
    const left = negative.filter((j) => (this.x[j] as number) <= 1e-14 * this.#size);
    for (const j of left) this.x[j] = 0;
    this.#passive = this.#passive.filter((j) => !left.includes(j));
    return negative.length === 0;
  }
}

/**
 * Minimises |A·x − b| over x ≥ 0. Where several solutions fit equally well, the one that is reached charges the columns
 * that come first in `order`.
 * @param rows - A, one row an equation
 * @param target - b
 * @param order - all column numbers, those to charge first in front
 */
export function nonNegativeLeastSquares(
  rows: readonly Float64Array[],
  target: Float64Array,
  order: readonly number[] = [...(rows[0] ?? []).keys()],
): Float64Array {
  const count = rows[0]?.length ?? 0;
  const columns = Array.from({ length: count }, (_, j) => Float64Array.from(rows, (row) => row[j] as number));
  const norms = columns.map((column) => Math.sqrt(dot(column, column)) || 1);
  const set = new ActiveSet(
    columns.map((column, j) => column.map((value) => value / (norms[j] as number))),
    target,
  );
  for (let left = 30 * (count + 1); left > 0; left -= 1) {
    const entering = set.entering(order);
    if (entering < 0) break;
    set.admit(entering);
  }
  return set.x.map((value, j) => value / (norms[j] as number));
}
