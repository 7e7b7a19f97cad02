/**
 * The acquisition script for crash: it runs crash and gives it commands.
 * @module
 */
import { COLLECTOR } from './collector.ts';
import { KERNEL } from './kernel.ts';

/** Python source. */
export const CRASH: string = String.raw`#!/usr/bin/env python3
"""Writes the IOMMU tables and registers of a Linux kernel as a dump for the iommu program, through crash.

Run:  python3 acquire.py out vmlinux vmcore
      python3 acquire.py out vmlinux               (the running kernel, as root)
It needs vmlinux with debug symbols; load those of a driver that is a module in ~/.crashrc with mod -S.
"""
${COLLECTOR}
${KERNEL}
import re
import subprocess

MARK = 0x7E57C0DE


class Kernel:
    def __init__(self, files):
        self.crash = subprocess.Popen(
            ['crash', '-s'] + files, stdin=subprocess.PIPE, stdout=subprocess.PIPE, universal_newlines=True
        )
        self.run('set scroll off')

    def run(self, command):
        """The lines that a command prints: up to the answer to a mark behind it."""
        self.crash.stdin.write('%s\np/x 0x%x\n' % (command, MARK))
        self.crash.stdin.flush()
        lines = []
        for line in self.crash.stdout:
            if re.search(r'= 0x%x\s*$' % MARK, line):
                return lines
            lines.append(line.rstrip('\n'))
        raise SystemExit('crash ended:\n' + '\n'.join(lines[-5:]))

    def number(self, expression):
        found = re.search(r'= \(?[^=]*?(0x[0-9a-f]+)', '\n'.join(self.run('p/x ' + expression)))
        return int(found.group(1), 16) if found else None

    def units(self):
        for line in self.run('list -H iommu_device_list -o iommu_device.list'):
            if re.match(r'^[0-9a-f]{8,16}$', line.strip()):
                address = int(line.strip(), 16)
                name = re.search(r'"([^"]*)"', '\n'.join(self.run('p ((struct iommu_device *)0x%x)->dev->kobj.name' % address)))
                yield name.group(1) if name else '', address

    def member(self, type_name, file, address, path):
        return self.number('((struct %s *)0x%x)->%s' % (type_name, address, path))

    def offset(self, type_name, file, member):
        offset = self.number('(unsigned long)&((struct %s *)0)->%s' % (type_name, member))
        if offset is None:
            raise SystemExit('crash does not know struct %s: load its module with "mod -S"' % type_name)
        return offset

    def physical(self, virtual):
        for line in self.run('vtop 0x%x' % virtual):
            words = line.split()
            if len(words) == 2 and words[0] == '%x' % virtual:
                return int(words[1], 16)
        raise SystemExit('crash cannot translate 0x%x' % virtual)

    def variable(self, name):
        return self.number(name)

    def read_page(self, address):
        words = []
        for line in self.run('rd -p -64 %x 512' % address):
            found = re.match(r'^\s*[0-9a-f]+:  ([0-9a-f]{16})(?: ([0-9a-f]{16}))?', line)
            if found:
                words += [int(word, 16) for word in found.groups() if word]
        return struct.pack('<512Q', *words) if len(words) == 512 else None


if len(sys.argv) < 3:
    raise SystemExit(__doc__)
acquire(Kernel(sys.argv[2:]), sys.argv[1], len(sys.argv) == 3)
`;
