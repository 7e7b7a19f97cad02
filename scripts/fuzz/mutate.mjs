// Mutations of bytes and of text. Each takes the input, a random generator and another input of the same reader.

const LONGEST = 1 << 20;
const WORDS = [
  0, 1, 2, 3, 7, 8, 0x7f, 0x80, 0xff, 0x100, 0xfff, 0x1000, 0xffff, 0x10000, 0x7fffffff, 0x80000000, 0xffffffff,
];
const NUMBERS = [
  '0',
  '-1',
  '1',
  '9',
  '64',
  '65',
  '4095',
  '4294967295',
  '4294967296',
  '9007199254740993',
  '1e309',
  '1e-320',
].concat([
  '18446744073709551615',
  '18446744073709551616',
  '0xffffffffffffffff',
  '0x0',
  'NaN',
  '',
  '00',
  '1.5',
  '9'.repeat(400),
]);
const WEIRD = [
  'constructor',
  '__proto__',
  'toString',
  'hasOwnProperty',
  'null',
  '\u001b[2J',
  '\u202e',
  '\0',
  '"',
  '=',
  ',',
  '{',
  ']',
  '\r',
];
const SPARE = [' ', '\t', 'a', '0', '-', '(', '[', '|', '"', ',', '=', '/*', '-1 => ', '\n', 'ff:'];

function place(bytes, random, length = 0) {
  return random.below(Math.max(1, bytes.length - length + 1));
}

function splice(bytes, at, removed, inserted) {
  const out = new Uint8Array(bytes.length - removed + inserted.length);
  out.set(bytes.subarray(0, at));
  out.set(inserted, at);
  out.set(bytes.subarray(at + removed), at + inserted.length);
  return out;
}

const encoder = new TextEncoder();

const MUTATIONS = [
  function flip(bytes, random) {
    const out = bytes.slice();
    if (out.length > 0) out[place(out, random, 1)] ^= 1 << random.below(8);
    return out;
  },
  function word(bytes, random) {
    const width = random.pick([1, 2, 4, 8]);
    if (bytes.length < width) return bytes;
    const out = bytes.slice();
    const at = place(out, random, width);
    const aligned = random.below(2) === 0 ? at - (at % width) : at;
    const value = random.pick(WORDS) - random.below(2);
    const view = new DataView(out.buffer);
    for (let i = 0; i < width; i++)
      view.setUint8(aligned + i, i < 4 ? (value >>> (8 * i)) & 0xff : value < 0 ? 0xff : 0);
    return out;
  },
  function cut(bytes, random) {
    return bytes.slice(0, place(bytes, random));
  },
  function remove(bytes, random) {
    const length = Math.min(bytes.length, 1 + random.below(64));
    return splice(bytes, place(bytes, random, length), length, new Uint8Array(0));
  },
  function duplicate(bytes, random) {
    const from = place(bytes, random);
    const part = bytes.subarray(from, from + 1 + random.below(512));
    return splice(bytes, place(bytes, random), 0, part);
  },
  function cross(bytes, random, other) {
    const from = place(other, random);
    const part = other.subarray(from, from + 1 + random.below(1024));
    const at = place(bytes, random);
    return splice(bytes, at, Math.min(bytes.length - at, random.below(2) * part.length), part);
  },
  function number(bytes, random) {
    const at = place(bytes, random);
    let start = at;
    while (start < bytes.length && !(bytes[start] >= 0x30 && bytes[start] <= 0x39)) start++;
    let end = start;
    while (end < bytes.length && bytes[end] >= 0x30 && bytes[end] <= 0x39) end++;
    return splice(bytes, start, end - start, encoder.encode(random.pick(NUMBERS)));
  },
  function weird(bytes, random) {
    const at = place(bytes, random);
    let start = at;
    const letter = (byte) => byte >= 0x61 && byte <= 0x7a;
    while (start < bytes.length && !letter(bytes[start])) start++;
    let end = start;
    while (end < bytes.length && letter(bytes[end])) end++;
    return splice(bytes, start, random.below(2) * (end - start), encoder.encode(random.pick(WEIRD)));
  },
  function repeat(bytes, random) {
    const count = random.pick([16, 256, 4096, 60000]);
    const text = random.pick(SPARE);
    return splice(bytes, place(bytes, random), 0, encoder.encode(text.repeat(Math.ceil(count / text.length))));
  },
];

/** An input with one to eight mutations. */
export function mutate(input, other, random) {
  let bytes = input;
  const rounds = 1 + random.below(random.pick([2, 4, 8]));
  for (let i = 0; i < rounds; i++) bytes = random.pick(MUTATIONS)(bytes, random, other);
  return bytes.length > LONGEST ? bytes.slice(0, LONGEST) : bytes;
}
