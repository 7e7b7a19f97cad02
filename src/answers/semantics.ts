/**
 * `formats --semantics`: what each kernel does with tables beyond the architecture, as differences from `safe`.
 * @module
 */
import { hex } from '../address.ts';
import { FORMATS } from '../formats/registry.ts';
import { type Rules, type RulesBySemantics, SAFE, SEMANTICS, type Semantics } from '../formats/rules.ts';
import { type Answer, tableSection } from '../report/answer.ts';
import type { Table } from '../report/table.ts';

/** One rule in which a kernel's code for some formats differs from `safe`. */
export interface SemanticsDifference {
  readonly semantics: Semantics;
  /** Ids of the formats. */
  readonly formats: readonly string[];
  /** Name of the rule, a key of `Rules`. */
  readonly rule: string;
  readonly value: string;
  readonly safe: string;
}

/** The data of {@link semanticsAnswer}. */
export interface SemanticsData {
  readonly differences: readonly SemanticsDifference[];
}

function rulesOfFormats(): Map<string, RulesBySemantics> {
  return new Map(
    FORMATS.flatMap((format) => {
      const [first] = format.configurations;
      return first === undefined ? [] : [[format.id, format.configure(first.request).rules] as const];
    }),
  );
}

function valueText(value: Rules[keyof Rules]): string {
  if (typeof value === 'number') return value === 0 ? 'none' : hex(value);
  return typeof value === 'string' ? value : value.length === 0 ? 'none' : value.join(', ');
}

/** Differences of one semantics, formats with the same value of a rule together. */
function differencesOf(semantics: Semantics, formats: ReadonlyMap<string, RulesBySemantics>): SemanticsDifference[] {
  const found = new Map<string, { rule: keyof Rules; value: string; formats: string[] }>();
  for (const [id, rules] of formats) {
    const own = rules[semantics];
    if (own === undefined) continue;
    for (const rule of Object.keys(SAFE) as (keyof Rules)[]) {
      const value = valueText(own[rule]);
      if (value === valueText(SAFE[rule])) continue;
      const key = `${rule} ${value}`;
      const entry = found.get(key) ?? { rule, value, formats: [] };
      entry.formats.push(id);
      found.set(key, entry);
    }
  }
  const order = Object.keys(SAFE);
  return [...found.values()]
    .sort((a, b) => order.indexOf(a.rule) - order.indexOf(b.rule))
    .map(({ rule, value, formats: ids }) => ({ semantics, formats: ids, rule, value, safe: valueText(SAFE[rule]) }));
}

function differenceTable(differences: readonly SemanticsDifference[]): Table {
  return {
    columns: [
      { title: 'semantics' },
      { title: 'rule' },
      { title: 'value' },
      { title: 'safe has', drop: 2 },
      { title: 'formats', drop: 1 },
    ],
    rows: differences.map(({ semantics, rule, value, safe, formats }) => [
      semantics,
      rule,
      value,
      safe,
      formats.join(' '),
    ]),
  };
}

/** Every rule in which a semantics differs from `safe`; a kernel is added by adding a record of rules. */
export function semanticsAnswer(): Answer<SemanticsData> {
  const formats = rulesOfFormats();
  const differences = SEMANTICS.flatMap((semantics) => differencesOf(semantics, formats));
  const kernels = SEMANTICS.filter((one) => differences.some(({ semantics }) => semantics === one && one !== 'safe'));
  const table = differenceTable(differences);
  return {
    schema: 'iommu.semantics',
    version: 1,
    outcome: 'fine',
    verdict: `Besides safe there are ${kernels.join(' and ')}: ${differences.length} differences, each a field of a record in src/formats/rules.ts that the engine reads.`,
    data: { differences },
    sections: [tableSection('differences', 'Differences from safe', table)],
    notes: [],
    records: differences,
    csv: table,
  };
}
