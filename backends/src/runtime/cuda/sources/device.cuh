// What a processor of NVIDIA can do, as plain functions. No header of the toolkit is needed: this is what NVRTC has built in. `emulator.h` offers the
// same names on the CPU.
//
// A text is `#define`s of the kernel's sizes, then device.cuh (or emulator.h), common.cuh, what the kernel shares with others, the kernel: put
// together by `kernels/source.rs`.

#define DEVICE static __device__ __forceinline__
#define METHOD __device__ __forceinline__
// A function that is called: its text is there once.
#define CALLED static __device__ __noinline__
#define BOTH_SIDES __host__ __device__
#define KERNEL(name) extern "C" __global__ void __launch_bounds__(THREADS) name(const Arguments a)
// `st.async` came with CUDA 12.1.
#define HAS_STORE_ASYNC (__CUDACC_VER_MAJOR__ > 12 || (__CUDACC_VER_MAJOR__ == 12 && __CUDACC_VER_MINOR__ >= 1))
#define SHARED(name) extern __shared__ __align__(128) unsigned char name[]

struct Half { unsigned short bits; };

DEVICE float to_float(float x) { return x; }
DEVICE float to_float(Half x) { float f; asm("cvt.f32.f16 %0, %1;" : "=f"(f) : "h"(x.bits)); return f; }
DEVICE Half to_half(float x) { Half h; asm("cvt.rn.f16.f32 %0, %1;" : "=h"(h.bits) : "f"(x)); return h; }
DEVICE unsigned to_halves(float low, float high) { return to_half(low).bits | (unsigned)to_half(high).bits << 16; }
DEVICE float bits_to_float(unsigned u) { return __uint_as_float(u); }
// To the nearest value that a tensor core reads as TF32.
DEVICE float to_tf32(float x) {
#if __CUDA_ARCH__ >= 800
  unsigned r; asm("cvt.rna.tf32.f32 %0, %1;" : "=r"(r) : "f"(x)); return __uint_as_float(r);
#else
  return x;
#endif
}

DEVICE unsigned shared_address(const void* p) { return (unsigned)__cvta_generic_to_shared(p); }
DEVICE void sync_block() { __syncthreads(); }
DEVICE float shuffle_xor(float v, int mask) { return __shfl_xor_sync(0xffffffffu, v, mask); }

// Copies BYTES (4, 8 or 16) from global to shared memory in the background, or writes zeros where not `here`; then nothing is read.
template <int BYTES> DEVICE void copy_async(void* to, const void* from, bool here) {
  static_assert(BYTES == 4 || BYTES == 8 || BYTES == 16, "copy_async");
#if __CUDA_ARCH__ >= 800
  const int n = here ? BYTES : 0;
  if constexpr (BYTES == 16) asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" :: "r"(shared_address(to)), "l"(from), "r"(n) : "memory");
  else asm volatile("cp.async.ca.shared.global [%0], [%1], %2, %3;" :: "r"(shared_address(to)), "l"(from), "n"(BYTES), "r"(n) : "memory");
#else
  for (int i = 0; i < BYTES / 4; ++i) ((unsigned*)to)[i] = here ? ((const unsigned*)from)[i] : 0u;
#endif
}
DEVICE void copy_commit() {
#if __CUDA_ARCH__ >= 800
  asm volatile("cp.async.commit_group;" ::: "memory");
#endif
}
// Until all but the last `PENDING` groups have arrived.
template <int PENDING> DEVICE void copy_wait() {
#if __CUDA_ARCH__ >= 800
  asm volatile("cp.async.wait_group %0;" :: "n"(PENDING) : "memory");
#endif
}

// Programmatic dependent launch: the next kernel may start now; what the kernels before this one wrote is there.
DEVICE void let_next_start() {
#if __CUDA_ARCH__ >= 900
  asm volatile("griddepcontrol.launch_dependents;" ::: "memory");
#endif
}
DEVICE void await_previous() {
#if __CUDA_ARCH__ >= 900
  asm volatile("griddepcontrol.wait;" ::: "memory");
#endif
}

// Clusters of blocks that see one another's shared memory. Every thread calls these.
#if __CUDA_ARCH__ >= 900
DEVICE void cluster_arrive() { __syncwarp(); asm volatile("barrier.cluster.arrive.release.aligned;" ::: "memory"); }
// With nothing to publish: only says that this block runs.
DEVICE void cluster_arrive_relaxed() { __syncwarp(); asm volatile("barrier.cluster.arrive.relaxed.aligned;" ::: "memory"); }
DEVICE void cluster_wait() { __syncwarp(); asm volatile("barrier.cluster.wait.acquire.aligned;" ::: "memory"); }
DEVICE unsigned peer_address(const void* p, int rank) { unsigned r; asm("mapa.shared::cluster.u32 %0, %1, %2;" : "=r"(r) : "r"(shared_address(p)), "r"(rank)); return r; }
DEVICE void store_peer(const void* p, int rank, float v) { asm volatile("st.shared::cluster.f32 [%0], %1;" :: "r"(peer_address(p, rank)), "f"(v) : "memory"); }
DEVICE float load_peer(const void* p, int rank) { float v; asm volatile("ld.shared::cluster.f32 %0, [%1];" : "=f"(v) : "r"(peer_address(p, rank)) : "memory"); return v; }
DEVICE void load_peer4(float* v, const void* p, int rank) {
  asm volatile("ld.shared::cluster.v4.f32 {%0,%1,%2,%3}, [%4];" : "=f"(v[0]), "=f"(v[1]), "=f"(v[2]), "=f"(v[3]) : "r"(peer_address(p, rank)) : "memory");
}
// A transaction barrier of one block: passed once it was armed and so many bytes have been stored by `store_peer_async`.
DEVICE void transfer_init(void* barrier) {
  asm volatile("mbarrier.init.shared::cta.b64 [%0], 1;" :: "r"(shared_address(barrier)) : "memory");
  asm volatile("fence.mbarrier_init.release.cluster;" ::: "memory");
}
DEVICE void transfer_expect(void* barrier, unsigned bytes) { asm volatile("mbarrier.arrive.expect_tx.shared::cta.b64 _, [%0], %1;" :: "r"(shared_address(barrier)), "r"(bytes) : "memory"); }
DEVICE void transfer_wait(void* barrier) {
  unsigned done = 0;
  do {
    asm volatile("{ .reg .pred p; mbarrier.try_wait.parity.acquire.cluster.shared::cta.b64 p, [%1], 0; selp.u32 %0, 1, 0, p; }" : "=r"(done) : "r"(shared_address(barrier)) : "memory");
  } while (!done);
  __syncwarp();
}
#if HAS_STORE_ASYNC
DEVICE void store_peer_async(const void* p, const void* barrier, int rank, float v) {
  asm volatile("st.async.weak.shared::cluster.mbarrier::complete_tx::bytes.b32 [%0], %1, [%2];" :: "r"(peer_address(p, rank)), "r"(__float_as_uint(v)), "r"(peer_address(barrier, rank)) : "memory");
}
#endif
#endif

// Tensor cores: c[16][8] += a[16][k] b[k][8], each thread holding its part as PTX lays it out.
#if __CUDA_ARCH__ >= 800
DEVICE void multiply_tf32(float* c, const float* a, const float* b) {
  asm volatile("mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
    : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
    : "r"(__float_as_uint(a[0])), "r"(__float_as_uint(a[1])), "r"(__float_as_uint(a[2])), "r"(__float_as_uint(a[3])), "r"(__float_as_uint(b[0])), "r"(__float_as_uint(b[1])));
}
#endif
DEVICE void multiply_f16(float* c, const unsigned* a, const unsigned* b) {
#if __CUDA_ARCH__ >= 800
  asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
    : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3]) : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
#else
  for (int half = 0; half < 2; ++half)
    asm volatile("mma.sync.aligned.m16n8k8.row.col.f32.f16.f16.f32 {%0,%1,%2,%3}, {%4,%5}, {%6}, {%0,%1,%2,%3};"
      : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3]) : "r"(a[2 * half]), "r"(a[2 * half + 1]), "r"(b[half]));
#endif
}
// Four, or two transposed, 8x8 matrices of halves, one row of 16 bytes per thread.
DEVICE void load_matrices(unsigned* r, const void* row) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0,%1,%2,%3}, [%4];" : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3]) : "r"(shared_address(row)) : "memory");
}
DEVICE void load_matrices_transposed(unsigned* r, const void* row) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x2.trans.shared.b16 {%0,%1}, [%2];" : "=r"(r[0]), "=r"(r[1]) : "r"(shared_address(row)) : "memory");
}
