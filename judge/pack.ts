/**
 * `npm run pack`: writes the conformance pack that the package ships from recorded answers: Linux's vectors, the RISC-V reference
 * model, the emulator's answers. The same inputs give the same bytes.
 * @module
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { gunzipSync, gzipSync } from 'node:zlib';
import { PACK_VERSION } from '../src/conform/pack/pack.ts';
import type { Vector } from '../src/conform/vector.ts';
import { ruleLines } from './rule-cases.ts';
import { type LookupTally, vectorLines } from './vector-cases.ts';

const VECTORS = 'test/vectors/';
/** Answers of emulators; of a scene that an earlier one judged, the later one's are left out. */
const EMULATORS = ['judge/recorded/qemu-7.2.jsonl.gz', 'judge/recorded/qemu-11.1.jsonl.gz'] as const;
const PACK = process.argv[2] ?? 'data/conformance.jsonl.gz';

const SOURCES = {
  'linux-6.1': {
    what: "Linux 6.1.192's io-pgtable and IOMMU core: calls, entries and lookups recorded from a native run",
    independent: true,
  },
  'linux-7.3': { what: "Linux 7.3.4's io-pgtable and generic page table: the same", independent: true },
  'riscv-model': { what: 'riscv-non-isa/riscv-iommu, iommu_ref_model: requests of its own tests', independent: true },
  'qemu-7.2': {
    what: 'QEMU 7.2 without a guest, driven by npm run judge (SEED=20): addresses reached and fault records',
    independent: true,
  },
  'qemu-11.1': {
    what: 'QEMU 11.1 without a guest, driven the same way: what QEMU 7.2 does not have',
    independent: true,
  },
  specification: {
    what: 'a rule of an architecture, named in the case; the expected answer was written by hand',
    independent: false,
  },
  reader: { what: "this project's reader of tables and structures", independent: false },
  engine: { what: "this project's mapping engine", independent: false },
} as const;

function linesOf(path: string): Record<string, unknown>[] {
  const text = gunzipSync(readFileSync(path)).toString('utf8').trim();
  return text.split('\n').map((line) => JSON.parse(line) as Record<string, unknown>);
}

/** Files of vectors of page tables: not the IOVA allocator, not the reference model. */
function vectorFiles(): string[] {
  return readdirSync(VECTORS)
    .filter((file) => file.endsWith('.jsonl.gz') && !/^(?:V_|R_)/.test(file))
    .sort();
}

function emulatorLines(): Record<string, unknown>[] {
  const scenes = new Set<unknown>();
  return EMULATORS.flatMap((file) => {
    const lines = linesOf(file).filter(({ id, image = id }) => !scenes.has(image));
    for (const { kind, id } of lines) if (kind === 'image') scenes.add(id);
    return lines;
  });
}

function requestLine(each: Record<string, unknown>): object {
  return { kind: 'request', iommu: 'riscv-iommu', ...each, source: 'riscv-model', agree: ['reader'] };
}

const unit = { units: 0, unitsDiffering: [], shown: new Set<string>() };
const tally: LookupTally = { taken: 0, ambiguous: 0, differing: [], unit };
const lines: object[] = [
  ...ruleLines(),
  ...linesOf(`${VECTORS}R_riscv_model.jsonl.gz`).map(requestLine),
  ...emulatorLines(),
  ...vectorFiles().flatMap((file) =>
    linesOf(VECTORS + file).flatMap((vector) => vectorLines(vector as unknown as Vector, tally)),
  ),
];
const cases = lines.filter((line) => (line as { kind: string }).kind !== 'image').length;
const header = { pack: 'iommu-workbench', version: PACK_VERSION, cases, sources: SOURCES };
const text = [header, ...lines].map((line) => `${JSON.stringify(line)}\n`).join('');
const packed = gzipSync(text, { level: 9 });
// RFC 1952: byte 9 names the operating system; 255 is unknown, so that every machine writes the same bytes
packed[9] = 255;
writeFileSync(PACK, packed);
console.log(`${PACK}: ${cases} cases, ${packed.length} bytes`);
console.log(
  `lookups: ${tally.taken} taken, ${tally.ambiguous} recorded as 0, ${tally.differing.length} left out: ${tally.differing.slice(0, 8).join(', ')}`,
);
console.log(
  `units over Linux's tables: ${unit.units} taken, ${unit.unitsDiffering.length} left out: ${unit.unitsDiffering.slice(0, 8).join(', ')}`,
);
