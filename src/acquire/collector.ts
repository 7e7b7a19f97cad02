/**
 * The part that all acquisition scripts share, in Python: from registers to every page of device tables and page tables,
 * written as sparse pages and a register file. It decodes just enough to find the next table.
 * @module
 */

/** Python source. It expects nothing but Python 3.6 or later. */
export const COLLECTOR: string = String.raw`
import base64
import json
import os
import struct
import sys

PAGE = 4096
MOST_PAGES = 1 << 20
ADDRESS = 0x000FFFFFFFFFF000


def bits(value, at, count):
    return (value >> at) & ((1 << count) - 1)


class Collector:
    """Reads memory page by page and keeps every page that it was led to."""

    def __init__(self, read_page):
        self.read_page = read_page
        self.pages = {}
        self.missing = set()
        self.notes = []

    def page(self, address, kind):
        start = address & ~(PAGE - 1)
        if start not in self.pages and start not in self.missing:
            data = self.read_page(start) if len(self.pages) < MOST_PAGES else None
            if data is None or len(data) != PAGE:
                self.missing.add(start)
            else:
                self.pages[start] = (kind, bytes(data))
        found = self.pages.get(start)
        return found and found[1]

    def words(self, address, count, kind):
        """64-bit words of a structure; words of unknown memory read as 0."""
        out = []
        for i in range(count):
            at = address + 8 * i
            data = self.page(at, kind)
            out.append(struct.unpack_from('<Q', data, at % PAGE)[0] if data else 0)
        return out

    def tree(self, root, count, level, last, next_table, entries, kind, seen):
        """A tree of tables. next_table gives the address of the next table, or None for a leaf or nothing."""
        if (root, level) in seen:
            return
        seen.add((root, level))
        for entry in self.words(root, count, '%s-L%d' % (kind, level)):
            table = next_table(entry) if level != last else None
            if table is not None:
                self.tree(table, entries, level + (1 if last > level else -1), last, next_table, entries, kind, seen)


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

    collector.tree(root, min(count, 1 << 16), level, 3, next_table, 1 << stride, kind, set())


GRANULE0 = {0: 12, 1: 16, 2: 14}
GRANULE1 = {1: 14, 2: 12, 3: 16}


def smmu_v3_context(collector, at):
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
        data = collector.page(start, 'evtq')
        if data is not None and not any(data):
            del collector.pages[start & ~(PAGE - 1)]


def vtd_tables(collector, root, levels, present, kind):
    def next_table(entry):
        return entry & ADDRESS if entry & present and not bits(entry, 7, 1) else None

    collector.tree(root, 512, levels, 1, next_table, 512, kind, set())


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


COLLECT = {'arm-smmu-v3': collect_smmu_v3, 'intel-vtd': collect_vtd, 'arm-smmu': collect_smmu_v2}

# Registers by their names: offset and bytes.
SMMU_V3 = {
    'IDR0': (0x00, 4), 'IDR1': (0x04, 4), 'IDR2': (0x08, 4), 'IDR3': (0x0C, 4), 'IDR4': (0x10, 4), 'IDR5': (0x14, 4),
    'IIDR': (0x18, 4), 'AIDR': (0x1C, 4), 'CR0': (0x20, 4), 'CR0ACK': (0x24, 4), 'CR1': (0x28, 4), 'CR2': (0x2C, 4),
    'STATUSR': (0x40, 4), 'GBPA': (0x44, 4), 'IRQ_CTRL': (0x50, 4), 'IRQ_CTRLACK': (0x54, 4), 'GERROR': (0x60, 4),
    'GERRORN': (0x64, 4), 'STRTAB_BASE': (0x80, 8), 'STRTAB_BASE_CFG': (0x88, 4), 'CMDQ_BASE': (0x90, 8),
    'CMDQ_PROD': (0x98, 4), 'CMDQ_CONS': (0x9C, 4), 'EVENTQ_BASE': (0xA0, 8), 'PRIQ_BASE': (0xC0, 8),
    'EVENTQ_PROD': (0x100A8, 4), 'EVENTQ_CONS': (0x100AC, 4),
}
VTD = {
    'VER': (0x00, 4), 'CAP': (0x08, 8), 'ECAP': (0x10, 8), 'GSTS': (0x1C, 4), 'RTADDR': (0x20, 8), 'CCMD': (0x28, 8),
    'FSTS': (0x34, 4), 'FECTL': (0x38, 4), 'IQH': (0x80, 8), 'IQT': (0x88, 8), 'IQA': (0x90, 8), 'ICS': (0x9C, 4),
    'IRTA': (0xB8, 8),
}
SMMU_V2 = {
    'sCR0': (0x00, 4), 'IDR0': (0x20, 4), 'IDR1': (0x24, 4), 'IDR2': (0x28, 4), 'IDR7': (0x3C, 4), 'sGFAR': (0x40, 8),
    'sGFSR': (0x48, 4), 'sGFSYNR0': (0x50, 4), 'sGFSYNR1': (0x54, 4), 'sGFSYNR2': (0x58, 4),
}
BANK = {
    'SCTLR': (0x00, 4), 'TCR2': (0x10, 4), 'TTBR0': (0x20, 8), 'TTBR1': (0x28, 8), 'TCR': (0x30, 4), 'MAIR0': (0x38, 4),
    'MAIR1': (0x3C, 4), 'FSR': (0x58, 4), 'FAR': (0x60, 8), 'FSYNR0': (0x68, 4),
}
REGISTERS = {'arm-smmu-v3': SMMU_V3, 'intel-vtd': VTD, 'arm-smmu': SMMU_V2}


def read_registers(kind, read32):
    """Named registers and words by offset, through a function that reads 32 bits at an offset."""
    words, named = {}, {}

    def read(name, offset, size):
        for at in range(offset, offset + size, 4):
            words[at] = read32(at)
        named[name] = words[offset] | (words[offset + 4] << 32 if size == 8 else 0)

    for name, (offset, size) in REGISTERS[kind].items():
        read(name, offset, size)
    if kind == 'intel-vtd':
        first, count = bits(named['CAP'], 24, 10) * 16, bits(named['CAP'], 40, 8) + 1
        named['FRCD'] = [[read32(first + 16 * i + 4 * k) for k in range(4)] for i in range(count)]
    if kind == 'arm-smmu':
        size = 0x10000 if bits(named['IDR1'], 31, 1) else 0x1000
        banks_at = size << (bits(named['IDR1'], 28, 3) + 1)
        for i in range(bits(named['IDR0'], 0, 8)):
            read('SMR%d' % i, 0x800 + 4 * i, 4)
            read('S2CR%d' % i, 0xC00 + 4 * i, 4)
        for i in range(bits(named['IDR1'], 0, 8)):
            read('CBAR%d' % i, size + 4 * i, 4)
            read('CBFRSYNRA%d' % i, size + 0x400 + 4 * i, 4)
            read('CBA2R%d' % i, size + 0x800 + 4 * i, 4)
            for name, (offset, bytes_) in BANK.items():
                read('CB%d_%s' % (i, name), banks_at + size * i + offset, bytes_)
    return named, words


def hexed(value):
    return [hexed(item) for item in value] if isinstance(value, list) else hex(value)


def write_dump(prefix, kind, base, named, words, ram, read_page):
    """Collects the tables of one unit and writes PREFIX.jsonl and PREFIX-regs.json."""
    collector = Collector(read_page)
    COLLECT[kind](collector, named)
    with open(prefix + '.jsonl', 'w') as out:
        for address in sorted(collector.pages):
            page_kind, data = collector.pages[address]
            row = {'pa': hex(address), 'kind': page_kind, 'bytes_base64': base64.b64encode(data).decode()}
            out.write(json.dumps(row) + '\n')
    registers = {
        'iommu': kind,
        'mmio_base': hex(base),
        'named': {name: hexed(value) for name, value in named.items()},
        'regs': {hex(offset): hex(value) for offset, value in sorted(words.items())},
        'ram': [{'pa': hex(start), 'size': hex(size)} for start, size in ram],
    }
    with open(prefix + '-regs.json', 'w') as out:
        json.dump(registers, out, indent=1)
    for note in sorted(set(collector.notes)):
        print('note:', note)
    print('%s at %s: %d pages, %d not readable' % (kind, hex(base), len(collector.pages), len(collector.missing)))
    print('next: iommu convert %s.jsonl --regs %s-regs.json -o %s.snapshot' % (prefix, prefix, prefix))
`.trimStart();
