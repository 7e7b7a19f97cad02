/**
 * The collector's part for RISC-V IOMMUs, in Python (RISC-V IOMMU 1.0, chapter 3; privileged architecture, chapter 12).
 * @module
 */

/** Python source. */
export const COLLECT_RISCV: string = `
RISCV_LEVELS = {8: 3, 9: 4, 10: 5}


def riscv_address(word, at=10):
    return bits(word, at, 44) << 12


def riscv_tables(collector, atp, second):
    """Tables of iosatp, or iohgatp, whose root has four pages. A pointer has none of R, W and X."""
    levels = RISCV_LEVELS.get(bits(atp, 60, 4))
    if levels is None:
        return

    def next_table(entry):
        return riscv_address(entry) if entry & 15 == 1 else None

    root = riscv_address(atp, 0) & ~(0x3FFF if second else 0)
    kind = 'pt-g' if second else 'pt-fs'
    collector.tree(root, 2048 if second else 512, levels - 1, 0, next_table, 512, kind)


def riscv_device(collector, words):
    if bits(words[0], 5, 1):
        collector.notes.append('process directories are not collected')
        return
    riscv_tables(collector, words[1], True)
    if bits(words[1], 60, 4) == 0:
        riscv_tables(collector, words[3], False)
    elif bits(words[3], 60, 4):
        collector.notes.append('nested device: its first stage lies behind the second and is not collected')


def riscv_directory(collector, table, level, size):
    if not collector.first_visit((table, level, 'ddt')):
        return
    words = collector.words(table, 512, 'ddt-L%d' % level)
    step = size // 8 if level == 0 else 1
    for i in range(0, 512, step):
        if words[i] & 1 and level == 0:
            riscv_device(collector, words[i:i + step])
        elif words[i] & 1:
            riscv_directory(collector, riscv_address(words[i]), level - 1, size)


def collect_riscv(collector, named):
    mode = bits(named['DDTP'], 0, 4)
    size = 64 if bits(named.get('CAPABILITIES', 0), 22, 1) else 32
    if 2 <= mode <= 4:
        riscv_directory(collector, riscv_address(named['DDTP']), mode - 2, size)
    else:
        collector.notes.append('the unit has no device directory: ddtp.iommu_mode is %d' % mode)
    queue = named.get('FQB', 0)
    for offset in range(0, 32 << min(bits(queue, 0, 5) + 1, 19), PAGE) if queue else ():
        collector.page(riscv_address(queue) + offset, 'fltq')
        drop_zeros(collector, riscv_address(queue) + offset)
`;
