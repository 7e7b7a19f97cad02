/**
 * A dense simplex for small linear programmes: many inequality rows, few variables, several objectives over one feasible set.
 * Rows and columns are scaled; Bland's rule takes over when pivots stop improving, so it cannot cycle; the dictionary is
 * rebuilt from the original numbers at intervals, so rounding does not pile up.
 * @module
 */

const TOLERANCE = 1e-9;
const REBUILD_EVERY = 50;
const STALLED_AFTER = 40;

/** Result of one optimisation. */
export interface Optimum {
  /** Least value of the objective; −Infinity where it is unbounded. */
  readonly value: number;
  /** A point that reaches it. */
  readonly x: Float64Array;
}

/** Largest magnitude of each column, 1 for an empty one. */
function columnScales(rows: readonly Float64Array[], columns: number): Float64Array {
  const scales = new Float64Array(columns);
  for (const row of rows) {
    for (let j = 0; j < columns; j += 1) scales[j] = Math.max(scales[j] as number, Math.abs(row[j] as number));
  }
  return scales.map((scale) => (scale > 0 ? scale : 1));
}

/**
 * The set { x ≥ 0 : rows · x ≤ bounds }, over which objectives can be minimised one after the other. Row i of the
 * dictionary says: basic variable = constant − Σ coefficients × non-basic variables. Variables 0 … n−1 are x,
 * n … n+m−1 the slacks, n+m the auxiliary variable of the first phase.
 */
export class Simplex {
  readonly #columns: number;
  readonly #rows: number;
  readonly #scale: Float64Array;
  readonly #original: Float64Array[];
  #table: Float64Array[] = [];
  #basic: Int32Array = new Int32Array(0);
  #nonbasic: Int32Array = new Int32Array(0);
  #pivots = 0;
  /** Whether the set has a point. */
  readonly feasible: boolean;

  /**
   * @param rows - one row of coefficients an inequality
   * @param bounds - its right-hand side
   */
  constructor(rows: readonly Float64Array[], bounds: Float64Array) {
    this.#rows = rows.length;
    this.#columns = rows[0]?.length ?? 0;
    this.#scale = columnScales(rows, this.#columns);
    this.#original = rows.map((row, i) => this.#scaledRow(row, bounds[i] as number));
    this.#reset();
    this.feasible = this.#firstPhase();
  }

  /** Minimises `cost · x`. @throws RangeError on an infeasible set. */
  minimise(cost: Float64Array): Optimum {
    if (!this.feasible) throw new RangeError('the set is infeasible');
    const scaled = cost.map((c, j) => c / (this.#scale[j] as number));
    const size = scaled.reduce((most, c) => Math.max(most, Math.abs(c)), 0) || 1;
    const objective = new Float64Array(this.#columns + this.#rows + 1);
    for (let j = 0; j < this.#columns; j += 1) objective[j] = (scaled[j] as number) / size;
    const bounded = this.#optimise(objective);
    const x = this.#point();
    const value = x.reduce((sum, xj, j) => sum + xj * (cost[j] as number), 0);
    return { value: bounded ? value : Number.NEGATIVE_INFINITY, x };
  }

  #scaledRow(row: Float64Array, bound: number): Float64Array {
    const out = new Float64Array(this.#columns + 1);
    let size = 0;
    for (let j = 0; j < this.#columns; j += 1) {
      out[j] = (row[j] as number) / (this.#scale[j] as number);
      size = Math.max(size, Math.abs(out[j] as number));
    }
    out[this.#columns] = bound;
    return size > 0 ? out.map((value) => value / size) : out;
  }

  #reset(): void {
    const [m, n] = [this.#rows, this.#columns];
    this.#table = this.#original.map((row) => row.slice());
    this.#basic = Int32Array.from({ length: m }, (_, i) => n + i);
    this.#nonbasic = Int32Array.from({ length: n }, (_, j) => j);
    this.#pivots = 0;
  }

  /** Finds a feasible dictionary: an auxiliary variable relaxes every row and is then driven to 0. */
  #firstPhase(): boolean {
    const n = this.#columns;
    let worst = -1;
    for (let i = 0; i < this.#rows; i += 1) {
      const constant = this.#constant(i);
      if (constant < 0 && (worst < 0 || constant < this.#constant(worst))) worst = i;
    }
    if (worst < 0) return true;
    const auxiliary = n + this.#rows;
    this.#table = this.#table.map((row) => Float64Array.of(...row.subarray(0, n), -1, row[n] as number));
    this.#nonbasic = Int32Array.of(...this.#nonbasic, auxiliary);
    this.#pivot(worst, n);
    const objective = new Float64Array(auxiliary + 1);
    objective[auxiliary] = 1;
    this.#optimise(objective, false);
    return this.#dropAuxiliary(auxiliary);
  }

  #dropAuxiliary(auxiliary: number): boolean {
    const row = this.#basic.indexOf(auxiliary);
    if (row >= 0) {
      if (this.#constant(row) > TOLERANCE * this.#magnitude()) return false;
      this.#pivot(row, this.#largestIn(row));
    }
    const at = this.#nonbasic.indexOf(auxiliary);
    this.#table = this.#table.map((old) => old.filter((_, j) => j !== at));
    this.#nonbasic = this.#nonbasic.filter((_, j) => j !== at);
    this.#clampConstants();
    return true;
  }

  #magnitude(): number {
    return this.#original.reduce((most, row) => Math.max(most, Math.abs(row[this.#columns] as number)), 1);
  }

  #largestIn(row: number): number {
    const values = this.#table[row] as Float64Array;
    let best = 0;
    for (let j = 1; j < values.length - 1; j += 1) {
      if (Math.abs(values[j] as number) > Math.abs(values[best] as number)) best = j;
    }
    return best;
  }

  #constant(row: number): number {
    const values = this.#table[row] as Float64Array;
    return values[values.length - 1] as number;
  }

  #clampConstants(): void {
    for (const row of this.#table) {
      const last = row.length - 1;
      if ((row[last] as number) < 0) row[last] = 0;
    }
  }

  #pivot(r: number, c: number): void {
    const pivotRow = this.#table[r] as Float64Array;
    const inverse = 1 / (pivotRow[c] as number);
    for (let j = 0; j < pivotRow.length; j += 1) pivotRow[j] = (pivotRow[j] as number) * inverse;
    pivotRow[c] = inverse;
    for (let i = 0; i < this.#rows; i += 1) {
      if (i !== r) this.#eliminate(this.#table[i] as Float64Array, pivotRow, c, inverse);
    }
    const entering = this.#nonbasic[c] as number;
    this.#nonbasic[c] = this.#basic[r] as number;
    this.#basic[r] = entering;
    this.#pivots += 1;
  }

  #eliminate(row: Float64Array, pivotRow: Float64Array, c: number, inverse: number): void {
    const factor = row[c] as number;
    if (factor === 0) return;
    for (let j = 0; j < row.length; j += 1) row[j] = (row[j] as number) - factor * (pivotRow[j] as number);
    row[c] = -factor * inverse;
  }

  /** Rebuilds the dictionary of the present basis from the original numbers, with the largest pivots. */
  #rebuild(): void {
    const structural = this.#basic.filter((variable) => variable < this.#columns);
    const leaving = new Set(this.#nonbasic.filter((variable) => variable >= this.#columns));
    this.#reset();
    for (const variable of structural) {
      const c = this.#nonbasic.indexOf(variable);
      let best = -1;
      for (const slack of leaving) {
        const row = slack - this.#columns;
        const size = Math.abs((this.#table[row] as Float64Array)[c] as number);
        if (best < 0 || size > Math.abs((this.#table[best] as Float64Array)[c] as number)) best = row;
      }
      leaving.delete(best + this.#columns);
      this.#pivot(best, c);
    }
    this.#clampConstants();
    this.#pivots = 0;
  }

  #reducedCosts(objective: Float64Array): Float64Array {
    const costs = Float64Array.from(this.#nonbasic, (variable) => objective[variable] as number);
    for (let i = 0; i < this.#rows; i += 1) {
      const cost = objective[this.#basic[i] as number] as number;
      if (cost === 0) continue;
      const row = this.#table[i] as Float64Array;
      for (let j = 0; j < costs.length; j += 1) costs[j] = (costs[j] as number) - cost * (row[j] as number);
    }
    return costs;
  }

  /** Pivots until no reduced cost is negative; false if the objective is unbounded. */
  #optimise(objective: Float64Array, mayRebuild = true): boolean {
    let stalled = 0;
    for (let left = 200 * (this.#rows + this.#columns + 10); left > 0; left -= 1) {
      if (mayRebuild && this.#pivots >= REBUILD_EVERY) this.#rebuild();
      const bland = stalled > STALLED_AFTER;
      const column = this.#entering(this.#reducedCosts(objective), bland);
      if (column < 0) return true;
      const row = this.#leaving(column, bland);
      if (row < 0) return false;
      stalled = this.#constant(row) > TOLERANCE ? 0 : stalled + 1;
      this.#pivot(row, column);
    }
    throw new RangeError('the simplex did not come to an end');
  }

  #entering(costs: Float64Array, bland: boolean): number {
    let best = -1;
    for (let j = 0; j < costs.length; j += 1) {
      if ((costs[j] as number) >= -TOLERANCE) continue;
      const keys = bland ? this.#nonbasic : costs;
      if (best < 0 || (keys[j] as number) < (keys[best] as number)) best = j;
    }
    return best;
  }

  #leaving(column: number, bland: boolean): number {
    let best = -1;
    let bestRatio = Number.POSITIVE_INFINITY;
    for (let i = 0; i < this.#rows; i += 1) {
      const coefficient = (this.#table[i] as Float64Array)[column] as number;
      if (coefficient <= TOLERANCE) continue;
      const ratio = Math.max(this.#constant(i), 0) / coefficient;
      if (ratio < bestRatio - 1e-12 || (ratio <= bestRatio && this.#preferred(i, best, column, bland))) {
        best = i;
        bestRatio = ratio;
      }
    }
    return best;
  }

  #preferred(row: number, best: number, column: number, bland: boolean): boolean {
    if (best < 0) return true;
    if (bland) return (this.#basic[row] as number) < (this.#basic[best] as number);
    const at = (i: number): number => (this.#table[i] as Float64Array)[column] as number;
    return at(row) > at(best);
  }

  #point(): Float64Array {
    const x = new Float64Array(this.#columns);
    for (let i = 0; i < this.#rows; i += 1) {
      const variable = this.#basic[i] as number;
      if (variable < this.#columns) x[variable] = this.#constant(i) / (this.#scale[variable] as number);
    }
    return x;
  }
}
