/**
 * The last part of the collector, in Python: the registers of each kind of unit, and the files that are written.
 * @module
 */

/** Python source. */
export const WRITER: string = String.raw`
COLLECT = {
    'arm-smmu-v3': collect_smmu_v3, 'arm-smmu': collect_smmu_v2, 'intel-vtd': collect_vtd, 'amd-vi': collect_amd_vi,
    'riscv-iommu': collect_riscv,
}

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
# AMD 48882, 3.4: MMIO registers.
AMD_VI = {
    'DEV_TAB_BASE': (0x00, 8), 'CMD_BUF_BASE': (0x08, 8), 'EVENT_LOG_BASE': (0x10, 8), 'CONTROL': (0x18, 8),
    'EXCL_BASE': (0x20, 8), 'EXCL_LIMIT': (0x28, 8), 'EXT_FEATURES': (0x30, 8), 'CMD_HEAD': (0x2000, 8),
    'CMD_TAIL': (0x2008, 8), 'EVT_HEAD': (0x2010, 8), 'EVT_TAIL': (0x2018, 8), 'STATUS': (0x2020, 8),
}
# RISC-V IOMMU 1.0, chapter 6.
RISCV = {
    'CAPABILITIES': (0x00, 8), 'FCTL': (0x08, 4), 'DDTP': (0x10, 8), 'CQB': (0x18, 8), 'CQH': (0x20, 4),
    'CQT': (0x24, 4), 'FQB': (0x28, 8), 'FQH': (0x30, 4), 'FQT': (0x34, 4), 'PQB': (0x38, 8), 'PQH': (0x40, 4),
    'PQT': (0x44, 4), 'CQCSR': (0x48, 4), 'FQCSR': (0x4C, 4), 'PQCSR': (0x50, 4), 'IPSR': (0x54, 4),
}
BANK = {
    'SCTLR': (0x00, 4), 'TCR2': (0x10, 4), 'TTBR0': (0x20, 8), 'TTBR1': (0x28, 8), 'TCR': (0x30, 4), 'MAIR0': (0x38, 4),
    'MAIR1': (0x3C, 4), 'FSR': (0x58, 4), 'FAR': (0x60, 8), 'FSYNR0': (0x68, 4),
}
REGISTERS = {'arm-smmu-v3': SMMU_V3, 'arm-smmu': SMMU_V2, 'intel-vtd': VTD, 'amd-vi': AMD_VI, 'riscv-iommu': RISCV}


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
    collector.collect(kind, named)
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
`;
