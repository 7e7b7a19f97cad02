/**
 * The collector's part for AMD I/O MMUs, in Python (AMD 48882, 2.2.2 and 2.2.3).
 * @module
 */

/** Python source. */
export const COLLECT_AMD: string = `
def amd_tables(collector, table, level):
    """Host page tables: an entry names the level below it, which may skip some; 7 is a leaf."""
    if not collector.first_visit((table, level, 'amd')):
        return
    for entry in collector.words(table, 512, 'pt-amdv1-L%d' % level):
        below = bits(entry, 9, 3)
        if entry & 1 and 0 < below < level:
            amd_tables(collector, entry & ADDRESS, below)


def collect_amd_vi(collector, named):
    if bits(named.get('CONTROL', 0), 34, 3):
        collector.notes.append('device table segments are on: only the first is collected')
    base, pages = named['DEV_TAB_BASE'] & ADDRESS, bits(named['DEV_TAB_BASE'], 0, 9) + 1
    for page in range(pages):
        data = collector.page(base + PAGE * page, 'devtab')
        for at in range(0, PAGE if data else 0, 32):
            low, = struct.unpack_from('<Q', data, at)
            if low & 3 == 3 and 1 <= bits(low, 9, 3) <= 6:
                amd_tables(collector, low & ADDRESS, bits(low, 9, 3))
            if low & 3 == 3 and bits(low, 55, 1):
                collector.notes.append('guest translation: tables behind GCR3 are not collected')
    log = named.get('EVENT_LOG_BASE', 0)
    for offset in range(0, 16 << bits(log, 56, 4), PAGE) if log else ():
        collector.page((log & ADDRESS) + offset, 'evtlog')
        drop_zeros(collector, (log & ADDRESS) + offset)
`;
