/**
 * PCI addresses: `segment:bus:device.function` as Linux prints it, and the 16-bit requester id (PCIe base specification, 2.2.4.1).
 * @module
 */

/** A PCI function. */
export interface PciAddress {
  readonly segment: number;
  /** Bus in bits 15:8, device in 7:3, function in 2:0. */
  readonly requesterId: number;
}

/** `0000:00:02.0` for a requester id of a segment. */
export function formatPci(requesterId: number, segment = 0): string {
  const hexText = (value: number, digits: number): string => value.toString(16).padStart(digits, '0');
  const [bus, device, fn] = [requesterId >>> 8, (requesterId >>> 3) & 31, requesterId & 7];
  return `${hexText(segment, 4)}:${hexText(bus, 2)}:${hexText(device, 2)}.${fn}`;
}

const PCI = /^(?:([0-9a-f]{4,8}):)?([0-9a-f]{2}):([0-9a-f]{2})\.([0-7])$/i;

/** A PCI address with or without its segment; undefined for any other text. */
export function parsePci(text: string): PciAddress | undefined {
  const match = PCI.exec(text);
  if (match === null) return undefined;
  const [segment = 0, bus = 0, device = 0, fn = 0] = match.slice(1).map((part) => Number.parseInt(part ?? '0', 16));
  return device > 31 ? undefined : { segment, requesterId: bus * 256 + device * 8 + fn };
}

/** The address as Linux prints it, segment included; undefined for a text that is not a PCI address. */
export function canonicalPci(text: string): string | undefined {
  const address = parsePci(text);
  return address === undefined ? undefined : formatPci(address.requesterId, address.segment);
}
