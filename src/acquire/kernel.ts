/**
 * What the scripts for drgn and crash share, in Python: units out of the kernel's own structures. Registers are read from
 * /dev/mem where that is allowed; otherwise those that lead to the tables are made from the driver's structures.
 * @module
 */

/**
 * Python source. It expects an object `kernel` with `units()` (name and address of each struct iommu_device),
 * `member(type, file, address, path)` (a number, or None), `offset(type, file, member)`, `physical(virtual)`,
 * `variable(name)` and `read_page(address)`.
 */
export const KERNEL: string = `
import mmap


def memory_ranges():
    """System memory of this machine; none for a dump of another."""
    ranges = []
    try:
        with open('/proc/iomem') as lines:
            for line in lines:
                place, _, name = line.partition(' : ')
                if name.strip() == 'System RAM' and not line.startswith(' '):
                    first, last = (int(text, 16) for text in place.split('-'))
                    if last:
                        ranges.append((first, last - first + 1))
    except OSError:
        pass
    return ranges


def device_memory(base, size):
    """A function that reads 32 bits of the device at base, or None where /dev/mem does not allow it."""
    try:
        file = os.open('/dev/mem', os.O_RDONLY | os.O_SYNC)
        view = mmap.mmap(file, size, mmap.MAP_SHARED, mmap.PROT_READ, offset=base)
        words = memoryview(view).cast('I')
        words[0]
        return lambda offset: words[offset // 4]
    except (OSError, ValueError, IndexError):
        return None


def smmu_v3_registers(kernel, smmu):
    def get(path):
        return kernel.member('arm_smmu_device', 'arm-smmu-v3.h', smmu, path)

    features = get('features') or 0
    base, config = get('strtab_cfg.strtab_base'), get('strtab_cfg.strtab_base_cfg')
    if base is None or config is None:
        if features & 1:
            base, count = get('strtab_cfg.l2.l1_dma'), get('strtab_cfg.l2.num_l1_ents')
            config = 1 << 16 | 8 << 6 | ((count or 1) - 1).bit_length() + 8
        else:
            base, count = get('strtab_cfg.linear.ste_dma'), get('strtab_cfg.linear.num_ents')
            config = ((count or 1) - 1).bit_length()
    if base is None:
        raise SystemExit('this kernel keeps its stream table where this script does not look')
    oas = {32: 0, 36: 1, 40: 2, 42: 3, 44: 4, 48: 5, 52: 6}.get(get('oas'), 5)
    named = {'STRTAB_BASE': base, 'STRTAB_BASE_CFG': config, 'CR0': 1, 'CR0ACK': 1, 'IDR5': oas | 0x70}
    named['IDR0'] = bits(features, 10, 1) | bits(features, 9, 1) << 1 | 2 << 2 | bits(features, 0, 1) << 27
    named['IDR1'] = (get('sid_bits') or 0) | (get('ssid_bits') or 0) << 6
    queue = get('evtq.q.q_base')
    if queue is not None:
        named['EVENTQ_BASE'] = queue
    return named


def vtd_registers(kernel, unit):
    def get(path):
        return kernel.member('intel_iommu', 'iommu.h', unit, path)

    ecap = get('ecap') or 0
    scalable = bool(kernel.variable('intel_iommu_sm')) and bits(ecap, 43, 1) == 1
    root = kernel.physical(get('root_entry'))
    gsts = (get('gcmd') or 0) | 1 << 30
    return {'RTADDR': root | (1 << 10 if scalable else 0), 'CAP': get('cap') or 0, 'ECAP': ecap, 'GSTS': gsts}


def smmu_v2_registers(kernel, smmu):
    """Context banks and stream matches as the driver keeps them; a bank with a configuration is taken as enabled."""
    def get(path):
        return kernel.member('arm_smmu_device', 'arm-smmu.h', smmu, path)

    banks, groups = get('num_context_banks'), get('num_mapping_groups') or 0
    if banks is None:
        raise SystemExit('this kernel keeps its context banks where this script does not look')
    named = {'sCR0': 0, 'IDR0': groups & 0xFF, 'IDR1': (banks & 0xFF) | (1 << 31 if get('pgshift') == 16 else 0)}
    for i in range(min(groups, 256)):
        named['SMR%d' % i] = sum((get('smrs[%d].%s' % (i, name)) or 0) << at for name, at in (('id', 0), ('mask', 16), ('valid', 31)))
        named['S2CR%d' % i] = (get('s2crs[%d].type' % i) or 0) << 16 | (get('s2crs[%d].cbndx' % i) or 0)
    for i in range(min(banks, 128)):
        if not get('cbs[%d].cfg' % i):
            continue
        named['CBAR%d' % i] = (get('cbs[%d].cfg.cbar' % i) or 0) << 16
        named['CBA2R%d' % i] = 1 if get('cbs[%d].cfg.fmt' % i) == 1 else 0
        named['CB%d_SCTLR' % i] = 1
        for name, path in (('TTBR0', 'ttbr[0]'), ('TTBR1', 'ttbr[1]'), ('TCR', 'tcr[0]'), ('TCR2', 'tcr[1]'),
                           ('MAIR0', 'mair[0]'), ('MAIR1', 'mair[1]')):
            named['CB%d_%s' % (i, name)] = get('cbs[%d].%s' % (i, path)) or 0
    return named


def amd_vi_registers(kernel, unit):
    def get(path):
        return kernel.member('amd_iommu', 'amd_iommu_types.h', unit, path)

    table = get('pci_seg.dev_table') or kernel.variable('amd_iommu_dev_table')
    if not table:
        raise SystemExit('this kernel keeps its device table where this script does not look')
    last = get('pci_seg.last_bdf')
    entries = 32 * ((0xFFFF if last is None else last) + 1)
    size = get('pci_seg.dev_table_size') or kernel.variable('dev_table_size') or entries
    named = {'DEV_TAB_BASE': kernel.physical(table) | max(0, min(-(-size // PAGE), 512) - 1), 'CONTROL': 1 | 1 << 2 | 1 << 12}
    named['EXT_FEATURES'] = get('features') or 0
    for name, path in (('CMD_BUF_BASE', 'cmd_buf'), ('EVENT_LOG_BASE', 'evt_buf')):
        virtual = get(path)
        if virtual:
            named[name] = kernel.physical(virtual) | 9 << 56
    return named


def riscv_registers(kernel, unit):
    def get(path):
        return kernel.member('riscv_iommu_device', 'iommu.h', unit, path)

    mode, root = get('ddt_mode'), get('ddt_phys')
    if mode is None or root is None:
        raise SystemExit('this kernel keeps its device directory where this script does not look')
    named = {'CAPABILITIES': get('caps') or 0, 'FCTL': get('fctl') or 0, 'DDTP': mode | root >> 12 << 10, 'CQCSR': 0x10001, 'FQCSR': 0x10001}
    for name, queue in (('CQB', 'cmdq'), ('FQB', 'fltq')):
        base, mask = get(queue + '.phys'), get(queue + '.mask')
        if base and mask:
            named[name] = base >> 12 << 10 | max(0, mask.bit_length() - 1)
    return named


def riscv_base(name):
    """Address of the registers out of a device's name: 3010000.iommu, or that of a PCI device through sysfs."""
    device = name.partition('@')[2]
    try:
        with open('/sys/bus/pci/devices/%s/resource' % device) as lines:
            return int(lines.readline().split()[0], 16)
    except (OSError, ValueError, IndexError):
        pass
    try:
        return int(device.split('.')[0], 16)
    except ValueError:
        return 0


# How names under /sys/class/iommu begin: kind, struct of the driver with its file, registers out of that struct.
DRIVERS = [
    ('smmu3.', 'arm-smmu-v3', 'arm_smmu_device', 'arm-smmu-v3.h', smmu_v3_registers),
    ('smmu.', 'arm-smmu', 'arm_smmu_device', 'arm-smmu.h', smmu_v2_registers),
    ('dmar', 'intel-vtd', 'intel_iommu', 'iommu.h', vtd_registers),
    ('ivhd', 'amd-vi', 'amd_iommu', 'amd_iommu_types.h', amd_vi_registers),
    ('riscv-iommu', 'riscv-iommu', 'riscv_iommu_device', 'iommu.h', riscv_registers),
]


def unit_of(kernel, name, address):
    """Kind, address of the registers, and a function that makes the registers from structures."""
    for prefix, kind, struct_name, file, registers in DRIVERS:
        if not name.startswith(prefix):
            continue
        unit = address - kernel.offset(struct_name, file, 'iommu')
        member = {'intel-vtd': 'reg_phys', 'amd-vi': 'mmio_phys'}.get(kind)
        if member:
            base = kernel.member(struct_name, file, unit, member) or 0
        else:
            base = riscv_base(name) if kind == 'riscv-iommu' else int(name.split('.')[1], 16)
        return kind, base, lambda: registers(kernel, unit)
    return None


REGISTER_BYTES = {'arm-smmu-v3': 0x20000, 'arm-smmu': 0x1000, 'intel-vtd': 0x1000, 'amd-vi': 0x4000, 'riscv-iommu': 0x1000}


def unit_memory(kind, base):
    """The registers of a unit as device_memory gives them; an SMMUv2 says in IDR1 how large it is (IHI 0062, 9.6.1)."""
    read32 = device_memory(base, REGISTER_BYTES[kind])
    if read32 is not None and kind == 'arm-smmu':
        idr1 = read32(0x24)
        read32 = device_memory(base, (0x10000 if bits(idr1, 31, 1) else 0x1000) << (bits(idr1, 28, 3) + 2))
    return read32


def acquire(kernel, prefix, live):
    found = [unit_of(kernel, name, address) for name, address in kernel.units()]
    units = [unit for unit in found if unit is not None]
    if not units:
        raise SystemExit('no SMMU, VT-d, AMD-Vi or RISC-V IOMMU among the IOMMUs of this kernel')
    for i, (kind, base, from_structures) in enumerate(units):
        read32 = unit_memory(kind, base) if live and base else None
        if read32 is not None:
            named, words = read_registers(kind, read32)
        else:
            named, words = from_structures(), {}
            print('note: registers of %s were made from the driver: enabled is assumed, errors are not known' % kind)
        name = prefix if len(units) == 1 else '%s-%d' % (prefix, i)
        write_dump(name, kind, base, named, words, memory_ranges() if live else [], kernel.read_page)
`;
