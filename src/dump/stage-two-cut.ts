/**
 * Leaves of a first stage cut by those of a second one.
 * @module
 */
import type { PhysicalReader } from '../bus.ts';
import type { Regime } from '../hardware/walk/regime.ts';
import type { Fault } from '../hardware/walk/types.ts';
import { Walker } from '../hardware/walk/walker.ts';
import type { DecodeLimits, DomainReader } from './domain-reader.ts';

/** Bytes of the smallest page of every second stage. */
const PAGE = 4096;

/** Receives a piece of a leaf: offset from its region's base, physical address, bytes. */
export type PieceSink = (offset: number, pa: number, bytes: number) => void;

/** Cuts stage 1 leaves by stage 2 leaves. */
export class StageTwoCut {
  readonly #stage2: Walker;
  readonly #out: Pick<DomainReader, 'findOn'>;
  readonly #limits: Pick<DecodeLimits, 'pieces'>;

  /** @param limits - of the whole decoding; pieces are taken from them */
  constructor(
    reader: PhysicalReader,
    stage2: Regime,
    out: Pick<DomainReader, 'findOn'>,
    limits: Pick<DecodeLimits, 'pieces'>,
  ) {
    this.#stage2 = new Walker(reader, stage2);
    this.#out = out;
    this.#limits = limits;
  }

  /** Gives the pieces of a leaf that leads to intermediate address `ipa`, and finds what stage 2 does not translate. */
  cut(base: bigint, offset: number, ipa: number, bytes: number, give: PieceSink): void {
    for (let done = 0; done < bytes; ) {
      const answer = this.#stage2.translate(ipa + done);
      const left = bytes - done;
      const iova = base + BigInt(offset + done);
      if (this.#limits.pieces-- <= 0) {
        this.#missing('table-limit', iova, left);
        return;
      }
      const piece = answer.ok
        ? Math.min(answer.size - (answer.pa - answer.base), left)
        : Math.min(this.#faulting(answer, ipa + done), left);
      if (answer.ok) give(offset + done, answer.pa, piece);
      else this.#missing(answer.reason, iova, piece);
      done += piece;
    }
  }

  /** Bytes from an intermediate address on that fault as it does: what the entry covers that it ended at. */
  #faulting({ reason, level }: Fault, ipa: number): number {
    const { regions } = this.#stage2.regime;
    if (reason === 'input-outside-region' && regions.every(({ base, size }) => Number(base) + size <= ipa)) {
      return Number.POSITIVE_INFINITY;
    }
    const region = regions.find(({ base, size }) => ipa >= Number(base) && ipa < Number(base) + size);
    const unit = region?.descriptors.levels.find((one) => one.level === level)?.unit ?? PAGE;
    const end = region === undefined ? Number.POSITIVE_INFINITY : Number(region.base) + region.size;
    return Math.min(unit - (ipa % unit), end - ipa);
  }

  #missing(reason: Fault['reason'] | 'table-limit', iova: bigint, bytes: number): void {
    this.#out.findOn({ reason, iova, bytes, level: 0, entryAddress: 0, entry: undefined });
  }
}
