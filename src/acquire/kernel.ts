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


def unit_of(kernel, name, address):
    """Kind, address of the registers, and a function that makes the registers from structures."""
    if name.startswith('smmu3.'):
        smmu = address - kernel.offset('arm_smmu_device', 'arm-smmu-v3.h', 'iommu')
        return 'arm-smmu-v3', int(name.split('.')[1], 16), lambda: smmu_v3_registers(kernel, smmu)
    if name.startswith('smmu.'):
        return 'arm-smmu', int(name.split('.')[1], 16), None
    if name.startswith('dmar'):
        unit = address - kernel.offset('intel_iommu', 'iommu.h', 'iommu')
        base = kernel.member('intel_iommu', 'iommu.h', unit, 'reg_phys') or 0
        return 'intel-vtd', base, lambda: vtd_registers(kernel, unit)
    return None


def acquire(kernel, prefix, live):
    found = [unit_of(kernel, name, address) for name, address in kernel.units()]
    units = [unit for unit in found if unit is not None]
    if not units:
        raise SystemExit('no SMMU and no VT-d among the IOMMUs of this kernel')
    for i, (kind, base, from_structures) in enumerate(units):
        read32 = device_memory(base, 0x20000 if kind.startswith('arm') else 0x1000) if live and base else None
        if read32 is not None:
            named, words = read_registers(kind, read32)
        elif from_structures is not None:
            named, words = from_structures(), {}
            print('note: registers of %s were made from the driver: enabled is assumed, errors are not known' % kind)
        else:
            print('note: the registers of the SMMUv2 at %s cannot be read here (needs /dev/mem), left out' % hex(base))
            continue
        name = prefix if len(units) == 1 else '%s-%d' % (prefix, i)
        write_dump(name, kind, base, named, words, memory_ranges() if live else [], kernel.read_page)
`;
