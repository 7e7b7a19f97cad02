/**
 * The acquisition script for drgn, on a running kernel or a core.
 * @module
 */
import { COLLECTOR } from './collector.ts';
import { KERNEL } from './kernel.ts';

/** Python source. */
export const DRGN: string = `"""Writes the IOMMU tables and registers of a Linux kernel as a dump for the iommu program.

Run:  drgn acquire.py out                  (the running kernel, as root)
      drgn -c vmcore -s vmlinux acquire.py out
It needs drgn 0.0.22 or later and the kernel's debug symbols (vmlinux, and those of the IOMMU driver if it is a module).
A core that QEMU wrote (dump-guest-memory) can be read only if the guest was started with -device vmcoreinfo.
"""
${COLLECTOR}
${KERNEL}
from drgn import FaultError, Object, ProgramFlags, offsetof
from drgn.helpers.linux.list import list_for_each_entry
from drgn.helpers.linux.mm import virt_to_phys


class Kernel:
    def units(self):
        for device in list_for_each_entry('struct iommu_device', prog['iommu_device_list'].address_of_(), 'list'):
            name = device.dev.kobj.name.string_().decode() if device.dev else ''
            yield name, device.value_()

    def type(self, name, file):
        try:
            return prog.type('struct ' + name, file)
        except LookupError:
            return prog.type('struct ' + name)

    def member(self, type_name, file, address, path):
        try:
            value = Object(prog, self.type(type_name, file), address=address)
            for part in path.replace('[', '.[').split('.'):
                value = value[int(part[1:-1])] if part.startswith('[') else getattr(value, part)
            return int(value)
        except (AttributeError, LookupError, FaultError, TypeError):
            return None

    def offset(self, type_name, file, member):
        return offsetof(self.type(type_name, file), member)

    def physical(self, virtual):
        return int(virt_to_phys(prog, virtual))

    def variable(self, name):
        try:
            return int(prog[name])
        except LookupError:
            return None

    def read_page(self, address):
        try:
            return prog.read(address, PAGE, physical=True)
        except FaultError:
            return None


if len(sys.argv) != 2:
    raise SystemExit(__doc__)
acquire(Kernel(), sys.argv[1], bool(prog.flags & ProgramFlags.IS_LIVE))
`;
