/**
 * The options that a kernel was started with (Linux, admin-guide/kernel-parameters). Words of one option are separated by
 * commas; of contradicting ones the last counts.
 * @module
 */
import { checkText } from '../../errors.ts';

/** One word of the command line. */
export interface KernelOption {
  /** Name with `_` for `-`, as the kernel compares them. */
  readonly name: string;
  /** Text behind `=`; undefined without one. */
  readonly value: string | undefined;
  /** As it was written. */
  readonly word: string;
}

const WORDS = /(?:[^\s"]|"[^"]*"?)+/g;
/** Longest command line that is read; Linux has at most 4096 characters on most architectures. */
const LONGEST = 1 << 15;

function optionOf(word: string): KernelOption {
  const plain = word.replaceAll('"', '');
  const equals = plain.indexOf('=');
  const name = equals < 0 ? plain : plain.slice(0, equals);
  return { name: name.replaceAll('-', '_'), value: equals < 0 ? undefined : plain.slice(equals + 1), word: plain };
}

/** The options of a command line up to `--`, behind which init's begin. */
export function parseOptions(text: string): KernelOption[] {
  checkText('text', text);
  const words: readonly string[] = text.slice(0, LONGEST).match(WORDS) ?? [];
  const end = words.indexOf('--');
  return (end < 0 ? words : words.slice(0, end)).map(optionOf);
}

/** What the options that are read say. */
export class KernelOptions {
  readonly all: readonly KernelOption[];

  constructor(all: readonly KernelOption[]) {
    this.all = all;
  }

  /** Every option of a name, in the order given. */
  of(name: string): KernelOption[] {
    return this.all.filter((option) => option.name === name);
  }

  /** The last value of an option; undefined where it is not given. */
  last(name: string): string | undefined {
    return this.of(name).at(-1)?.value;
  }

  has(name: string): boolean {
    return this.of(name).length > 0;
  }

  /** Words of an option that is a list, over all of its occurrences. */
  words(name: string): string[] {
    return this.of(name).flatMap(({ value }) => (value ?? '').split(','));
  }

  /** The last of the words that begins as one of these does, as the kernel compares; undefined for none. */
  choice<T extends string>(name: string, words: readonly T[]): T | undefined {
    const longestFirst = [...words].sort((a, b) => b.length - a.length);
    const found = this.words(name).map((given) => longestFirst.find((word) => given.startsWith(word)));
    return found.findLast((word) => word !== undefined);
  }

  /** The last value of a yes-or-no option (kstrtobool: y, n, 1, 0, on, off); null for another word. */
  truth(name: string): boolean | null | undefined {
    const value = this.last(name);
    if (value === undefined) return undefined;
    if (/^(?:[yYtT1]|on)/i.test(value)) return true;
    return /^(?:[nNfF0]|off)/i.test(value) ? false : null;
  }
}

/** Words that an option takes (drivers/iommu and arch/x86/kernel of Linux 5.10 to 7.3). */
export const OPTION_WORDS: Readonly<Record<string, readonly string[]>> = {
  intel_iommu: [
    'on',
    'off',
    'igfx_off',
    'intgpu_off',
    'forcedac',
    'strict',
    'sp_off',
    'sm_on',
    'sm_off',
    'tboot_noforce',
  ],
  amd_iommu: [
    'off',
    'fullflush',
    'force_enable',
    'force_isolation',
    'pgtbl_v1',
    'pgtbl_v2',
    'irtcachedis',
    'nohugepages',
    'v2_pgsizes_only',
  ],
  iommu: [
    'off',
    'force',
    'noforce',
    'pt',
    'nopt',
    'soft',
    'merge',
    'nomerge',
    'biomerge',
    'panic',
    'nopanic',
    'fullflush',
    'nofullflush',
    'memaper',
    'leak',
    'allowdac',
    'nodac',
    'usedac',
    'noagp',
    'noaperture',
    'calgary',
    'nobypass',
  ],
  intremap: ['on', 'off', 'nosid', 'no_x2apic_optout', 'nopost', 'posted_msi'],
};

/** Options with a yes or no. */
export const TRUTH_OPTIONS = ['iommu.passthrough', 'iommu.strict', 'iommu.forcedac'] as const;

/** Options that matter here, for what is collected: the others of a command line may be personal. */
const COLLECTED =
  /^(?:intel_iommu|amd_iommu\w*|iommu(?:\..*)?|s390_iommu|intremap|nointremap|ivrs_\w+\[?.*|arm_smmu(?:_v3)?\..*|pci|pcie_acs_override|vfio\w*\..*|swiotlb|efi|nox2apic|mem_encrypt|module_blacklist)$/;

/** The words of a command line that this program reads, in their order. */
export function collectedOptions(text: string): string {
  return parseOptions(text)
    .filter(({ name }) => COLLECTED.test(name))
    .map(({ word }) => word)
    .join(' ');
}
