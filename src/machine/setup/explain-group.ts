/**
 * Why devices share an IOMMU group: the bridge without ACS, the shared requester id, the functions that are not kept apart; what
 * would part them, and what that costs. The groups are the kernel's verdict; its reason is read back from the registers, and
 * where they do not show it, that is said (Linux drivers/iommu/iommu.c: pci_device_group).
 * @module
 */
import { isIsolated, missingAcs, PORT } from './config-space.ts';
import { bridgesAbove } from './devices.ts';
import { isPciBridge, type Machine, type MachineDevice, type MachineGroup, membersOf } from './machine.ts';

/** Why a group is as it is. */
export interface GroupReason {
  /** What joins its devices, the strongest reason first. */
  readonly why: readonly string[];
  /** What would part them, and what that costs in safety; empty where there is nothing to part. */
  readonly remedies: readonly string[];
  /** True where the registers show the reason. */
  readonly decided: boolean;
}

const ALONE: GroupReason = { why: [], remedies: [], decided: true };
const PORT_REMEDY =
  "another slot or root port: those of the processor often have ACS where the chipset's have not; costs nothing in safety";
const FIRMWARE_REMEDY = 'firmware options "ACS" and "ARI", where there are any; costs nothing in safety';
const QUIRK_REMEDY =
  'a newer kernel, if the vendor vouches that the hardware keeps the functions apart (a quirk); costs nothing in safety';
const OVERRIDE_REMEDY =
  'pcie_acs_override (not in the upstream kernel) changes the label, not the wiring: the devices still reach each other past the IOMMU';

/** How the ACS of a function fails, in words; undefined where the registers say that it does not. */
export function acsText(device: MachineDevice): string | undefined {
  const { config, name } = device;
  if (config.port === PORT.PCIE_TO_PCI || config.port === PORT.PCI_TO_PCIE) {
    return `${name} is a bridge to conventional PCI: all devices behind it share its requester id`;
  }
  if (isIsolated(config) === undefined) return `${name}: its ACS could not be read`;
  if (isIsolated(config) === true) return undefined;
  if (config.port === null) return `${name} is conventional PCI, which has no ACS`;
  if (config.acs === null || config.acs === undefined) return `${name} has no ACS capability`;
  return `${name} has ACS without ${missingAcs(config.acs).join(', ')} switched on`;
}

/** Bridges that two functions share on their way to the root, the nearest first. */
function commonBridges(machine: Machine, names: readonly string[]): MachineDevice[] {
  const [first = '', ...others] = names;
  const chains = others.map((name) => new Set([name, ...bridgesAbove(name, machine.devices).map((one) => one.name)]));
  const own = machine.devices.get(first);
  const chain = [...(own !== undefined && isPciBridge(own) ? [own] : []), ...bridgesAbove(first, machine.devices)];
  return chain.filter(({ name }) => chains.every((set) => set.has(name)));
}

/** Bridges on the way of any of the functions up to and without the first shared one. */
function bridgesBetween(machine: Machine, names: readonly string[]): MachineDevice[] {
  const found = new Map<string, MachineDevice>();
  for (const name of names) for (const bridge of bridgesAbove(name, machine.devices)) found.set(bridge.name, bridge);
  return [...found.values()];
}

function isConventionalBridge({ config }: MachineDevice): boolean {
  return config.port === PORT.PCIE_TO_PCI || config.port === PORT.PCI_TO_PCIE;
}

/** The devices of a group slot by slot. */
function slotsOf(names: readonly string[]): string[][] {
  const slots = new Map<string, string[]>();
  for (const name of names) {
    const place = name.replace(/\.[0-7]$/, '');
    const slot = slots.get(place);
    if (slot === undefined) slots.set(place, [name]);
    else slot.push(name);
  }
  return [...slots.values()];
}

/** Functions of one slot that are not kept apart from each other. */
function slotReason(machine: Machine, slot: readonly string[]): { readonly text: string; readonly decided: boolean } {
  const members = slot.flatMap((name) => machine.devices.get(name) ?? []);
  const place = slot[0]?.replace(/\.\d$/, '') ?? '';
  const known = members.map((member) => isIsolated({ ...member.config, multifunction: true }));
  const open = members.filter((_, i) => known[i] === false);
  if (open.length > 0) {
    const names = open
      .slice(0, 3)
      .map(({ name }) => name.slice(-1))
      .join(', ');
    return { text: `functions of ${place} are not kept apart: function ${names} without ACS`, decided: true };
  }
  const text = known.includes(undefined)
    ? `functions of ${place} share a slot; their ACS could not be read`
    : `functions of ${place} share a slot; by their registers they are kept apart, so a quirk or a shared requester id of the kernel joins them`;
  return { text, decided: false };
}

/** Devices of several slots: a bridge on their way lets them reach each other. */
function bridgeReason(
  machine: Machine,
  names: readonly string[],
): { readonly text: string; readonly decided: boolean } {
  const all = bridgesBetween(machine, names);
  const conventional = all.find(isConventionalBridge);
  if (conventional !== undefined) return { text: acsText(conventional) ?? '', decided: true };
  const shared = commonBridges(machine, names);
  const inner = all.filter((bridge) => names.includes(bridge.name));
  const open = [...inner, ...shared, ...all].find(({ config }) => isIsolated(config) === false);
  if (open !== undefined) return { text: `${acsText(open)}: what is below it can reach its neighbours`, decided: true };
  if (all.some(({ config }) => isIsolated(config) === undefined) || all.length === 0) {
    const where =
      all.length === 0 ? 'the bridges above them are not known' : 'the ACS of the bridges above them could not be read';
    return { text: `devices of several slots share it; ${where}`, decided: false };
  }
  return {
    text: 'devices of several slots share it; by their registers the bridges above keep them apart, so a quirk or a shared requester id of the kernel joins them',
    decided: false,
  };
}

/** Endpoints and, where there is only one, the bridges that share its group. */
function pciReason(machine: Machine, names: readonly string[]): GroupReason {
  const members = names.flatMap((name) => machine.devices.get(name) ?? []);
  const endpoints = members.filter((member) => !isPciBridge(member)).map(({ name }) => name);
  if (endpoints.length <= 1 && slotsOf(names).length <= names.length && endpoints.length < names.length) {
    return portReason(machine, names, endpoints);
  }
  const slots = slotsOf(endpoints);
  const reasons = [
    ...(slots.length > 1 ? [bridgeReason(machine, endpoints)] : []),
    ...slots.filter((slot) => slot.length > 1).map((slot) => slotReason(machine, slot)),
  ];
  const remedies = slots.length > 1 ? [PORT_REMEDY, FIRMWARE_REMEDY, QUIRK_REMEDY] : [QUIRK_REMEDY];
  return {
    why: reasons.map(({ text }) => text),
    remedies: [...remedies, OVERRIDE_REMEDY],
    decided: reasons.every(({ decided }) => decided),
  };
}

function portReason(machine: Machine, names: readonly string[], endpoints: readonly string[]): GroupReason {
  const ports = names.filter((name) => !endpoints.includes(name));
  const open = ports
    .flatMap((name) => machine.devices.get(name) ?? [])
    .find(({ config }) => isIsolated(config) === false);
  const reason = open === undefined ? '' : ` (${acsText(open)})`;
  const text =
    endpoints.length === 0
      ? `ports that are not kept apart${reason}`
      : `one device and the port above it${reason}: harmless, the port makes no requests of its own`;
  return { why: [text], remedies: [], decided: open !== undefined };
}

/** Explains a group. */
export function explainGroup(machine: Machine, group: MachineGroup): GroupReason {
  if (group.name === 'vfio-noiommu') return { why: ['no IOMMU is behind it'], remedies: [], decided: true };
  if (group.devices.length < 2) return ALONE;
  const members = membersOf(machine, group);
  const pci = members.filter(({ isPci }) => isPci).map(({ name }) => name);
  const reasons = pci.length > 1 ? pciReason(machine, pci) : ALONE;
  const others = group.devices.length - pci.length;
  if (others === 0) return reasons;
  const named = group.name === undefined ? '' : ` (${group.name})`;
  const text = `devices that share a stream id or a context of their unit${named}: the firmware's description joins them`;
  return { why: [...reasons.why, text], remedies: reasons.remedies, decided: reasons.decided && pci.length === 0 };
}
