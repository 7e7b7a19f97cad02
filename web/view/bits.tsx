/**
 * An entry's bits as a strip: names above, bits below; each bit can be switched by mouse or keyboard.
 * @module
 */
import type { JSX } from 'preact';
import { useRef } from 'preact/hooks';
import type { BitGroup } from '../explore/bits.ts';
import { useWidth } from './width.ts';

/** Bits of one row of the strip: half as many where the place is narrow, in pixels. */
const PER_ROW = 32;
const NARROW = 560;

interface Piece extends BitGroup {
  readonly order: number;
}

/** Groups cut where a row of the strip ends. */
function rowsOf(groups: readonly BitGroup[], perRow: number): Piece[][] {
  const rows = new Map<number, Piece[]>();
  let order = 0;
  for (const { name, high, low } of groups) {
    if (name !== '') order++;
    for (let top = high; top >= low; ) {
      const row = Math.floor(top / perRow);
      const bottom = Math.max(low, row * perRow);
      rows.set(row, [...(rows.get(row) ?? []), { name, high: top, low: bottom, order }]);
      top = bottom - 1;
    }
  }
  return [...rows.entries()].sort(([a], [b]) => b - a).map(([, pieces]) => pieces);
}

function bitsDown({ high, low }: BitGroup): number[] {
  return Array.from({ length: high - low + 1 }, (_, i) => high - i);
}

function placeText({ high, low }: BitGroup): string {
  return high === low ? `${high}` : `${high}:${low}`;
}

/** Columns that a name of this length needs. */
function columnsFor(name: string): number {
  return Math.ceil((name.length + 1) / 3);
}

function classOf({ name, high, low, order }: Piece): string {
  const colour = name === '' ? 'unnamed' : order % 2 === 0 ? 'even' : 'odd';
  return `bit-group ${colour}${high - low + 1 < columnsFor(name) ? ' narrow' : ''}${high === low ? ' single' : ''}`;
}

/** The strip. `onFlip` is called with the bit that is switched; without it, the bits are only shown. */
export function BitStrip({
  value,
  groups,
  onFlip,
  label,
  isPartial = false,
}: {
  readonly value: bigint;
  readonly groups: readonly BitGroup[];
  readonly label: string;
  /** Bits without a name are not known: rows of them are left out. */
  readonly isPartial?: boolean;
  readonly onFlip?: ((bit: number) => void) | undefined;
}): JSX.Element {
  const strip = useRef<HTMLElement>(null);
  const place = useWidth(strip).value;
  const perRow = place > 0 && place < NARROW ? PER_ROW / 2 : PER_ROW;
  const width = (groups[0]?.high ?? 0) + 1;
  const rows = rowsOf(groups, perRow).filter((pieces) => !isPartial || pieces.some(({ name }) => name !== ''));
  const lowestNamed = groups.findLast(({ name }) => name !== '')?.low;
  const move = (event: KeyboardEvent, bit: number): void => {
    const step = { ArrowLeft: 1, ArrowRight: -1, ArrowUp: perRow, ArrowDown: -perRow }[event.key];
    if (step === undefined) return;
    event.preventDefault();
    strip.current?.querySelector<HTMLElement>(`[data-bit="${Math.min(width - 1, Math.max(0, bit + step))}"]`)?.focus();
  };
  return (
    <section class="bits" ref={strip} aria-label={label}>
      {rows.map((pieces) => (
        <div class="bit-row" style={{ '--bits': perRow }}>
          {pieces.map((piece) => (
            <div
              class={classOf(piece)}
              style={{ '--span': piece.high - piece.low + 1 }}
              title={`${piece.name === '' ? (isPartial ? 'not known' : 'not looked at') : piece.name} [${placeText(piece)}]`}
            >
              <span class="bit-name">{piece.name}</span>
              <span class="bit-place">{placeText(piece)}</span>
              <span class="bit-cells">
                {bitsDown(piece).map((bit) => {
                  const set = (value >> BigInt(bit)) & 1n;
                  if (isPartial && piece.name === '') return <span class="not-known">·</span>;
                  return (
                    <button
                      type="button"
                      data-bit={bit}
                      tabIndex={bit === (isPartial ? lowestNamed : 0) ? 0 : -1}
                      aria-pressed={set === 1n}
                      aria-label={`bit ${bit}: ${set}${piece.name === '' ? '' : `, ${piece.name}`}`}
                      aria-disabled={onFlip === undefined}
                      onClick={() => onFlip?.(bit)}
                      onKeyDown={(event) => move(event, bit)}
                    >
                      {String(set)}
                    </button>
                  );
                })}
              </span>
            </div>
          ))}
        </div>
      ))}
    </section>
  );
}
