// A tile's products on tensor cores, TF32 or halves with 32-bit sums: a block makes C[BM][BN], a warp WM x WN of it.
// Weights lie [rows][depth]. A stage holds W[BM][W_PITCH] and X[BK][X_PITCH]; the pitches keep a warp's reads on different banks.

constexpr int M_TILES = WM / 16, N_TILES = WN / 8, C_PITCH = BN + 8, PARTS = 1;
constexpr int W_PITCH = BK + 16 / (int)sizeof(Element);
constexpr int X_PITCH = HALF ? (BN / 8 % 2 ? BN : BN + 8) : (BN % 32 == 8 || BN % 32 == 24 ? BN : BN + 8);
constexpr int W_STAGE = BM * W_PITCH;
static_assert(THREADS == 32 * (BM / WM) * (BN / WN) && WM % 16 == 0 && WN % 8 == 0 && BK % 16 == 0, "tile");

DEVICE void load_weights(const Arguments& a, const Element* W, Element* to, int chunk) {
  constexpr int VECTOR = 16 / sizeof(Element);
  for (int e = threadIdx.x; e < BM * (BK / VECTOR); e += THREADS) {
    const int m = e / (BK / VECTOR), k = e % (BK / VECTOR) * VECTOR;
    copy_async<16>(to + m * W_PITCH + k, W + (size_t)m * W_ROW + chunk * BK + k, true);
  }
}

struct Products {
  float c[M_TILES][N_TILES][4];
  METHOD Products() {
#pragma unroll
    for (int i = 0; i < M_TILES; ++i)
#pragma unroll
      for (int j = 0; j < N_TILES; ++j)
#pragma unroll
        for (int q = 0; q < 4; ++q) c[i][j][q] = 0.f;
  }
  METHOD void add(const Element* ws, const Element* xs, int x_pitch) {
    const int lane = threadIdx.x % 32, warp = threadIdx.x / 32, n0 = warp % (BN / WN) * WN, m0 = warp / (BN / WN) * WM;
#if HALF
#pragma unroll
    for (int k = 0; k < BK; k += 16) {
      unsigned w[M_TILES][4], x[N_TILES][2];
#pragma unroll
      for (int i = 0; i < M_TILES; ++i) load_matrices(w[i], ws + (m0 + i * 16 + (lane & 15)) * W_PITCH + k + (lane >> 4) * 8);
#pragma unroll
      for (int j = 0; j < N_TILES; ++j) load_matrices_transposed(x[j], xs + (k + (lane & 15)) * x_pitch + n0 + j * 8);
#pragma unroll
      for (int i = 0; i < M_TILES; ++i)
#pragma unroll
        for (int j = 0; j < N_TILES; ++j) multiply_f16(c[i][j], w[i], x[j]);
    }
#else
    const int g = lane >> 2, t = lane & 3;
#pragma unroll
    for (int k = 0; k < BK; k += 8) {
      float w[M_TILES][4], x[N_TILES][2];
#pragma unroll
      for (int i = 0; i < M_TILES; ++i) { const float* p = ws + (m0 + i * 16 + g) * W_PITCH + k + t; w[i][0] = p[0]; w[i][1] = p[8 * W_PITCH]; w[i][2] = p[4]; w[i][3] = p[8 * W_PITCH + 4]; }
#pragma unroll
      for (int j = 0; j < N_TILES; ++j) { const float* p = xs + (k + t) * x_pitch + n0 + j * 8 + g; x[j][0] = to_tf32(p[0]); x[j][1] = to_tf32(p[4 * x_pitch]); }
#pragma unroll
      for (int i = 0; i < M_TILES; ++i)
#pragma unroll
        for (int j = 0; j < N_TILES; ++j) multiply_tf32(c[i][j], w[i], x[j]);
    }
#endif
  }
  // Into shared memory [BM][C_PITCH].
  METHOD void spill(float* to) const {
    const int lane = threadIdx.x % 32, warp = threadIdx.x / 32, n0 = warp % (BN / WN) * WN, m0 = warp / (BN / WN) * WM, g = lane >> 2, t = lane & 3;
#pragma unroll
    for (int i = 0; i < M_TILES; ++i)
#pragma unroll
      for (int j = 0; j < N_TILES; ++j) {
        float* p = to + (m0 + i * 16 + g) * C_PITCH + n0 + j * 8 + 2 * t; const Float2 upper = {c[i][j][0], c[i][j][1]}, lower = {c[i][j][2], c[i][j][3]};
        *(Float2*)p = upper; *(Float2*)(p + 8 * C_PITCH) = lower;
      }
  }
};
