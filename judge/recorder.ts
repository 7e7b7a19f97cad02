/**
 * Writes what the emulator and the reader agreed on as lines of a conformance pack: an image a scene, a case an answer.
 * @module
 */
import { hex } from '../src/address.ts';
import { wordRuns } from '../src/conform/pack/image.ts';
import type { Flip, Recorder } from './judge.ts';
import type { Question, Seen, Told } from './probe.ts';
import type { Session, Unit } from './unit.ts';

/** Every word of the emulator's memory that is not zero and lies outside the data pages. */
function* wordsOf({ image, layout }: Session): Generator<readonly [number, bigint]> {
  const words = new BigUint64Array(image.bytes.buffer);
  for (let i = 0; i < words.length; i++) {
    const at = image.base + 8 * i;
    const word = words[i] ?? 0n;
    if (word !== 0n && (at < layout.data || at >= layout.data + layout.dataBytes)) yield [at, word];
  }
}

/** Fields of the emulator's record that are as the reader says; undefined where it has none. */
function recordOf({ unset, iommu }: Session, { event }: Told, { events }: Seen): Record<string, string> | undefined {
  const [theirs] = events ?? [];
  if (event === undefined || theirs === undefined) return undefined;
  const same = Object.entries(event.fields ?? {}).filter(
    ([name, value]) => theirs.fields?.[name] === value && unset?.has(name) !== true,
  );
  const fields = same.map(([name, value]) => [name, hex(value)] as const);
  if (theirs.iova !== undefined && theirs.iova === event.iova) {
    fields.push([iommu === 'riscv-iommu' ? 'iotval' : 'InputAddr', hex(theirs.iova)]);
  }
  if (theirs.write !== undefined && theirs.write === event.write) fields.push(['RnW', theirs.write ? '0x0' : '0x1']);
  return fields.length === 0 ? undefined : Object.fromEntries(fields);
}

/** Lines of one unit. */
export class PackRecorder implements Recorder {
  readonly lines: object[] = [];
  readonly #unit: string;
  readonly #source: string;
  #scenes = 0;
  #cases = 0;
  #image = '';

  constructor(unit: Unit, source: string) {
    this.#unit = unit.name.replaceAll(/\W+/g, '-').toLowerCase();
    this.#source = source;
  }

  /** Adds the scene's memory. */
  scene(session: Session): void {
    const { base, bytes } = session.image;
    this.#image = `${this.#unit}-${++this.#scenes}`;
    const ranges = [[hex(base), hex(base + bytes.length)]];
    this.lines.push({ kind: 'image', id: this.#image, ranges, words: wordRuns(wordsOf(session)) });
  }

  /** Adds a case, unless its walk ended in the data pages: an image does not hold them. */
  agreed(session: Session, answer: { question: Question; flip: Flip | undefined; told: Told; seen: Seen }): void {
    const { question, flip, told, seen } = answer;
    const { data, dataBytes } = session.layout;
    const entry = told.result.entryAddress ?? 0;
    if (entry >= data && entry < data + dataBytes) return;
    const named = told.result.ok ? undefined : (told.event?.name ?? told.result.syndrome);
    const fault = seen.events === undefined || seen.events.length === 0 ? null : named;
    const record = recordOf(session, told, seen);
    this.lines.push({
      kind: 'unit',
      id: `${this.#image}-${++this.#cases}${flip === undefined ? '' : ` ${flip.name}`}`,
      iommu: session.iommu,
      image: this.#image,
      ...(flip === undefined ? {} : { words: [[hex(flip.address), hex(session.image.read64(flip.address) ?? 0n)]] }),
      registers: Object.fromEntries([...session.registers].map(([name, value]) => [name, hex(value)])),
      device: hex(session.stream),
      access: question.write ? 'write' : 'read',
      iova: hex(question.iova),
      expect: told.result.ok
        ? { address: hex(seen.reached ?? 0) }
        : { fault, ...(fault === null || record === undefined ? {} : { record }) },
      source: this.#source,
      agree: ['reader'],
    });
  }
}
