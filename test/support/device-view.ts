/**
 * What a device sees around a scenario: the addresses worth asking about, and what each must translate to.
 * @module
 */
import { Domain, type Path } from '../../src/core/index.ts';
import { bareDriver } from '../../src/drivers/index.ts';
import type { Access, Fault, Leaf } from '../../src/hardware/index.ts';
import { iovaOf } from '../../src/testing/setup.ts';
import type { Scenario } from './scenarios.ts';

/** The device behind all domains: StreamID, source-id, DeviceID, device_id, endpoint. */
export const DEVICE = 0x18;

/** Output addresses of scenarios above 16 GiB: each half of an entry matters, also where the address lies two bits lower in it. */
export const HIGH: number = 2 ** 35 + 2 ** 28;

/** A unit that answers accesses, whatever its architecture. */
export interface Answers {
  translate(stream: number, iova: bigint, access?: Access): { readonly result: Leaf | Fault };
}

/** First, last and inner pages of a range, and one to each side; as offsets from the region's base. */
export function probesOf({ range: [from, end] }: Scenario, page: number): number[] {
  const inner = [from, from + page, from + 2 * page, end - 2 * page, end - page];
  const middle = Math.floor((from + end) / 2 / page) * page;
  return [...new Set([from - page, ...inner, middle, end])].filter((at) => at >= 0);
}

/** What each address translates to in a domain without a device before a call and after it; −1 where nothing is mapped. */
export function expectedViews(
  format: string,
  path: Path,
  scenario: Scenario,
  probes: readonly number[],
): readonly [before: number[], after: number[]] {
  const domain = new Domain({ format, path, driver: bareDriver() });
  const translations = (): number[] => probes.map((at) => domain.translate(iovaOf(domain, at)) ?? -1);
  scenario.prepare(domain);
  const before = translations();
  scenario.call(domain);
  return [before, translations()];
}

/** What a unit makes of each address: the output address, or −1. */
export function viewOf(unit: Answers, domain: Domain, probes: readonly number[], stream: number = DEVICE): number[] {
  return probes.map((at) => {
    const { result } = unit.translate(stream, iovaOf(domain, at));
    return result.ok ? result.pa : -1;
  });
}
