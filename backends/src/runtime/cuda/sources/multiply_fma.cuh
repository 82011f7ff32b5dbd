// A tile's products with plain multiply-adds: a block makes C[BM][BN], a thread TM x TN of it, and KSPLIT groups of threads share the depth.
// Weights lie [depth][rows]. A stage holds W[BK][BM] and X[BK][BN].

constexpr int GROUP = (BM / TM) * (BN / TN), W_PITCH = BM, X_PITCH = BN, C_PITCH = BN, PARTS = KSPLIT;
constexpr int W_STAGE = BK * W_PITCH;
constexpr int M_VECTORS = TM <= 4 ? 1 : TM / 4, N_VECTORS = TN / 4, M_STEP = TM <= 4 ? TM : 4;
static_assert(THREADS == GROUP * KSPLIT && BK % KSPLIT == 0 && (TM == 2 || TM % 4 == 0) && TN % 4 == 0 && BM % 4 == 0, "tile");

// Row of the tile that a thread's i-th row is, and column of its v-th vector.
DEVICE int tile_row(int thread, int i) { const int tm = thread % GROUP / (BN / TN); return TM <= 4 ? tm * TM + i : i / 4 * (BM / M_VECTORS) + tm * 4 + i % 4; }
DEVICE int tile_column(int thread, int v) { return v * (BN / N_VECTORS) + thread % GROUP % (BN / TN) * 4; }

// W is the first weight of the block's rows.
DEVICE void load_weights(const Arguments& a, const Element* W, Element* to, int chunk) {
  for (int e = threadIdx.x; e < BK * (BM / 4); e += THREADS) {
    const int k = e / (BM / 4), m = e % (BM / 4) * 4;
    copy4_async(to + k * W_PITCH + m, W + (size_t)(chunk * BK + k) * W_ROW + m, true);
  }
}

struct Products {
  float c[TM][TN];
  METHOD Products() {
#pragma unroll
    for (int i = 0; i < TM; ++i)
#pragma unroll
      for (int j = 0; j < TN; ++j) c[i][j] = 0.f;
  }
  METHOD void add(const Element* ws, const Element* xs, int x_pitch) {
    const int thread = threadIdx.x, part = thread / GROUP, tm = thread % GROUP / (BN / TN);
#pragma unroll
    for (int step = 0; step < BK / KSPLIT; ++step) {
      const int k = step * KSPLIT + part; float x[TN], w[TM];
#pragma unroll
      for (int v = 0; v < M_VECTORS; ++v) {
        const Element* p = ws + k * W_PITCH + v * (BM / M_VECTORS) + tm * M_STEP;
        if constexpr (TM == 2) { const Float2 q = *(const Float2*)p; w[0] = q.x; w[1] = q.y; }
        else { const Float4 q = load4(p); w[4 * v] = q.x; w[4 * v + 1] = q.y; w[4 * v + 2] = q.z; w[4 * v + 3] = q.w; }
      }
#pragma unroll
      for (int v = 0; v < N_VECTORS; ++v) { const Float4 q = load4(xs + k * x_pitch + tile_column(thread, v)); x[4 * v] = q.x; x[4 * v + 1] = q.y; x[4 * v + 2] = q.z; x[4 * v + 3] = q.w; }
#pragma unroll
      for (int i = 0; i < TM; ++i)
#pragma unroll
        for (int j = 0; j < TN; ++j) c[i][j] += w[i] * x[j];
    }
  }
  // Into shared memory [PARTS][BM][C_PITCH].
  METHOD void spill(float* to) const {
    const int thread = threadIdx.x, part = thread / GROUP;
#pragma unroll
    for (int i = 0; i < TM; ++i)
#pragma unroll
      for (int v = 0; v < N_VECTORS; ++v) { const Float4 q = {c[i][4 * v], c[i][4 * v + 1], c[i][4 * v + 2], c[i][4 * v + 3]}; store4(to + (part * BM + tile_row(thread, i)) * C_PITCH + tile_column(thread, v), q); }
  }
};
