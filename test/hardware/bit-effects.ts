/** A structure as its reader sees it, part by part; names of fields begin with a dot. `kind` says what it is. */
export type Parts = Readonly<Record<string, string>>;

const NUMBER = /^(0x[0-9a-f]+|\d+)$/;

/** How a value changes with a bit: where it is one bit of a number, by how far its place is from the structure's. */
function change(from: string, to: string, bit: number): string {
  if (!NUMBER.test(from) || !NUMBER.test(to)) return to;
  const difference = (BigInt(from) ^ BigInt(to)).toString(2);
  if (!/^10*$/.test(difference)) return to;
  const distance = difference.length - 1 - bit;
  return distance === 0 ? 'bit' : `bit${distance < 0 ? '' : '+'}${distance}`;
}

/** The same of an address that may have come from one of the pointers. */
function pointed(from: string, to: string, bit: number, pointers: readonly number[]): string {
  const known = pointers.map((each) => `0x${each.toString(16)}`);
  if (known.includes(to)) return to;
  const texts = [from, ...known].map((each) => change(each, to, bit));
  return texts.find((text) => text !== to) ?? to;
}

function changes(from: Parts, to: Parts, bit: number, pointers: readonly number[]): string {
  const isSame = from['kind'] === to['kind'];
  const isShown = (part: string) => from[part] !== to[part] && (isSame || !part.startsWith('.'));
  const parts = Object.keys(to).filter(isShown);
  return parts.map((part) => `${part} ${pointed(from[part] ?? '', to[part] ?? '', bit, pointers)}`.trim()).join(', ');
}

/** What a flip of each bit changes, as lines `last:first: changes`. Bits that change nothing have no line. */
export function effectsOfBits(
  base: Parts,
  bits: number,
  flipped: (bit: number) => Parts,
  pointers: readonly number[] = [],
): string[] {
  const lines: { first: number; last: number; text: string }[] = [];
  for (let bit = 0; bit < bits; bit++) {
    const text = changes(base, flipped(bit), bit, pointers);
    const before = lines.at(-1);
    if (before?.text === text && before.last === bit - 1) before.last = bit;
    else if (text !== '') lines.push({ first: bit, last: bit, text });
  }
  return lines.map(({ first, last, text }) => `${first === last ? first : `${last}:${first}`}: ${text}`);
}

/** A structure in one line, without its fields. */
export function partsText(parts: Parts): string {
  const { kind = '', ...rest } = parts;
  const said = Object.entries(rest).filter(([part, text]) => text !== '' && !part.startsWith('.'));
  return [kind, ...said.map(([part, text]) => `${part} ${text}`)].join(', ');
}
