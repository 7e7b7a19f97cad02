/* Runs the RISC-V table cases of a conformance pack through a walker; yours takes the place of walk().
 * cc -O2 -o conformance conformance.c && gunzip -c conformance.jsonl.gz | ./conformance */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SLOTS = 1 << 20, NONE = 0 };
static struct { uint64_t address, word; unsigned image; } memory[SLOTS];
static unsigned image; /* words of earlier images no longer count */

static unsigned slot(uint64_t address) {
  unsigned at = (unsigned)((address >> 3) * 2654435761u) % SLOTS;
  while (memory[at].image == image && memory[at].address != address) at = (at + 1) % SLOTS;
  return at;
}
static uint64_t read64(uint64_t address) {
  unsigned at = slot(address);
  return memory[at].image == image ? memory[at].word : 0;
}
/* Sv39, Sv48, Sv57 with Svnapot: the address, or NONE (Privileged Architecture, "Virtual Address Translation Process") */
static uint64_t walk(uint64_t root, int levels, uint64_t iova) {
  for (int level = levels - 1; level >= 0; level--) {
    int shift = 12 + 9 * level;
    uint64_t entry = read64(root + 8 * ((iova >> shift) & 511));
    if (!(entry & 1)) return NONE;
    uint64_t page = ((entry >> 10) & 0xfffffffffffull) << 12, mask = (1ull << shift) - 1;
    if (entry & 0xe) {
      if (entry >> 63) mask = 0xffff; /* N: 16 entries are one leaf of 64K */
      return (page & ~mask) | (iova & mask);
    }
    root = page;
  }
  return NONE;
}
static uint64_t hex(const char *line, const char *key) {
  const char *at = strstr(line, key);
  return at ? strtoull(at + strlen(key), NULL, 16) : NONE;
}
static void load(const char *at) {
  uint64_t address, word, stride;
  unsigned count;
  image++;
  for (at = at ? at + 9 : ""; sscanf(at, "[\"%" SCNx64 "\",\"%" SCNx64 "\"", &address, &word) == 2; at = strchr(at, ']') + 2) {
    if (sscanf(at, "[\"%*[^\"]\",\"%*[^\"]\",%u,\"%" SCNx64, &count, &stride) != 2) count = 1, stride = 0;
    for (; count--; address += 8, word += stride) {
      unsigned to = slot(address);
      memory[to].address = address, memory[to].word = word, memory[to].image = image;
    }
  }
}
int main(void) {
  char *line = NULL;
  size_t room = 0;
  unsigned passed = 0, failed = 0;
  while (getline(&line, &room, stdin) > 0) {
    if (strstr(line, "{\"kind\":\"image\"") == line) load(strstr(line, "\"words\":["));
    const char *format = strstr(line, "\"format\":\"riscv-sv");
    if (strstr(line, "{\"kind\":\"tables\"") != line || format == NULL) continue;
    uint64_t got = walk(hex(line, "\"roots\":[\""), (atoi(format + 18) - 12) / 9, hex(line, "\"iova\":\""));
    if (got == hex(line, "\"address\":\"")) passed++;
    else failed++, printf("FAILED %.60s: got 0x%" PRIx64 "\n", strstr(line, "\"id\":"), got);
  }
  printf("%u passed, %u failed\n", passed, failed);
  return failed != 0 || passed == 0;
}
