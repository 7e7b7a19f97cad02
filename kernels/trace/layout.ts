// Where the kernel of trace lines finds what it knows and leaves events; src/trace/fast/layout.ts says the same.

/**
 * What a call leaves, as words: events written, lines passed over, whether the head of the line that was not read is known, where
 * the column of lists ends.
 */
export const LEFT: usize = 64;

/** Heads of lines, starts of dma bodies, names of events that are not used: sets of two entries. */
export const HEADS: usize = 0x10000;
export const HEAD_SETS: u32 = 2048;
export const STARTS: usize = 0x90000;
export const START_SETS: u32 = 128;
export const NAMES: usize = 0x98000;
export const NAME_SETS: u32 = 32;

/** An entry: its bytes, how many, then words and doubles. */
export const ENTRY_BYTES: usize = 128;
export const LONGEST: usize = 96;
export const LENGTH: usize = 96;
/** Of a head: task; of a start: kind, device, direction; of a name: how many lines were passed over. */
export const TASK: usize = 100;
export const KIND: usize = 100;
export const DEVICE: usize = 104;
export const DIRECTION: usize = 108;
export const LINES: usize = 100;
/** Of a head, as doubles. */
export const PID: usize = 104;
export const CPU: usize = 112;

/** Columns of events: eight doubles and four words each. */
export const NUMBERS: usize = 0xa0000;
export const WORDS: usize = 0xb0000;
/** Lists of the events that have one: two counts, 0 (the list is not cut off), then addresses, lengths and physical addresses. */
export const LISTS: usize = 0xc0000;
