/**
 * IOMMUs in the device tree of a machine: `iommus` of devices and `iommu-map` of PCI hosts (Devicetree bindings
 * `iommu/iommu.txt`, `pci/pci-iommu.txt`). Cells are big-endian.
 * @module
 */
import type { DeviceScope } from './tables.ts';

/** A unit of the device tree. */
export interface TreeUnit {
  /** Path of its node. */
  readonly path: string;
  readonly compatible: readonly string[];
  /** False where `status` is neither `okay` nor missing. */
  readonly enabled: boolean;
  readonly scopes: readonly DeviceScope[];
}

/** A device that names a unit which is not there. */
export interface TreeProblem {
  readonly path: string;
  readonly text: string;
}

/** What the device tree says of IOMMUs. */
export interface DeviceTree {
  readonly units: readonly TreeUnit[];
  readonly problems: readonly TreeProblem[];
}

/** Nodes that are looked at; a device tree of a large board has some thousands. */
const MOST_NODES = 20_000;
const DEEPEST = 16;

/** Bytes of a property that are read. */
const LONGEST_PROPERTY = 2 ** 18;
/** References from devices to units, and problems, that are kept. */
const MOST_LINKS = 2 ** 18;
const MOST_PROBLEMS = 200;

/** The files of a device tree, as folders of nodes. */
export interface TreeFiles {
  names(folder: string): readonly string[];
  /** True for a link: a device tree has none below its root. */
  isLink(path: string): boolean;
  bytes(path: string): Uint8Array | undefined;
}

interface Node {
  readonly path: string;
  readonly names: ReadonlySet<string>;
}

/** The nodes below a folder, itself among them; whether all of them. */
function nodesBelow(files: TreeFiles, root: string): { readonly nodes: readonly Node[]; readonly all: boolean } {
  const nodes: Node[] = [];
  const waiting: { readonly path: string; readonly depth: number }[] = [{ path: root, depth: 0 }];
  let all = true;
  for (let next = waiting.pop(); next !== undefined && nodes.length < MOST_NODES; next = waiting.pop()) {
    const names = files.names(next.path);
    nodes.push({ path: next.path, names: new Set(names) });
    const { path, depth } = next;
    // nodes have a unit address or children; a property is a file, and lists nothing
    const below = names
      .map((name) => `${path}/${name}`)
      .filter((one) => !files.isLink(one) && files.names(one).length > 0);
    if (depth === DEEPEST) all &&= below.length === 0;
    else waiting.push(...below.map((one) => ({ path: one, depth: depth + 1 })));
  }
  return { nodes, all: all && waiting.length === 0 };
}

function cells(bytes: Uint8Array | undefined): number[] {
  if (bytes === undefined) return [];
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const length = Math.floor(Math.min(bytes.length, LONGEST_PROPERTY) / 4);
  return Array.from({ length }, (_, i) => view.getUint32(i * 4));
}

function texts(bytes: Uint8Array | undefined): string[] {
  return bytes === undefined
    ? []
    : new TextDecoder()
        .decode(bytes.subarray(0, LONGEST_PROPERTY))
        .split('\0')
        .filter((text) => text !== '');
}

class Reader {
  readonly problems: TreeProblem[] = [];
  readonly #files: TreeFiles;
  readonly #root: string;
  readonly #byHandle = new Map<number, Node>();
  readonly #scopes = new Map<Node, DeviceScope[]>();
  /** `#iommu-cells` of each unit. */
  readonly #cells = new Map<Node, number>();
  #linked = 0;

  constructor(files: TreeFiles, root: string, nodes: readonly Node[]) {
    this.#files = files;
    this.#root = root;
    for (const node of nodes) {
      const [handle] = node.names.has('phandle') ? cells(files.bytes(`${node.path}/phandle`)) : [];
      if (handle !== undefined) this.#byHandle.set(handle, node);
      if (node.names.has('#iommu-cells')) {
        this.#scopes.set(node, []);
        this.#cells.set(node, this.#number(node, '#iommu-cells'));
      }
    }
    for (const node of nodes) this.#links(node);
  }

  units(): TreeUnit[] {
    return [...this.#scopes].map(([node, scopes]) => {
      const [status = 'okay'] = node.names.has('status') ? texts(this.#files.bytes(`${node.path}/status`)) : [];
      const compatible = texts(this.#files.bytes(`${node.path}/compatible`));
      return { path: this.#short(node), compatible, enabled: status === 'okay' || status === 'ok', scopes };
    });
  }

  #short({ path }: Node): string {
    return path.slice(this.#root.length) || '/';
  }

  #problem(path: string, text: string): void {
    if (this.problems.length < MOST_PROBLEMS) this.problems.push({ path, text });
  }

  /** The first cell of a property, or 0. */
  #number(node: Node, property: string): number {
    return cells(this.#files.bytes(`${node.path}/${property}`))[0] ?? 0;
  }

  /** Whether one more reference is read; a problem of the tree at the first that is not. */
  #room(): boolean {
    if (++this.#linked === MOST_LINKS + 1)
      this.#problem('/', `more than ${MOST_LINKS} references to IOMMUs: not all were read`);
    return this.#linked <= MOST_LINKS;
  }

  #links(node: Node): void {
    if (node.names.has('iommus')) this.#iommus(node);
    if (node.names.has('iommu-map')) this.#iommuMap(node);
  }

  /** A unit by its handle; a problem of the node where there is none. */
  #unit(node: Node, property: string, handle: number): Node | undefined {
    const unit = this.#byHandle.get(handle);
    if (unit !== undefined && this.#scopes.has(unit)) return unit;
    const text = unit === undefined ? `no node has the phandle ${handle}` : `${this.#short(unit)} is not an IOMMU`;
    this.#problem(`${this.#short(node)}/${property}`, text);
    return undefined;
  }

  #iommus(node: Node): void {
    const values = cells(this.#files.bytes(`${node.path}/iommus`));
    const named: DeviceScope = { kind: 'named', name: this.#short(node) };
    for (let i = 0; i < values.length && this.#room(); ) {
      const unit = this.#unit(node, 'iommus', values[i] ?? 0);
      if (unit === undefined) return;
      const scopes = this.#scopes.get(unit);
      if (scopes?.at(-1) !== named) scopes?.push(named);
      i += 1 + (this.#cells.get(unit) ?? 0);
    }
  }

  /** `rid-base, unit, sid-base, length`, four cells each. */
  #iommuMap(node: Node): void {
    const values = cells(this.#files.bytes(`${node.path}/iommu-map`));
    const segment = this.#number(node, 'linux,pci-domain');
    for (let i = 0; i + 4 <= values.length && this.#room(); i += 4) {
      const [first = 0, handle = 0, , length = 0] = values.slice(i, i + 4);
      const unit = this.#unit(node, 'iommu-map', handle);
      if (unit === undefined || length === 0) continue;
      const last = Math.min(0xffff, first + length - 1);
      this.#scopes.get(unit)?.push({ kind: 'range', segment, first, last });
    }
  }
}

/** Reads the IOMMUs of a device tree below a folder; null where there is no device tree. */
export function readDeviceTree(files: TreeFiles, root: string): DeviceTree | null {
  if (files.names(root).length === 0) return null;
  const { nodes, all } = nodesBelow(files, root);
  const reader = new Reader(files, root, nodes);
  const cut = { path: '/', text: `more than ${MOST_NODES} nodes, or nodes deeper than ${DEEPEST}: not all were read` };
  return { units: reader.units(), problems: all ? reader.problems : [cut, ...reader.problems] };
}
