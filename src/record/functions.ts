/**
 * Functions of Linux's DMA mapping stack, layer by layer, by the names that kernels 5.10 to 7.2 have for them.
 * @module
 */

/** Where a map or an unmap begins, and the flush queue's timer. Calls below these are recorded. */
const ROOTS: readonly RegExp[] = [
  /^iommu_dma_(map|unmap)_(page|sg|phys)$/,
  /^dma_iova_(try_alloc|link|sync|unlink|destroy)$/,
  /^blk_rq_dma_map_iter_(start|next)$/,
  /^(free_iova_fast|cache_tag_flush_range)$/,
];

/** The layers below. */
const LAYERS: readonly RegExp[] = [
  /^(__iommu_dma_(map|unmap)|iommu_dma_(alloc|free)_iova|alloc_iova_fast|alloc_iova)$/,
  /^(__)?iommu_(map|unmap)(_sg|_nosync|_fast)?$/,
  /^(arm_smmu|amd_iommu|intel_iommu|riscv_iommu|apple_dart|mtk_iommu|qcom_iommu)_(map|unmap)(_pages)?$/,
  /^(__)?arm_(lpae|v7s)_(map|unmap|map_pages|unmap_pages|iova_to_phys|alloc_pages)$/,
  /^(iommu_v1_(map|unmap)_pages|__domain_mapping|domain_unmap|dma_pte_clear_level)$/,
  /^pt_iommu_\w+$/,
  /^(arm_smmu|amd_iommu|intel_iommu|riscv_iommu|mtk_iommu)_(iotlb_sync|iotlb_sync_map|tlb_sync|flush_iotlb_all)$/,
  /^(__arm_smmu_tlb_inv_range|arm_smmu_cmdq_issue_cmdlist|qi_flush_iotlb|qi_submit_sync|riscv_iommu_cmd_sync)$/,
  /^(__pm_runtime_(resume|suspend|idle))$/,
  /^(iommu_alloc_pages\w*|__alloc_pages|__alloc_pages_noprof)$/,
  /^(arch_sync_dma_for_device|dcache_clean_poc|clflush_cache_range)$/,
];

/** Names of `available_filter_functions`, without the module behind them. */
function namesIn(text: string): string[] {
  return text.split('\n').map((line) => line.split(/\s/)[0] ?? '');
}

/** The functions that this kernel has and offers for tracing. */
export interface GraphFunctions {
  /** Those below which calls are recorded. */
  readonly roots: readonly string[];
  /** All that are recorded, roots included. */
  readonly all: readonly string[];
}

/** Picks the functions of the mapping stack from the text of `available_filter_functions`. */
export function graphFunctions(available: string): GraphFunctions {
  const fits = (patterns: readonly RegExp[]): string[] => [
    ...new Set(namesIn(available).filter((name) => patterns.some((pattern) => pattern.test(name)))),
  ];
  return { roots: fits(ROOTS), all: fits([...ROOTS, ...LAYERS]) };
}

/** The same choice as extended regular expressions, for a shell script. */
export const SHELL_PATTERNS: { readonly roots: string; readonly all: string } = {
  roots: shellPattern(ROOTS),
  all: shellPattern([...ROOTS, ...LAYERS]),
};

function shellPattern(patterns: readonly RegExp[]): string {
  return patterns.map(({ source }) => source.replaceAll('\\w', '[a-z0-9_]')).join('|');
}
