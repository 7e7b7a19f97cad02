/**
 * The part of the fault answer's data that the page draws: an incident's words and fields. The answer comes from the
 * worker as plain data, so that its shape is looked at, not assumed.
 * @module
 */

/** One field of an incident. */
export interface FieldCell {
  readonly name: string;
  readonly value: string;
  readonly meaning: string;
}

/** One incident. */
export interface IncidentCells {
  readonly line: string;
  readonly words: string;
  readonly fields: readonly FieldCell[];
}

function entriesOf(value: unknown): [string, unknown][] {
  return typeof value === 'object' && value !== null ? Object.entries(value) : [];
}

function own(value: unknown, key: string): unknown {
  return entriesOf(value).find(([name]) => name === key)?.[1];
}

function text(value: unknown): string {
  return typeof value === 'string' || typeof value === 'number' ? String(value) : '';
}

function cellsOf(fault: unknown): IncidentCells {
  const meanings = new Map(entriesOf(own(fault, 'meanings')));
  const fields = entriesOf(own(fault, 'fields')).map(([name, value]) => ({
    name,
    value: text(value),
    meaning: text(meanings.get(name)),
  }));
  return { line: text(own(fault, 'line')), words: text(own(fault, 'words')), fields };
}

/** The first incidents of an answer that have fields, one for each set of values. */
export function incidentsOf(data: object, most: number): IncidentCells[] {
  const faults = own(data, 'faults');
  if (!Array.isArray(faults)) return [];
  const seen = new Set<string>();
  const cells = faults.slice(0, 200).map(cellsOf);
  return cells
    .filter(({ fields }) => {
      const key = fields.map(({ name, value }) => `${name}=${value}`).join();
      return fields.length > 0 && !seen.has(key) && seen.add(key);
    })
    .slice(0, most);
}
