/**
 * The acquisition script for a guest of QEMU, through its QMP socket.
 * @module
 */
import { COLLECTOR } from './collector.ts';

/** Python source. */
export const QEMU: string = String.raw`#!/usr/bin/env python3
"""Writes the IOMMU tables and registers of a QEMU guest as a dump for the iommu program.

Start the guest with:  -qmp unix:qmp.sock,server=on,wait=off
Run on the host:       python3 acquire.py qmp.sock out          (the guest is paused meanwhile)
An IOMMU that QEMU does not list by a name known here:  --kind arm-smmu --mmio 0x5000000
The guest needs nothing else: no agent, no debug symbols, no -device vmcoreinfo.
"""
${COLLECTOR}

import argparse
import re
import socket

NAMES = {'arm-smmuv3': 'arm-smmu-v3', 'smmuv3': 'arm-smmu-v3', 'intel_iommu': 'intel-vtd', 'dmar': 'intel-vtd',
         'amdvi-mmio': 'amd-vi', 'riscv-iommu-regs': 'riscv-iommu'}


class Monitor:
    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(path)
        self.file = self.socket.makefile('rw')
        self.file.readline()
        self.command('qmp_capabilities')

    def command(self, name, **arguments):
        self.file.write(json.dumps({'execute': name, 'arguments': arguments}) + '\n')
        self.file.flush()
        for line in self.file:
            answer = json.loads(line)
            if 'return' in answer:
                return answer['return']
            if 'error' in answer:
                raise SystemExit('QEMU: ' + answer['error'].get('desc', '?'))
        raise SystemExit('QEMU closed the connection')

    def human(self, line):
        return self.command('human-monitor-command', **{'command-line': line})

    def read32(self, address):
        found = re.search(r':\s*0x([0-9a-f]{8})', self.human('xp /1wx 0x%x' % address))
        return int(found.group(1), 16) if found else 0

    def read_page(self, address):
        words = []
        for line in self.human('xp /512gx 0x%x' % address).splitlines():
            words += [int(word, 16) for word in re.findall(r'0x([0-9a-f]{16})', line.partition(':')[2])]
        return struct.pack('<512Q', *words) if len(words) == 512 else None


def memory_map(monitor):
    """RAM ranges and IOMMU units of the CPU's view of memory."""
    views = re.split(r'\n(?=FlatView)', monitor.human('info mtree -f'))
    view = next((text for text in views if re.search(r'AS "memory"', text)), '')
    ram, units = [], []
    for first, last, kind, name in re.findall(r'^\s*([0-9a-f]{16})-([0-9a-f]{16}) \(prio -?\d+, ([^)]*)\): (\S+)', view, re.M):
        start, size = int(first, 16), int(last, 16) - int(first, 16) + 1
        if kind == 'ram':
            if ram and ram[-1][0] + ram[-1][1] == start:
                ram[-1] = (ram[-1][0], ram[-1][1] + size)
            else:
                ram.append((start, size))
        if name in NAMES:
            units.append((NAMES[name], start))
    return ram, units


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('socket')
    parser.add_argument('output', help='prefix of the files to write')
    parser.add_argument('--kind', choices=sorted(COLLECT))
    parser.add_argument('--mmio', type=lambda text: int(text, 0))
    options = parser.parse_args()
    monitor = Monitor(options.socket)
    running = monitor.command('query-status')['running']
    monitor.command('stop')
    try:
        ram, units = memory_map(monitor)
        if options.kind and options.mmio is not None:
            units = [(options.kind, options.mmio)]
        if not units:
            raise SystemExit('no SMMUv3, VT-d, AMD-Vi or RISC-V IOMMU in "info mtree": name one with --kind and --mmio')

        def read_page(address):
            inside = any(start <= address and address + PAGE <= start + size for start, size in ram)
            return monitor.read_page(address) if inside else None

        for i, (kind, base) in enumerate(units):
            named, words = read_registers(kind, lambda offset: monitor.read32(base + offset))
            prefix = options.output if len(units) == 1 else '%s-%d' % (options.output, i)
            write_dump(prefix, kind, base, named, words, ram, read_page)
    finally:
        if running:
            monitor.command('cont')


main()
`;
