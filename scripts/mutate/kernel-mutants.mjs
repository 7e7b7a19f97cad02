// Faults in the compiled kernels: a mask, a stride, a bound or a tail that is wrong. `from` stands once
// behind the head of its kernel.

/** Kernel, kind of fault, the text that is replaced, and by what. */
export const KERNEL_MUTANTS = [
  ['fill8', 'stride', '(stride << 1) as i64', '(stride << 2) as i64'],
  ['fill8', 'stride', '(stride << 2) as i64', '(stride << 1) as i64'],
  ['fill8', 'tail', 'count & ~3', 'count & ~1'],
  ['fill8', 'bound', 'dest < end; dest += 8', 'dest <= end; dest += 8'],
  ['fill4', 'stride', 'value += stride', 'value += stride + 1'],
  ['fill4', 'bound', 'dest < end', 'dest + 4 < end'],
  ['firstSet8', 'tail', 'i < to; i++', 'i + 1 < to; i++'],
  ['firstSet8', 'bound', 'v128.load(at, 48)', 'v128.load(at, 32)'],
  ['firstClear8', 'bound', 'i64x2.eq(v128.load(at, 16), zero)', 'i64x2.eq(v128.load(at), zero)'],
  ['firstClear8', 'tail', 'i < to; i++', 'i + 1 < to; i++'],
  [
    'firstWith8',
    'mask',
    '(load<u64>(table + ((i as usize) << 3)) & mask) == mask',
    '(load<u64>(table + ((i as usize) << 3)) & mask) != 0',
  ],
  [
    'firstWith8',
    'mask',
    'i64x2.eq(v128.and(v128.load(at), masks), masks)',
    'i64x2.eq(v128.and(v128.load(at, 16), masks), masks)',
  ],
  ['dirty8', 'tail', 'at + 16 <= end', 'at + 8 <= end'],
  ['dirty8', 'mask', '(entry & mask) == value', '(entry & mask) != 0'],
  ['dirty8', 'bound', 'min<u32>(left, 32)', 'min<u32>(left, 31)'],
  ['firstSet4', 'tail', 'i < to; i++', 'i + 1 < to; i++'],
  ['firstClear4', 'mask', '!i32x4.all_true', '!v128.any_true'],
  ['checkList', 'mask', '(a | l) & mask', 'a & mask'],
  ['checkList', 'tail', 'total += length', 'total = length'],
  ['checkList', 'bound', 'f64x2.add(address, length)', 'address'],
  ['checkPages', 'tail', 'at < ((count as usize) << 3)', 'at + 8 < ((count as usize) << 3)'],
  ['checkPages', 'bound', 'v128.xor(v128.load(lengths + at, 16), pages)', 'v128.xor(v128.load(lengths + at), pages)'],
  ['gatherPages8', 'mask', 'mask & (MANTISSA >> (shift as i64))', 'mask | (MANTISSA >> (shift as i64))'],
  ['gatherPages8', 'stride', 'dest += 8, from += 8', 'dest += 8, from += 16'],
  ['takePages8', 'tail', 'if (dest < end)', 'if (dest + 8 < end)'],
  ['takePages8', 'bound', 'v128.xor(v128.load(lengths), pages)', 'wrong'],
  ['takePages8', 'mask', 'allowed >> (shift as i64)', 'allowed'],
  ['gather8', 'bound', 'taken == pages', 'taken >= pages - 1'],
  ['gather8', 'stride', 'page >> (shift as u64)', 'page >> ((shift + 1) as u64)'],
  ['gather8', 'tail', 'dest + 16 <= end', 'dest + 8 <= end'],
  [
    'gather4',
    'mask',
    '(whole(load<f64>(addresses + ((index as usize) << 3)) + offset) as u32) & mask',
    '(whole(load<f64>(addresses + ((index as usize) << 3))) as u32) & mask',
  ],
  ['smallPages', 'bound', 'start + next <= limit', 'start + next < limit'],
  ['follow', 'mask', 'load<u32>(level, 4);', 'load<u32>(level, 4) >> 1;'],
  ['follow', 'bound', 'depth < target; depth++', 'depth + 1 < target; depth++'],
  ['sharedDepth', 'bound', 'while (depth > top', 'while (depth > top + 1'],
  ['outputAt', 'mask', '((1 as u64) << shift) - 1', '((2 as u64) << shift) - 1'],
  ['areClear8', 'tail', 'at < end; at += 8', 'at + 8 < end; at += 8'],
  ['mapPages8', 'bound', '(found & 15) != depth', '(found & 15) > depth'],
  ['writeLeaves8', 'bound', 'load<u64>(entry) != 0', 'load<u32>(entry) != 0'],
  ['arePages', 'bound', 'at + bytes <= end', 'at <= end'],
  ['arePages', 'mask', 'at + scale - scale == at', 'at == at'],
  ['followToLast', 'mask', 'load<u32>(CALLS, 32)', '(load<u32>(CALLS, 32) + 7)'],
  ['entryOf', 'bound', 'index + count > mask + 1', 'index > mask'],
  ['writeLeaves8', 'stride', 'pageShift - shift', 'pageShift'],
  ['mapCall8', 'mask', '<< pageShift, pageShift', ', pageShift'],
  ['scaleAt', 'mask', 'depth << 4', '(depth + 1) << 4'],
  ['areSingle8', 'tail', 'entry < end; entry += 8', 'entry + 8 < end; entry += 8'],
  ['seemSingle8', 'mask', 'i64x2.all_true(all)', 'true'],
  ['seemSingle8', 'bound', 'v128.load(entry, 16)', 'v128.load(entry)'],
  ['areSingle8', 'mask', '(leaf & several) == several', 'false'],
  ['unmapCall8', 'bound', 'at < end; at += 8', 'at <= end; at += 8'],
  ['tablesCall8', 'bound', 'entry < end; entry += 8', 'entry + 8 < end; entry += 8'],
  ['tablesCall8', 'mask', '(load<u32>(entry) & mask) != value', 'load<u32>(entry) == 0'],
  ['tablesCall8', 'stride', 'dest += 4', 'dest += 8'],
  ['translateCall8', 'bound', 'at >= load<u64>(CALLS, 40)', 'at > load<u64>(CALLS, 40)'],
  ['decode8', 'tail', 'if (count & 1)', 'if (count & 2)'],
  ['decode8', 'mask', 'i64x2.eq(entries, zero)', 'i64x2.eq(v128.and(entries, masks), zero)'],
].map(([kernel, kind, from, by]) => ({ kernel, kind, from, by }));

/** Files of the kernels. */
export const KERNEL_SOURCES = ['common', 'entries', 'lists', 'walk', 'calls', 'index'].map(
  (name) => `kernels/${name}.ts`,
);

/** The sources by file, one with a fault in it. Throws where the text does not stand there, or twice. */
export function withFault(sources, { kernel, from, by }) {
  const name = `function ${kernel}(`;
  const [file, source] = [...sources].find(([, text]) => text.includes(name)) ?? [undefined, ''];
  const head = source.indexOf(name);
  const foot = source.indexOf('\n}\n', head);
  const body = source.slice(head, foot);
  if (file === undefined || body.split(from).length !== 2) throw new Error(`${kernel}: expected '${from}' once`);
  return new Map([...sources, [file, source.slice(0, head) + body.replace(from, () => by) + source.slice(foot)]]);
}
