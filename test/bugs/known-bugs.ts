/**
 * Bugs that people made in page-table code, each as the change that makes it here and the rule that it breaks.
 * @module
 */
import type { Plant, Rooms } from './planted.ts';
import {
  checkBlockLevels,
  checkBreakBeforeMake,
  checkContiguousAlignment,
  checkCountsAfterPartialUnmap,
  checkGranuleCodes,
  checkInputLimit,
  checkLeafEndsWalk,
  checkOverflow,
  checkReaderBlockLevels,
  checkReaderGranules,
  checkSizesAbove4GiB,
  checkSplitOverLevels,
  checkTablesFreed,
  checkUnmapAtTop,
} from './rules.ts';

/** A rule, the check of it, and changes of the sources under which that check must fail. */
export interface KnownBug {
  readonly rule: string;
  readonly check: (rooms: Rooms) => void;
  readonly plants: readonly Plant[];
}

const TREE = 'src/pagetable/tree.ts';
const REMOVAL = 'src/pagetable/removal.ts';
const SHAPE = 'src/formats/lpae-shape.ts';

/** The bugs. */
export const KNOWN_BUGS: readonly KnownBug[] = [
  {
    rule: 'a leaf ends a walk: what it holds is never read as a table',
    check: checkLeafEndsWalk,
    plants: [
      {
        file: SHAPE,
        from: 'tableMask: leaf ? 0 : TYPE_MASK,\n    tableValue: leaf ? 1 : TYPE_TABLE,',
        by: 'tableMask: leaf ? 0 : 1,\n    tableValue: 1,',
      },
      {
        file: TREE,
        from: 'return (lo & level.tableMask) === level.tableValue;',
        by: 'return level !== undefined && lo !== 0;',
      },
    ],
  },
  {
    rule: 'every table of a split over several levels is linked and freed',
    check: checkSplitOverLevels,
    plants: [
      {
        file: 'src/pagetable/unmap.ts',
        from: '  tree.link(at, table, depth);\n  tree.meter.splits++;',
        by: '  if (slots > 0) tree.link(at, table, depth);\n  tree.meter.splits++;',
      },
    ],
  },
  {
    rule: 'an entry is broken, and the TLB told, before another one is made',
    check: checkBreakBeforeMake,
    plants: [
      {
        file: REMOVAL,
        from: '    tree.tlb.flushWalk(iova, span, this.#granule);\n    if (!tree.journal',
        by: '    if (!tree.journal',
      },
      {
        file: REMOVAL,
        from: '    tree.store(at, 0, 0);\n    tree.memory.queue(table, ',
        by: '    tree.memory.queue(table, ',
      },
    ],
  },
  {
    rule: 'an unmap of a part counts the entries that it leaves',
    check: checkCountsAfterPartialUnmap,
    plants: [
      { file: 'src/pagetable/unmap.ts', from: '  tree.memory.addEntries(table, -entries);', by: '' },
      { file: 'src/pagetable/at-once.ts', from: '    memory.addEntries(table, -pages);', by: '' },
    ],
  },
  {
    rule: 'an unmap that reaches the top of the address space ends there',
    check: checkUnmapAtTop,
    plants: [
      {
        file: 'src/pagetable/runs.ts',
        from: `  while (unmapped < bytes) {
    chooser.chooseFor(iova + unmapped, bytes - unmapped);
    const step = sink.unmapPages(iova + unmapped, chooser.size, single ? 1 : chooser.count, queued);`,
        by: `  for (let at = iova; at < iova + bytes; at = (iova + unmapped) % 2 ** 48) {
    chooser.chooseFor(at, bytes);
    const step = sink.unmapPages(at, chooser.size, single ? 1 : chooser.count, queued);`,
      },
    ],
  },
  {
    rule: 'a block stands only at levels that have blocks',
    check: checkBlockLevels,
    plants: [
      { file: SHAPE, from: '12: [pow2(12), pow2(21), pow2(30)],', by: '12: [pow2(12), pow2(21), pow2(30), pow2(39)],' },
    ],
  },
  {
    rule: 'a reader refuses a block at a level that has none',
    check: checkReaderBlockLevels,
    plants: [
      { file: 'src/hardware/walk/aarch64.ts', from: 'if (level < this.#blockLevel) return BLOCK_NOT_ALLOWED;', by: '' },
    ],
  },
  {
    rule: 'contiguous pages are aligned in input and output',
    check: checkContiguousAlignment,
    plants: [
      {
        file: 'src/pagetable/page-size.ts',
        from: 'const low = lowHalf(at) | lowHalf(pa);',
        by: 'const low = lowHalf(at);',
      },
    ],
  },
  {
    rule: '52 bits come with each granule in its own way',
    check: checkReaderGranules,
    plants: [
      {
        file: 'src/hardware/walk/aarch64.ts',
        from: 'return granule === 65536 ? oas === 52 : ds === true;',
        by: 'return granule !== 4096 ? oas === 52 && granule === 65536 : ds === true;',
      },
    ],
  },
  {
    rule: 'a granule is encoded in TG1 as TG1 has it',
    check: checkGranuleCodes,
    plants: [{ file: 'src/formats/lpae-registers.ts', from: "hasQuirk(request, 'ARM_TTBR1') ? TG1 : TG0", by: 'TG0' }],
  },
  {
    rule: 'a table that was allocated is freed',
    check: checkTablesFreed,
    plants: [
      {
        file: REMOVAL,
        from: '    this.releaseTable(depth, table);\n  }\n\n  /** Frees one table. */',
        by: '    if (depth !== tree.last) this.releaseTable(depth, table);\n  }\n\n  /** Frees one table. */',
      },
    ],
  },
  {
    rule: 'an input address above the limit is refused by name',
    check: checkInputLimit,
    plants: [
      {
        file: 'src/core/checks.ts',
        from: 'iova >= 0 && iova < this.#plainEnd && Number.isInteger(iova)',
        by: 'iova >= 0 && Number.isInteger(iova)',
      },
    ],
  },
  {
    rule: 'page sizes are chosen by all bits of both addresses, across 4 GiB too',
    check: checkSizesAbove4GiB,
    plants: [
      {
        file: 'src/pagetable/page-size.ts',
        from: 'const high = low === 0 ? highHalf(at) | highHalf(pa) : 0;',
        by: 'const high = 0;',
      },
    ],
  },
  {
    rule: 'the end of a range is checked for overflow',
    check: checkOverflow,
    plants: [
      { file: 'src/pagetable/range-checks.ts', from: 'return iova + bytes > TWO_64 ? EOVERFLOW : 0;', by: 'return 0;' },
      {
        file: 'src/core/checks.ts',
        from: 'return start + bytes <= end &&',
        by: 'return (start + bytes) % end <= end &&',
      },
    ],
  },
];
