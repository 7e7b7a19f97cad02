/**
 * Scenes, probes and mutants of one unit, and how the emulator and the reader compare.
 * @module
 */
import { walkContext } from '../src/hardware/iommu.ts';
import type { Emulator } from './emulator.ts';
import { ask, compare, type Outcome, Prober, type Question, type Seen, type Told, unaskable } from './probe.ts';
import { EmulatorError } from './qtest.ts';
import { below, makeScene, oneOf, type Scene, someAddress } from './scene.ts';
import type { Random, Session, Unit } from './unit.ts';

const PROBES_A_SCENE = 60;
const MUTANTS_A_SCENE = 25;
/** An emulator that ends more often than this cannot judge. */
const MOST_ENDS = 1000;
/** One that ends so often before it answers anything is not started again. */
const MOST_IN_VAIN = 3;

/** A question on which the two differ, and what it was about. */
export interface Difference {
  readonly unit: string;
  /** What was flipped: `CD bit 46`, `level 3 entry bit 10`; nothing for a probe. */
  readonly flip: string | undefined;
  readonly ours: string;
  readonly theirs: string;
  /** Reason of the reader's fault, with ` at a table` behind a stage 1; `ok` where there is none. */
  readonly reason: string;
  /** The question and its scene, to look at. */
  readonly detail: string;
}

/** Counts of one unit's run. */
export interface UnitReport {
  readonly unit: string;
  probes: number;
  mutants: number;
  agreed: number;
  readonly noVerdict: Map<string, number>;
  readonly differences: Difference[];
}

/** Is given each scene, and each answer on which the two agree. */
export interface Recorder {
  /** A scene was written. */
  scene(session: Session): void;
  /** The two agree; `flip` says what was changed in the scene. */
  agreed(session: Session, answer: { question: Question; flip: Flip | undefined; told: Told; seen: Seen }): void;
}

/** A changed bit. */
export interface Flip {
  readonly name: string;
  readonly address: number;
  readonly bit: number;
}

function hexOf(value: unknown): string {
  return JSON.stringify(value, (_, one: unknown) => (typeof one === 'bigint' ? `0x${one.toString(16)}` : one));
}

function reasonOf(result: Told['result']): string {
  if (result.ok) return 'ok';
  return result.during === 'table' ? `${result.reason} at a table` : result.reason;
}

/** One emulator at a time; a new one where it ends. */
export class Judge {
  readonly report: UnitReport;
  readonly #unit: Unit;
  readonly #emulator: Emulator;
  readonly #random: Random;
  readonly #recorder: Recorder | undefined;
  #session: Session | undefined;
  #prober: Prober | undefined;
  #ended = 0;
  #inVain = 0;

  constructor(unit: Unit, emulator: Emulator, random: Random, recorder?: Recorder) {
    this.#unit = unit;
    this.#emulator = emulator;
    this.#random = random;
    this.#recorder = recorder;
    this.report = { unit: unit.name, probes: 0, mutants: 0, agreed: 0, noVerdict: new Map(), differences: [] };
  }

  /** Runs scenes until so many probes and mutants were asked. */
  async run(probes: number, mutants: number, progress: () => void = () => {}): Promise<void> {
    while (this.report.probes < probes || this.report.mutants < mutants) {
      try {
        await this.#scene(
          Math.min(PROBES_A_SCENE, probes - this.report.probes),
          Math.min(MUTANTS_A_SCENE, mutants - this.report.mutants),
        );
      } catch (error) {
        if (!(error instanceof EmulatorError)) throw error;
        this.#count(`the emulator ended: ${error.message}`);
        await this.stop();
        if (++this.#ended > MOST_ENDS || ++this.#inVain >= MOST_IN_VAIN) throw error;
      }
      progress();
    }
  }

  /** Ends the emulator. */
  async stop(): Promise<void> {
    await this.#session?.stop();
    this.#session = undefined;
  }

  async #open(): Promise<{ session: Session; prober: Prober }> {
    if (this.#session === undefined || this.#prober === undefined) {
      const session = await this.#unit.start(this.#emulator);
      const { image, layout, qtest } = session;
      this.#session = session;
      image.nameWords(layout.data, layout.dataBytes);
      await image.send(qtest);
      this.#prober = new Prober(session);
      await this.#prober.begin();
    }
    return { session: this.#session, prober: this.#prober };
  }

  async #scene(probes: number, mutants: number): Promise<void> {
    const { session } = await this.#open();
    const scene = makeScene(this.#unit, session, this.#random);
    await this.#settle(session);
    this.#recorder?.scene(session);
    for (let i = 0; i < probes; i++) {
      this.report.probes++;
      await this.#ask(
        scene,
        { iova: someAddress(scene, session.layout, this.#random), write: this.#random() < 0.4 },
        undefined,
      );
    }
    for (let i = 0; i < mutants && scene.mapped.length > 0; i++) await this.#mutant(scene);
  }

  /** Sends changed memory, drops what the unit remembers and the records so far. */
  async #settle(session: Session): Promise<void> {
    await session.image.send(session.qtest);
    await session.invalidate();
    await session.events();
  }

  async #mutant(scene: Scene): Promise<void> {
    const { session } = await this.#open();
    const run = oneOf(this.#random, scene.mapped);
    const iova = BigInt(run.iova + below(this.#random, run.bytes / 4) * 4);
    const flip = this.#flip(session, iova);
    if (flip === undefined) return;
    const { image } = session;
    const before = image.read64(flip.address) ?? 0n;
    image.write64(flip.address, before ^ (1n << BigInt(flip.bit)));
    await this.#settle(session);
    this.report.mutants++;
    await this.#ask(scene, { iova, write: false }, flip);
    await this.#ask(scene, { iova, write: true }, flip);
    image.write64(flip.address, before);
    await this.#settle(session);
  }

  /** A bit of a configuration structure, or of an entry on the way to an address. */
  #flip(session: Session, iova: bigint): Flip | undefined {
    const random = this.#random;
    if (random() < 0.5) {
      const { name, address, bytes } = oneOf(random, session.structures);
      const word = below(random, bytes / 8);
      const bit = below(random, 64);
      return { name: `${name} bit ${64 * word + bit}`, address: address + 8 * word, bit };
    }
    const context = session.model().context(session.stream);
    const steps = walkContext(session.image, context, iova)?.steps ?? [];
    if (steps.length === 0) return undefined;
    const step = oneOf(random, steps);
    const bit = below(random, 64);
    return { name: `${step.kind} entry of level ${step.level}, bit ${bit}`, address: step.entryAddress, bit };
  }

  async #ask(scene: Scene, question: Question, flip: Flip | undefined): Promise<void> {
    const { session, prober } = await this.#open();
    const told = ask(session, question);
    const why = unaskable(session, question, told);
    if (why !== undefined) {
      this.#count(why);
      return;
    }
    const seen = await prober.probe(question, told.result.ok ? told.result.pa : undefined);
    this.#inVain = 0;
    const outcome = compare(session, told, seen, question.iova);
    if (outcome.kind === 'agree') this.#recorder?.agreed(session, { question, flip, told, seen });
    this.#judge(outcome, { question, flip: flip?.name, told, scene });
  }

  #judge(outcome: Outcome, about: { question: Question; flip: string | undefined; told: Told; scene: Scene }): void {
    if (outcome.kind === 'agree') this.report.agreed++;
    if (outcome.kind !== 'differ') return;
    const { question, flip, told, scene } = about;
    const { ours, theirs } = outcome;
    const detail = hexOf({ ...question, ...scene.tables, told: told.result });
    const reason = reasonOf(told.result);
    this.report.differences.push({ unit: this.#unit.name, flip, ours, theirs, reason, detail });
  }

  #count(why: string): void {
    this.report.noVerdict.set(why, (this.report.noVerdict.get(why) ?? 0) + 1);
  }
}
