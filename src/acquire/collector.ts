/**
 * The part that all acquisition scripts share, in Python: from registers to every page of device tables and page tables,
 * written as sparse pages and a register file. It decodes just enough to find the next table.
 * @module
 */
import { COLLECT_AMD } from './collect-amd.ts';
import { COLLECT_RISCV } from './collect-riscv.ts';
import { WRITER } from './writer.ts';

/** Python source: the collector, Arm's and Intel's tables. */
const COLLECTOR_TEXT: string = `
import base64
import json
import os
import struct
import sys

PAGE = 4096
MOST_PAGES = 1 << 20
MOST_TABLES = 1 << 18
# Words that are read: some to begin with, more for every page that is there; what a look costs.
FIRST_WORDS = 1 << 22
PAGE_WORDS = 1 << 12
LOOK_WORDS = 8
MISSING_WORDS = 256
ADDRESS = 0x000FFFFFFFFFF000


def bits(value, at, count):
    return (value >> at) & ((1 << count) - 1)


class Enough(Exception):
    """The structures name more words than their pages can hold: they share pages, or lead to missing ones."""


class Collector:
    """Reads memory page by page and keeps every page that it was led to."""

    def __init__(self, read_page):
        self.read_page = read_page
        self.pages = {}
        self.missing = set()
        self.seen = set()
        self.contexts = set()
        self.words_left = FIRST_WORDS
        self.notes = []

    def collect(self, kind, named):
        """Collects the tables of one unit; what structures that repeat themselves would add beyond a limit is noted."""
        try:
            COLLECT[kind](self, named)
        except Enough:
            self.notes.append('the structures lead to the same or to missing pages too often: the rest is not collected')

    def spend(self, words):
        self.words_left -= words + LOOK_WORDS
        if self.words_left < 0:
            raise Enough

    def page(self, address, kind):
        start = address & ~(PAGE - 1)
        self.spend(0)
        if start not in self.pages and start not in self.missing:
            data = self.read_page(start) if len(self.pages) < MOST_PAGES else None
            if data is None or len(data) != PAGE:
                self.missing.add(start)
                self.spend(MISSING_WORDS)
            else:
                self.pages[start] = (kind, bytes(data))
                self.words_left += PAGE_WORDS
        found = self.pages.get(start)
        return found and found[1]

    def words(self, address, count, kind):
        """64-bit words of a structure; words of unknown memory read as 0."""
        out, address = [], address & ~7
        self.spend(count)
        while len(out) < count:
            at = address + 8 * len(out)
            here = min(count - len(out), (PAGE - at % PAGE) // 8)
            data = self.page(at, kind)
            out.extend(struct.unpack_from('<%dQ' % here, data, at % PAGE) if data else [0] * here)
        return out

    def first_visit(self, key):
        """True the first time that a table is reached, and not once too many were."""
        if key in self.seen:
            return False
        if len(self.seen) >= MOST_TABLES:
            self.notes.append('more than %d tables: the rest is not collected' % MOST_TABLES)
            return False
        self.seen.add(key)
        return True

    def tree(self, root, count, level, last, next_table, entries, kind):
        """A tree of tables. next_table gives the address of the next table, or None for a leaf or nothing."""
        if not self.first_visit((root, level, count, kind)):
            return
        for entry in self.words(root, count, '%s-L%d' % (kind, level)):
            table = next_table(entry) if level != last else None
            if table is not None:
                self.tree(table, entries, level + (1 if last > level else -1), last, next_table, entries, kind)


def drop_zeros(collector, start):
    """Leaves out a page of a queue or a device table that holds nothing but zeros."""
    if start in collector.pages and not any(collector.pages[start][1]):
        del collector.pages[start]


def aarch64(collector, root, tsz, granule, start, kind):
    """AArch64 tables (DDI 0487, D8). granule: log2 of its bytes. start: level, or None for stage 1."""
    stride, width = granule - 3, 64 - tsz
    if not 4 <= width - granule or width > 52:
        return
    level = 4 - -(-(width - granule) // stride) if start is None else start
    count = 1 << max(0, width - granule - stride * (3 - level))

    def next_table(entry):
        if entry & 3 != 3:
            return None
        address = entry & 0x0000FFFFFFFFFFFF & ~((1 << granule) - 1)
        return address | bits(entry, 12, 4) << 48 if granule == 16 else address

    collector.tree(root, min(count, 1 << 16), level, 3, next_table, 1 << stride, kind)


GRANULE0 = {0: 12, 1: 16, 2: 14}
GRANULE1 = {1: 14, 2: 12, 3: 16}


def smmu_v3_context(collector, at):
    collector.spend(0)
    if at in collector.contexts:
        return
    collector.contexts.add(at)
    cd = collector.words(at, 8, 'cd')
    if not bits(cd[0], 31, 1):
        return
    if not bits(cd[0], 14, 1):
        aarch64(collector, cd[1] & 0x000FFFFFFFFFFFF0, bits(cd[0], 0, 6), GRANULE0.get(bits(cd[0], 6, 2), 12), None, 'pt-s1')
    if not bits(cd[0], 30, 1):
        aarch64(collector, cd[2] & 0x000FFFFFFFFFFFF0, bits(cd[0], 16, 6), GRANULE1.get(bits(cd[0], 22, 2), 12), None, 'pt-s1')


def smmu_v3_contexts(collector, ste):
    base, log2, form = ste[0] & 0x000FFFFFFFFFFFC0, bits(ste[0], 59, 5), bits(ste[0], 4, 2)
    if log2 == 0 or form == 0:
        for i in range(1 << min(log2, 16)):
            smmu_v3_context(collector, base + 64 * i)
        return
    split = 6 if form == 1 else 10
    for entry in collector.words(base, 1 << max(0, log2 - split), 'cd-l1'):
        if entry & 1:
            for i in range(1 << split):
                smmu_v3_context(collector, (entry & ADDRESS) + 64 * i)


def smmu_v3_stream(collector, at):
    ste = collector.words(at, 8, 'strtab-l2')
    config = bits(ste[0], 1, 3)
    if not ste[0] & 1:
        return
    if config == 7:
        collector.notes.append('nested stream: its stage 1 lies behind stage 2 and is not collected')
    if config == 5:
        smmu_v3_contexts(collector, ste)
    if config in (6, 7):
        granule = GRANULE0.get(bits(ste[2], 46, 2), 12)
        start = (2 if granule == 12 else 3) - bits(ste[2], 38, 2)
        aarch64(collector, ste[3] & 0x000FFFFFFFFFFFF0, bits(ste[2], 32, 6), granule, start, 'pt-s2')


def collect_smmu_v3(collector, named):
    base = named['STRTAB_BASE'] & 0x000FFFFFFFFFFFC0
    config = named['STRTAB_BASE_CFG']
    log2, split = bits(config, 0, 6), bits(config, 6, 5)
    if bits(config, 16, 2) == 0:
        for i in range(1 << min(log2, 20)):
            smmu_v3_stream(collector, base + 64 * i)
    else:
        for entry in collector.words(base, 1 << max(0, min(log2 - split, 20)), 'strtab-l1'):
            span = bits(entry, 0, 5)
            for i in range(1 << (span - 1) if 0 < span < 16 else 0):
                smmu_v3_stream(collector, (entry & 0x000FFFFFFFFFFFC0) + 64 * i)
    queue = named.get('EVENTQ_BASE', 0)
    for offset in range(0, 32 << min(bits(queue, 0, 5), 19), PAGE) if queue else ():
        start = (queue & 0x000FFFFFFFFFFFE0) + offset
        collector.page(start, 'evtq')
        drop_zeros(collector, start & ~(PAGE - 1))


def vtd_tables(collector, root, levels, present, kind):
    def next_table(entry):
        return entry & ADDRESS if entry & present and not bits(entry, 7, 1) else None

    collector.tree(root, 512, levels, 1, next_table, 512, kind)


def vtd_pasids(collector, entry):
    for pointer in collector.words(entry & ADDRESS, 1 << (bits(entry, 9, 3) + 7), 'pasid-dir'):
        for i in range(64 if pointer & 1 else 0):
            pasid = collector.words((pointer & ADDRESS) + 64 * i, 8, 'pasid-table')
            kind = bits(pasid[0], 6, 3)
            if pasid[0] & 1 and kind == 1:
                vtd_tables(collector, pasid[2] & ADDRESS, 5 if bits(pasid[2], 2, 2) else 4, 1, 'pt-fs')
            if pasid[0] & 1 and kind in (2, 3):
                vtd_tables(collector, pasid[0] & ADDRESS, bits(pasid[0], 2, 3) + 2, 3, 'pt-ss')
            if pasid[0] & 1 and kind == 3:
                collector.notes.append('nested PASID: its first level lies behind the second and is not collected')


def collect_vtd(collector, named):
    root, scalable = named['RTADDR'] & ADDRESS, bits(named['RTADDR'], 10, 2) == 1
    for bus in range(256):
        low, high = collector.words(root + 16 * bus, 2, 'root')
        if scalable:
            for half in (low, high):
                for i in range(128 if half & 1 else 0):
                    context = collector.words((half & ADDRESS) + 32 * i, 4, 'context-scalable')
                    if context[0] & 1:
                        vtd_pasids(collector, context[0])
        elif low & 1:
            for i in range(256):
                context = collector.words((low & ADDRESS) + 16 * i, 2, 'context')
                if context[0] & 1 and bits(context[0], 2, 2) != 2:
                    vtd_tables(collector, context[0] & ADDRESS, bits(context[1], 0, 3) + 2, 3, 'pt-ss')


def collect_smmu_v2(collector, named):
    for bank in range(128):
        ttbr0, tcr, tcr2 = (named.get('CB%d_%s' % (bank, name), 0) for name in ('TTBR0', 'TCR', 'TCR2'))
        sctlr, attributes = named.get('CB%d_SCTLR' % bank, 0), named.get('CBA2R%d' % bank, 0)
        stage2 = bits(named.get('CBAR%d' % bank, 0), 16, 2) == 0
        if not sctlr & 1:
            continue
        if not attributes & 1:
            collector.notes.append('context bank %d: AArch32 tables, not collected' % bank)
            continue
        granule = GRANULE0.get(bits(tcr, 14, 2), 12)
        start = (2 if granule == 12 else 3) - bits(tcr, 6, 2) if stage2 else None
        kind = 'pt-s2' if stage2 else 'pt-s1'
        if stage2 or not bits(tcr, 7, 1):
            aarch64(collector, ttbr0 & 0x0000FFFFFFFFFFF0, bits(tcr, 0, 6), granule, start, kind)
        if not stage2 and not bits(tcr, 23, 1):
            root = named.get('CB%d_TTBR1' % bank, 0) & 0x0000FFFFFFFFFFF0
            aarch64(collector, root, bits(tcr, 16, 6), GRANULE1.get(bits(tcr, 30, 2), 12), None, kind)
`.trimStart();

/** Python source. It expects nothing but Python 3.6 or later. */
export const COLLECTOR: string = [COLLECTOR_TEXT, COLLECT_AMD, COLLECT_RISCV, WRITER].join('\n');
