/**
 * Functions of Linux's DMA and IOMMU layers by name: which begin a map or an unmap, and which layer each belongs to.
 * @module
 */

/** Layers of the mapping stack, from the caller's side inwards. */
export const GRAPH_LAYERS = [
  'DMA API',
  'IOVA',
  'core',
  'driver',
  'runtime power',
  'page table',
  'page allocation',
  'cache',
  'TLB',
] as const;

/** One of {@link GRAPH_LAYERS}. */
export type GraphLayer = (typeof GRAPH_LAYERS)[number];

/** What compilers append to the names of functions that they specialise, split or move. */
const SUFFIXES = /(?:\.(?:isra|constprop|part|cold|llvm|lto_priv|localalias)(?:\.\d{1,20})?)+$/;

/** A function's name as its source has it: `iommu_pgsize.isra.14` is `iommu_pgsize`. */
export function sourceName(name: string): string {
  return name.includes('.') ? name.replace(SUFFIXES, '') : name;
}

/** Names by layer; the first pattern that fits decides. */
const LAYER_NAMES: readonly (readonly [GraphLayer, RegExp])[] = [
  [
    'IOVA',
    /^(iommu_dma_(alloc|free)_iova|(__)?(alloc|free|find|remove)_iova(_fast|_mem)?|(__)?iova_\w+|dma_iova_try_alloc)$/,
  ],
  ['DMA API', /^((__)?iommu_dma_(map|unmap)(_(page|sg|phys))?|iommu_get_dma_domain|iommu_dma_deferred_attach)$/],
  [
    'DMA API',
    /^(dma_iova_(link|sync|unlink|destroy)|blk_rq_dma_map_iter_(start|next)|dma_(map|unmap)_(sg|page|phys)_attrs)$/,
  ],
  [
    'TLB',
    /_iotlb_sync(_map)?$|_tlb_sync$|^(__)?arm_smmu_tlb_|^arm_smmu_cmdq_|^(cache_tag_flush_|qi_flush_|qi_submit_|riscv_iommu_(cmd|iotlb)_)/,
  ],
  ['driver', /^(arm_smmu|amd_iommu|intel_iommu|riscv_iommu|apple_dart|mtk_iommu|qcom_iommu)_(un)?map(_pages|_sg)?$/],
  ['page allocation', /^(__arm_lpae_alloc_pages|iommu_(alloc|free)_pages|__alloc_pages|alloc_pages)/],
  [
    'page table',
    /^((__)?arm_(lpae|v7s)_|iommu_v[12]_(un)?map_pages$|__domain_mapping$|domain_unmap$|dma_pte_|pt_iommu_)/,
  ],
  ['core', /^((__)?iommu_(un)?map(_sg|_nosync|_fast|_atomic|_sg_atomic)?|iommu_pgsize|iommu_iova_to_phys)$/],
  ['runtime power', /^(__)?pm_runtime_|^rpm_/],
  ['cache', /^(arch_sync_dma_for_|dcache_(clean|inval)_|clflush_cache_range$|dma_sync_single_for_device$)/],
];

/** The layer of a function; null if the name is not known. */
export function layerOf(name: string): GraphLayer | null {
  const plain = sourceName(name);
  return LAYER_NAMES.find(([, pattern]) => pattern.test(plain))?.[0] ?? null;
}

/** What an outermost call is for. `flush queue`: invalidations and freed addresses that a timer works off. */
export type RootKind = 'map' | 'unmap' | 'flush queue' | 'other';

const MAPS =
  /^((__)?iommu_dma_map(_\w+)?|dma_iova_(try_alloc|link|sync)|blk_rq_dma_map_iter_(start|next)|(__)?iommu_map(_\w+)?|dma_map_(sg|page|phys)_attrs)$/;
const UNMAPS =
  /^((__)?iommu_dma_unmap(_\w+)?|dma_iova_(unlink|destroy)|(__)?iommu_unmap(_\w+)?|dma_unmap_(sg|page|phys)_attrs)$/;
const FLUSHES = /^(free_iova_fast|iommu_dma_free_iova|cache_tag_flush_range|fq_|.*_flush_iotlb_all$)/;

/** What an outermost call of this name is for. */
export function rootKindOf(name: string): RootKind {
  const plain = sourceName(name);
  if (MAPS.test(plain)) return 'map';
  if (UNMAPS.test(plain)) return 'unmap';
  return FLUSHES.test(plain) ? 'flush queue' : 'other';
}

const INTERRUPTS = /^(iommu_dma_unmap_(page|sg|phys)|dma_iova_destroy|cache_tag_flush_range)$/;

/** Whether a call of this name inside a map can only be an interrupt: a map does not unmap. */
export function isInterruptEntry(name: string): boolean {
  return INTERRUPTS.test(sourceName(name));
}
