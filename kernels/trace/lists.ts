// Lists of addresses and lengths, as dma_map_sg and dma_unmap_sg print them.
import { LEFT } from './layout';
import { digitsOf, hexadecimalOf, hexadecimals } from './numbers';

/** The kernel of Linux cuts lists off at 128 elements; a longer one is something else. */
const MOST_ELEMENTS: u32 = 4096;
const EXACT_BITS: i64 = 53;

/** Where the next space stands within sixteen bytes; sixteen bytes further where none does. */
@inline
export function behindWord(at: usize): usize {
  return at + (digitsOf(i8x16.bitmask(i8x16.eq(v128.load(at), i8x16.splat(0x20))) as u32) as usize);
}

/** `{0x1000,0x2000}`, as doubles from `to` on. Leaves their number behind LEFT. Behind the brace, or 0. */
export function behindArray(at: usize, to: usize): usize {
  if (load<u8>(at) != 0x7b) return 0;
  const last = to + ((MOST_ELEMENTS as usize) << 3);
  const first = to;
  let end: u8 = 0x2c;
  while (end == 0x2c) {
    const values = hexadecimals(v128.load(at, 3));
    const digits = digitsOf(i8x16.bitmask(i8x16.gt_u(values, i8x16.splat(15))) as u32);
    if (load<u16>(at, 1) != 0x7830 || digits == 0 || to == last) return 0;
    const value = hexadecimalOf(values, digits);
    if ((value as u64) >> EXACT_BITS != 0) return 0;
    store<f64>(to, value as f64);
    to += 8;
    at += 3 + (digits as usize);
    end = load<u8>(at);
  }
  if (end != 0x7d) return 0;
  store<u32>(LEFT, ((to - first) >> 3) as u32, 16);
  return at + 1;
}
