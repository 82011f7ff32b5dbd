// The kernels' processor on the CPU, for tests: what device.cuh offers, with g++ alone. Threads of a block are fibers that run one after another from
// barrier to barrier, in an order that differs from run to run, so that a missing barrier shows as another result. Shared memory starts as
// not-a-number and ends at a page that nobody may touch. Copies in the background happen at once or at the last moment, by turns.
#pragma once
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <functional>
#include <numeric>
#include <random>
#include <vector>
#include <sys/mman.h>
#include <unistd.h>
#ifndef __x86_64__
#include <ucontext.h>
#endif

#define __CUDA_ARCH__ 900
#define DEVICE static inline
#define CALLED static inline
#define METHOD inline
#define BOTH_SIDES
#define KERNEL(name) static void name(const Arguments a)
#define HAS_STORE_ASYNC 1
#define SHARED(name) unsigned char* name = emulator::current->block->shared

struct Half { unsigned short bits; };

namespace emulator {
[[noreturn]] inline void fail(const char* what) { std::fprintf(stderr, "emulator: %s\n", what); std::exit(3); }

#ifdef __x86_64__
extern "C" void emulator_switch(void** from, void* to);
asm(R"(
.text
.globl emulator_switch
emulator_switch:
  pushq %rbp
  pushq %rbx
  pushq %r12
  pushq %r13
  pushq %r14
  pushq %r15
  movq %rsp, (%rdi)
  movq %rsi, %rsp
  popq %r15
  popq %r14
  popq %r13
  popq %r12
  popq %rbx
  popq %rbp
  ret
)");
#endif

struct Index { unsigned x, y, z; };
struct Cluster;
struct Warp { int arrived = 0, passed = 0, threads = 0; uint32_t words[32][8]; const void* rows[32]; };
struct Block { unsigned char* shared; size_t bytes; int threads, arrived = 0, passed = 0; Index index; Cluster* cluster; int rank; std::vector<Warp> warps; };
struct Cluster { std::vector<Block*> blocks; int threads = 0, arrived = 0, passed = 0; };
struct Copy { void* to; const void* from; size_t bytes; };
struct Fiber {
  Index index; int number; Block* block; bool done; int cluster_passed;
  std::vector<Copy> open; std::deque<std::vector<Copy>> groups;
#ifdef __x86_64__
  void* stack;
#else
  ucontext_t context;
#endif
};

inline Fiber* current;
inline Index grid, block_size;
inline std::function<void()>* body;
inline bool copies_at_once;
inline uint64_t progress;
constexpr size_t STACK = 65536;
#ifdef __x86_64__
inline void* scheduler;
inline void yield() { emulator_switch(&current->stack, scheduler); }
#else
inline ucontext_t scheduler;
inline void yield() { swapcontext(&current->context, &scheduler); }
#endif
inline void entry() { (*body)(); current->done = true; ++progress; yield(); std::abort(); }

inline void barrier(int& arrived, int& passed, int threads) {
  const int before = passed;
  if (++arrived == threads) { arrived = 0; ++passed; ++progress; }
  else while (*(volatile int*)&passed == before) yield();
}

// Memory that ends (to 16 bytes) at a page that nobody may touch.
struct Guarded {
  unsigned char* pages = nullptr; size_t room = 0; unsigned char* start = nullptr;
  explicit Guarded(size_t bytes) {
    const size_t page = (size_t)sysconf(_SC_PAGESIZE), used = (bytes + 15) / 16 * 16;
    room = (used + page - 1) / page * page + page;
    pages = (unsigned char*)mmap(nullptr, room, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (pages == MAP_FAILED || mprotect(pages + room - page, page, PROT_NONE) != 0) fail("no memory");
    start = pages + room - page - used;
  }
  Guarded(Guarded&& other) noexcept { *this = std::move(other); }
  Guarded& operator=(Guarded&& other) noexcept { std::swap(pages, other.pages); std::swap(room, other.room); std::swap(start, other.start); return *this; }
  ~Guarded() { if (pages) munmap(pages, room); }
};

enum Order { FORWARD, BACKWARD, SHUFFLED };

inline void run(Index grid_size, unsigned threads, unsigned cluster_size, size_t shared, Order order, std::function<void()> kernel) {
  if (cluster_size == 0 || grid_size.x % cluster_size != 0) fail("the grid is no multiple of the cluster");
  grid = grid_size; block_size = {threads, 1, 1}; body = &kernel;
  const size_t all = (size_t)cluster_size * threads, blocks = (size_t)grid_size.x * grid_size.y * grid_size.z;
  static unsigned char* stacks = nullptr; static size_t room = 0;
  if (room < all) {
    if (stacks) munmap(stacks, room * STACK);
    room = all; stacks = (unsigned char*)mmap(nullptr, room * STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (stacks == MAP_FAILED) fail("no memory for stacks");
  }
  std::vector<Guarded> memory; for (unsigned c = 0; c < cluster_size; ++c) memory.emplace_back(shared);
  std::vector<Fiber> fibers(all); std::mt19937 random(11);
  std::vector<size_t> turns(all); std::iota(turns.begin(), turns.end(), 0);
  for (size_t first = 0; first < blocks; first += cluster_size) {
    Cluster cluster; std::vector<Block> members(cluster_size);
    for (unsigned c = 0; c < cluster_size; ++c) {
      const size_t b = first + c; Block& block = members[c];
      block.shared = memory[c].start; block.bytes = shared; block.threads = (int)threads; block.cluster = &cluster; block.rank = (int)c;
      block.index = {(unsigned)(b % grid_size.x), (unsigned)(b / grid_size.x % grid_size.y), (unsigned)(b / grid_size.x / grid_size.y)};
      block.warps.resize((threads + 31) / 32);
      for (size_t w = 0; w < block.warps.size(); ++w) block.warps[w].threads = (int)std::min<size_t>(32, threads - w * 32);
      std::memset(block.shared, 0xFF, (shared + 15) / 16 * 16);
      cluster.blocks.push_back(&block); cluster.threads += (int)threads;
      for (unsigned t = 0; t < threads; ++t) {
        Fiber& f = fibers[c * threads + t];
        f.index = {t, 0, 0}; f.number = (int)t; f.block = &block; f.done = false; f.open.clear(); f.groups.clear();
        unsigned char* base = stacks + (size_t)(c * threads + t) * STACK;
#ifdef __x86_64__
        void** top = (void**)(base + STACK) - 2; *top = (void*)entry; top -= 6; f.stack = top;
#else
        getcontext(&f.context); f.context.uc_stack.ss_sp = base; f.context.uc_stack.ss_size = STACK; f.context.uc_link = nullptr; makecontext(&f.context, entry, 0);
#endif
      }
    }
    if (order == BACKWARD) for (size_t i = 0; i < all; ++i) turns[i] = all - 1 - i;
    size_t left = all;
    while (left) {
      const uint64_t before = progress;
      if (order == SHUFFLED) std::shuffle(turns.begin(), turns.end(), random);
      for (size_t i : turns) if (!fibers[i].done) {
        current = &fibers[i];
#ifdef __x86_64__
        emulator_switch(&scheduler, current->stack);
#else
        swapcontext(&scheduler, &current->context);
#endif
        if (fibers[i].done) --left;
      }
      if (left && progress == before) fail("threads wait for one another for ever");
    }
  }
}

inline void check_shared(const void* p, size_t bytes) {
  const Block& b = *current->block; const size_t at = (size_t)((const unsigned char*)p - b.shared);
  if (at + bytes > b.bytes) fail("shared memory: out of bounds");
  if ((uintptr_t)p % bytes) fail("shared memory: misaligned");
}
inline void land(const Copy& c) { if (c.from) std::memcpy(c.to, c.from, c.bytes); else std::memset(c.to, 0, c.bytes); }
inline Warp& warp() { return current->block->warps[(size_t)current->number / 32]; }
inline int lane() { return current->number % 32; }
inline void sync_warp() { Warp& w = warp(); barrier(w.arrived, w.passed, w.threads); }
inline uint32_t bits(float f) { uint32_t u; std::memcpy(&u, &f, 4); return u; }
inline float value(uint32_t u) { float f; std::memcpy(&f, &u, 4); return f; }
inline void* of_peer(const void* p, int rank) {
  const Block& b = *current->block; check_shared(p, 4);
  return b.cluster->blocks.at((size_t)rank)->shared + ((const unsigned char*)p - b.shared);
}
}  // namespace emulator

#define threadIdx (emulator::current->index)
#define blockIdx (emulator::current->block->index)
#define gridDim (emulator::grid)
#define blockDim (emulator::block_size)

DEVICE float to_float(float x) { return x; }
DEVICE float to_float(Half h) {
  const uint32_t sign = (uint32_t)(h.bits & 0x8000) << 16, e = h.bits >> 10 & 31, m = h.bits & 1023;
  if (e == 31) return emulator::value(sign | 0x7f800000u | m << 13);
  const float v = e == 0 ? std::ldexp((float)m, -24) : std::ldexp((float)(m | 1024), (int)e - 25);
  return sign ? -v : v;
}
DEVICE Half to_half(float x) {                     // to nearest, ties to even
  const uint32_t u = emulator::bits(x), sign = u >> 16 & 0x8000; uint32_t a = u & 0x7fffffffu; Half h;
  if (a > 0x7f800000u) h.bits = (unsigned short)(sign | 0x7fff);
  else if (a >= 0x477ff000u) h.bits = (unsigned short)(sign | 0x7c00);
  else if (a < 0x38800000u) h.bits = (unsigned short)(sign | (uint32_t)std::nearbyint(std::ldexp(emulator::value(a), 24)));
  else { a += 0xfff + (a >> 13 & 1); h.bits = (unsigned short)(sign | ((a >> 13) - (112 << 10))); }
  return h;
}
DEVICE unsigned to_halves(float low, float high) { return to_half(low).bits | (unsigned)to_half(high).bits << 16; }
DEVICE float bits_to_float(unsigned u) { return emulator::value(u); }
DEVICE float to_tf32(float x) { return x != x ? x : emulator::value((emulator::bits(x) + 0x1000u) & 0xffffe000u); }
DEVICE void sync_block() { emulator::Block& b = *emulator::current->block; emulator::barrier(b.arrived, b.passed, b.threads); }
DEVICE float shuffle_xor(float v, int mask) {
  emulator::Warp& w = emulator::warp(); const int l = emulator::lane();
  if (w.threads != 32) emulator::fail("a shuffle in a partial warp");
  w.words[l][0] = emulator::bits(v); emulator::sync_warp(); const float r = emulator::value(w.words[l ^ mask][0]); emulator::sync_warp(); return r;
}

template <int BYTES> DEVICE void copy_async(void* to, const void* from, bool here) {
  emulator::check_shared(to, BYTES);
  if (here && (uintptr_t)from % BYTES) emulator::fail("copy_async: misaligned in global memory");
  const emulator::Copy copy = {to, here ? from : nullptr, BYTES};
  if (emulator::copies_at_once) emulator::land(copy); else emulator::current->open.push_back(copy);
}
DEVICE void copy_commit() { emulator::current->groups.push_back(std::move(emulator::current->open)); emulator::current->open.clear(); }
template <int PENDING> DEVICE void copy_wait() {
  auto& groups = emulator::current->groups;
  while (groups.size() > PENDING) { for (const auto& copy : groups.front()) emulator::land(copy); groups.pop_front(); }
}
DEVICE void let_next_start() {}
DEVICE void await_previous() {}

DEVICE void cluster_arrive() {
  emulator::Cluster& c = *emulator::current->block->cluster; emulator::current->cluster_passed = c.passed;
  if (++c.arrived == c.threads) { c.arrived = 0; ++c.passed; ++emulator::progress; }
}
DEVICE void cluster_arrive_relaxed() { cluster_arrive(); }
DEVICE void cluster_wait() { emulator::Cluster& c = *emulator::current->block->cluster; while (*(volatile int*)&c.passed == emulator::current->cluster_passed) emulator::yield(); }
DEVICE void store_peer(const void* p, int rank, float v) { std::memcpy(emulator::of_peer(p, rank), &v, 4); }
DEVICE float load_peer(const void* p, int rank) { float v; std::memcpy(&v, emulator::of_peer(p, rank), 4); return v; }
DEVICE void load_peer4(float* v, const void* p, int rank) { emulator::check_shared(p, 16); std::memcpy(v, emulator::of_peer(p, rank), 16); }
// [0]: bytes still to come, [1]: 1 where armed.
DEVICE void transfer_init(void* barrier) { ((int*)barrier)[0] = 0; ((int*)barrier)[1] = 0; }
DEVICE void transfer_expect(void* barrier, unsigned bytes) { ((int*)barrier)[0] += (int)bytes; ((int*)barrier)[1] = 1; }
DEVICE void transfer_wait(void* barrier) { volatile int* b = (volatile int*)barrier; while (b[0] != 0 || b[1] != 1) emulator::yield(); }
DEVICE void store_peer_async(const void* p, const void* barrier, int rank, float v) {
  store_peer(p, rank, v); int* b = (int*)emulator::of_peer(barrier, rank); if ((b[0] -= 4) == 0) ++emulator::progress;
}

DEVICE void multiply_tf32(float* c, const float* a, const float* b) {
  emulator::Warp& w = emulator::warp(); const int l = emulator::lane(), g = l >> 2, t = l & 3;
  for (int i = 0; i < 4; ++i) w.words[l][i] = emulator::bits(a[i]);
  for (int i = 0; i < 2; ++i) w.words[l][4 + i] = emulator::bits(b[i]);
  emulator::sync_warp();
  for (int e = 0; e < 4; ++e) {
    const int row = g + (e >> 1) * 8, col = 2 * t + (e & 1); float s = c[e];
    for (int k = 0; k < 8; ++k) s += emulator::value(w.words[(row & 7) * 4 + (k & 3)][(row >> 3) + 2 * (k >> 2)] & 0xffffe000u) * emulator::value(w.words[col * 4 + (k & 3)][4 + (k >> 2)] & 0xffffe000u);
    c[e] = s;
  }
  emulator::sync_warp();
}
DEVICE void multiply_f16(float* c, const unsigned* a, const unsigned* b) {
  emulator::Warp& w = emulator::warp(); const int l = emulator::lane(), g = l >> 2, t = l & 3;
  for (int i = 0; i < 4; ++i) w.words[l][i] = a[i];
  for (int i = 0; i < 2; ++i) w.words[l][4 + i] = b[i];
  emulator::sync_warp();
  const auto half = [](uint32_t word, int high) { Half h; h.bits = (unsigned short)(high ? word >> 16 : word); return to_float(h); };
  for (int e = 0; e < 4; ++e) {
    const int row = g + (e >> 1) * 8, col = 2 * t + (e & 1); float s = c[e];
    for (int k = 0; k < 16; ++k) { const int in = k & 7; s += half(w.words[(row & 7) * 4 + (in >> 1)][(row >> 3) + 2 * (k >> 3)], in & 1) * half(w.words[col * 4 + (in >> 1)][4 + (k >> 3)], in & 1); }
    c[e] = s;
  }
  emulator::sync_warp();
}
DEVICE void load_matrices(unsigned* r, const void* row) {
  emulator::Warp& w = emulator::warp(); const int l = emulator::lane(); emulator::check_shared(row, 16);
  w.rows[l] = row; emulator::sync_warp();
  for (int m = 0; m < 4; ++m) std::memcpy(&r[m], (const char*)w.rows[m * 8 + (l >> 2)] + (l & 3) * 4, 4);
  emulator::sync_warp();
}
DEVICE void load_matrices_transposed(unsigned* r, const void* row) {
  emulator::Warp& w = emulator::warp(); const int l = emulator::lane(); if (l < 16) emulator::check_shared(row, 16);
  w.rows[l] = row; emulator::sync_warp();
  for (int m = 0; m < 2; ++m) {
    unsigned short low, high;
    std::memcpy(&low, (const char*)w.rows[m * 8 + 2 * (l & 3)] + (l >> 2) * 2, 2); std::memcpy(&high, (const char*)w.rows[m * 8 + 2 * (l & 3) + 1] + (l >> 2) * 2, 2);
    r[m] = low | (unsigned)high << 16;
  }
  emulator::sync_warp();
}
