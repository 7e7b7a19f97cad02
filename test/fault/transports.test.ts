/** What stands around a driver's line does not change what is read of it. */
import { describe, expect, it } from 'vitest';
import { FaultLog, readFaultLog } from '../../src/fault/log.ts';

const AMD = 'amdgpu 0000:05:00.0: AMD-Vi: Event logged [IO_PAGE_FAULT domain=0x000c address=0xfffffff0c0 flags=0x0020]';
const SMMU =
  'arm-smmu fd800000.smmu: Unhandled context fault: fsr=0x402, iova=0x3165687460, fsynr=0x20001, cbfrsynra=0x877, cb=1';
const LINES = [`[   74.959989] ${AMD}`, '[   75.100000] usb 1-1: reset', `[   77.500000] ${SMMU}`];
const EXPECTED = ['amd-vi 0000:05:00.0 write fffffff0c0', 'arm-smmu 877 read 3165687460'];

function brief(log: FaultLog): string[] {
  return log.incidents.map(({ iommu, device, stream, access, iova }) =>
    [iommu, device ?? stream?.toString(16), access, iova?.toString(16)].join(' '),
  );
}

/** As a terminal of a width breaks lines: at its last column, within words and numbers. */
function broken(width: number): string {
  return LINES.map((line) => line.match(new RegExp(`.{1,${width}}`, 'g'))?.join('\n')).join('\n');
}

const ESC = '\u001b';
const coloured = (esc: string) => `${esc}[31m${esc}[K[   74.959989] ${esc}[0m${AMD}${esc}[0m\n${LINES[2]}`;
const json = (line: string) => JSON.stringify({ MESSAGE: line, _TRANSPORT: 'kernel' }, null, 8);
const bytes = (line: string) =>
  `{"MESSAGE": [${[...new TextEncoder().encode(line)].join(', ')}], "_TRANSPORT": "kernel"}`;

const TRANSPORTS: readonly (readonly [string, string])[] = [
  ['lines that end in a carriage return alone', LINES.join('\r')],
  ['lines that end in CR CR LF', LINES.join('\r\r\n')],
  ['lines that end in LF CR', LINES.join('\n\r')],
  ['a terminal of 72 columns', broken(72)],
  ['a terminal of 80 columns', broken(80)],
  ['colours', coloured(ESC)],
  ['colours with the escape shown as \\e', coloured('\\e')],
  ['colours with the escape shown as \\u001b', coloured('\\u001b')],
  ['numeric entities of HTML', LINES.map((line) => line.replaceAll('[', '&#91;').replaceAll(']', '&#x5d;')).join('\n')],
  ['journalctl -o json-pretty', LINES.map(json).join('\n')],
  ['journalctl -o json, messages as bytes', LINES.map(bytes).join('\n')],
  ['journalctl -o json-sse', LINES.map((line) => `data: ${JSON.stringify({ MESSAGE: line })}\n`).join('\n')],
  ['dmesg --json in one line', JSON.stringify({ dmesg: LINES.map((msg) => ({ pri: 3, msg })) })],
  [
    'quoted mail whose soft breaks are quoted too',
    LINES.map((l) => `> ${l.slice(0, 60)}=\n> ${l.slice(60)}`).join('\n'),
  ],
];

describe('the same faults are read through', () => {
  it.each(TRANSPORTS)('%s', (_, text) => {
    expect(brief(readFaultLog(text))).toEqual(EXPECTED);
  });

  it('a carriage return at the end of a piece', () => {
    const log = new FaultLog();
    for (const line of LINES) {
      log.push(new TextEncoder().encode(`${line}\r`));
      log.push(new TextEncoder().encode('\n'));
    }
    log.end();
    expect(brief(log)).toEqual(EXPECTED);
    expect(log.counts.lines).toBe(3);
  });
});

it('messages that printk says it lost are counted', () => {
  const log = readFaultLog(`${LINES[0]}\n[   80.0] ** 417 printk messages dropped **\n${LINES[2]}`);
  expect(log.counts.suppressed).toBe(417);
});

it('mail that broke a line at a blank is joined with a blank, whatever its width', () => {
  const halves = AMD.replace(' address', '\naddress');
  expect(readFaultLog(halves).incidents[0]?.fields.find(({ name }) => name === 'domain')?.value).toBe('0x000c');
});
