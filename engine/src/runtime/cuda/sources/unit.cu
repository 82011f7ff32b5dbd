// Pointwise, depthwise, pointwise in one kernel: a cluster of CLUSTER blocks owns TILE_H output rows of one image. Each block computes its share of the
// middle channels, first pointwise and depthwise; the depthwise results go to all blocks through distributed shared memory; then each block computes
// its share of the output channels. CLUSTER = 1 is the form for cards without clusters. All sizes are known when compiled.

// Row length at which SPLIT neighbouring lanes on as many rows read different banks.
BOTH_SIDES constexpr int pitch(int n, int split) {
  for (int l = round_up(n, 4);; l += 4) {
    const int r = l % 32;
    if (split == 1 || (split == 2 && r == 16) || (split == 4 && (r == 8 || r == 24)) || (split >= 8 && r % 8 == 4)) return l;
  }
}
constexpr int MIDDLE_EACH = (MIDDLE + CLUSTER - 1) / CLUSTER, OUTPUTS_EACH = (OUTPUTS + CLUSTER - 1) / CLUSTER;
constexpr int W1_ROW = round_up(MIDDLE_EACH, TM1), W2_ROW = round_up(OUTPUTS_EACH, TM2), DEPTH1 = round_up(INPUTS, SPLIT1), DEPTH2 = round_up(MIDDLE, SPLIT2);
constexpr int TAPS = KERNEL_H * KERNEL_W, ROWS_IN = STRIDE_H * (TILE_H - 1) + (KERNEL_H - 1) * DILATION_H + 1, PIXELS_IN = ROWS_IN * IN_W, PIXELS_OUT = TILE_H * OUT_W;
constexpr int X_PIXELS = round_up(PIXELS_IN + 3, 4), D_PIXELS = round_up(PIXELS_OUT, 4), X_PITCH = pitch(X_PIXELS, SPLIT1), D_PITCH = pitch(D_PIXELS, SPLIT2);
constexpr int T_WIDTH = greater((OUT_W - 1) * STRIDE_W + (KERNEL_W - 1) * DILATION_W + 1, IN_W + PAD_W);
// One block's weights and biases, in words.
constexpr int AT_W2 = DEPTH1 * W1_ROW, AT_FILTERS = AT_W2 + DEPTH2 * W2_ROW, AT_BIAS1 = AT_FILTERS + MIDDLE_EACH * TAPS, AT_BIAS_D = AT_BIAS1 + MIDDLE_EACH, AT_BIAS2 = AT_BIAS_D + MIDDLE_EACH;
constexpr int WORDS = round_up(AT_BIAS2 + OUTPUTS_EACH, 4);
// Shared memory behind them, in words: offsets of the inputs, outputs, second operand; X; first pointwise's result; depthwise's result; a barrier.
constexpr int AT_OUT = INPUTS, AT_SECOND = AT_OUT + OUTPUTS_EACH, AT_X = round_up(AT_SECOND + (RESIDUAL ? OUTPUTS_EACH : 0), 4), AT_T = AT_X + DEPTH1 * X_PITCH;
constexpr int AT_D = AT_T + round_up(MIDDLE_EACH * ROWS_IN * T_WIDTH, 4), AT_BARRIER = AT_D + DEPTH2 * D_PITCH;

// Lanes that share a tile's depth: each keeps a part of the sums.
template <int COUNT, int LANES> struct Scatter {
  static METHOD void sum(float* v, int lane) {
    const bool upper = lane & LANES;
#pragma unroll
    for (int i = 0; i < COUNT / 2; ++i) { const float keep = upper ? v[i + COUNT / 2] : v[i], send = upper ? v[i] : v[i + COUNT / 2]; v[i] = keep + shuffle_xor(send, LANES); }
    Scatter<COUNT / 2, LANES / 2>::sum(v, lane);
  }
};
template <int COUNT> struct Scatter<COUNT, 0> { static METHOD void sum(float*, int) {} };

// C[m][n] = sum over k of W[k][m] X[k][n], m < M_TILES * TM, n < N_TILES * 4, in shared memory; SPLIT neighbouring lanes share a tile; `emit(m, n, value)`.
template <int TM, int SPLIT, int DEPTH, int M_TILES, int N_TILES, int W_ROW, int PITCH, class F> DEVICE void multiply(const float* W, const float* X, F emit) {
  constexpr int ITEMS = M_TILES * N_TILES * SPLIT, KEPT = TM * 4 / SPLIT; static_assert(KEPT >= 1 && DEPTH % SPLIT == 0 && THREADS % 32 == 0 && TM % 4 == 0, "multiply");
  const int thread = threadIdx.x;
  for (int base = 0; base < ITEMS; base += THREADS) {
    if (base + (thread & ~31) >= ITEMS) break;                   // whole warps only
    int item = base + thread; const bool mine = item < ITEMS; if (!mine) item = thread % SPLIT;
    const int part = item % SPLIT, n = item / SPLIT % N_TILES, m = item / SPLIT / N_TILES; float c[TM * 4];
#pragma unroll
    for (int i = 0; i < TM * 4; ++i) c[i] = 0.f;
    const float* w = W + part * W_ROW + m * TM; const float* x = X + part * PITCH + n * 4;
#pragma unroll 8
    for (int k = 0; k < DEPTH / SPLIT; ++k) {
      const Float4 v = load4(x);
#pragma unroll
      for (int i = 0; i < TM; i += 4) {
        const Float4 f = load4(w + i); const float row[4] = {f.x, f.y, f.z, f.w};
#pragma unroll
        for (int j = 0; j < 4; ++j) { float* t = c + (i + j) * 4; t[0] += row[j] * v.x; t[1] += row[j] * v.y; t[2] += row[j] * v.z; t[3] += row[j] * v.w; }
      }
      w += SPLIT * W_ROW; x += SPLIT * PITCH;
    }
    Scatter<TM * 4, SPLIT / 2>::sum(c, thread);
    if (mine)
#pragma unroll
      for (int i = 0; i < KEPT; ++i) { const int e = part * KEPT + i; emit(m * TM + e / 4, n * 4 + e % 4, c[i]); }
  }
}

KERNEL(unit) {
  SHARED(memory);
  let_next_start();
  const int thread = threadIdx.x, rank = blockIdx.x % CLUSTER, tile = blockIdx.x / CLUSTER, image = blockIdx.y;
  float* w = (float*)memory; int* inputs = (int*)(w + WORDS); const int* outputs = inputs + AT_OUT; const int* seconds = inputs + AT_SECOND;
  float* x = (float*)(inputs + AT_X); float* t = (float*)(inputs + AT_T); float* d = (float*)(inputs + AT_D);
#if ASYNC_EXCHANGE
  void* barrier = inputs + AT_BARRIER;
  if (thread == 0) { transfer_init(barrier); transfer_expect(barrier, 4 * PIXELS_OUT * MIDDLE); }
#endif
#if CLUSTER > 1
  cluster_arrive_relaxed();
#endif
  // Weights and lists depend on no other kernel.
  const float* from = floats_at(a, 0) + (size_t)rank * WORDS;
  for (int e = thread; e < WORDS / 4; e += THREADS) copy_async<16>(w + 4 * e, from + 4 * e, true);
  copy_commit();
  for (int e = thread; e < INPUTS; e += THREADS) inputs[e] = (int)a.table[e];
  for (int e = thread; e < OUTPUTS_EACH; e += THREADS) if (rank * OUTPUTS_EACH + e < OUTPUTS) {
    inputs[AT_OUT + e] = (int)a.table[INPUTS + rank * OUTPUTS_EACH + e];
    if constexpr (RESIDUAL) inputs[AT_SECOND + e] = (int)a.table[INPUTS + OUTPUTS + rank * OUTPUTS_EACH + e];
  }
  // What only rounds up the depths, and what lies left and right of the image.
  for (int e = thread; e < (DEPTH1 - INPUTS) * X_PITCH; e += THREADS) x[INPUTS * X_PITCH + e] = 0.f;
  for (int e = thread; e < (DEPTH2 - MIDDLE) * D_PITCH; e += THREADS) d[MIDDLE * D_PITCH + e] = 0.f;
  for (int e = thread; e < MIDDLE_EACH * ROWS_IN * (T_WIDTH - IN_W); e += THREADS) {
    const int row = e / (T_WIDTH - IN_W), column = e % (T_WIDTH - IN_W); t[row * T_WIDTH + (column < PAD_W ? column : column + IN_W)] = 0.f;
  }
  copy_wait<0>();
  sync_block();
  await_previous();
  // The input rows, from an address that is a multiple of four elements.
  const int row0 = tile * TILE_H * STRIDE_H - PAD_H, begin = (image * IN_H + row0) * IN_W, aligned = begin & ~3, shift = begin - aligned, all = IMAGES * IN_H * IN_W;
  for (int e = thread; e < INPUTS * (X_PIXELS / 4); e += THREADS) {
    const int c = e / (X_PIXELS / 4), q = e % (X_PIXELS / 4) * 4, p = aligned + q; const bool here = p >= 0 && p < all; float* to = x + c * X_PITCH + q;
    const Element* plane = a.x + (size_t)(unsigned)inputs[c];
#if HALF
    Float4 v = {0.f, 0.f, 0.f, 0.f};
    if (here) v = load4(plane + p);
    store4(to, v);
#else
    copy_async<16>(to, here ? plane + p : a.x, here);
#endif
  }
  copy_commit();
  copy_wait<0>();
  sync_block();
  multiply<TM1, SPLIT1, DEPTH1, W1_ROW / TM1, X_PIXELS / 4, W1_ROW, X_PITCH>(w, x, [&](int m, int p, float v) {
    const int q = p - shift;
    if (m < MIDDLE_EACH && q >= 0 && q < PIXELS_IN) {
      const int r = q / IN_W, column = q % IN_W, row = row0 + r;
      t[(m * ROWS_IN + r) * T_WIDTH + column + PAD_W] = row >= 0 && row < IN_H ? activate<FIRST_ACTIVATION>(v + w[AT_BIAS1 + m]) : 0.f;
    }
  });
#if CLUSTER > 1
  cluster_wait();                                                // all blocks run: they may be written to
#endif
  sync_block();
  for (int e = thread; e < MIDDLE_EACH * PIXELS_OUT; e += THREADS) {
    const int m = e / PIXELS_OUT, q = e % PIXELS_OUT, y = q / OUT_W, column = q % OUT_W, c = rank * MIDDLE_EACH + m;
    if (c < MIDDLE) {
      float s = w[AT_BIAS_D + m]; const float* filter = w + AT_FILTERS + m * TAPS; const float* window = t + (m * ROWS_IN + y * STRIDE_H) * T_WIDTH + column * STRIDE_W;
#pragma unroll
      for (int k = 0; k < TAPS; ++k) s += filter[k] * window[k / KERNEL_W * DILATION_H * T_WIDTH + k % KERNEL_W * DILATION_W];
      s = activate<MIDDLE_ACTIVATION>(s); float* to = d + c * D_PITCH + q;
#if CLUSTER == 1
      *to = s;
#else
#pragma unroll
      for (int r = 0; r < CLUSTER; ++r)
#if ASYNC_EXCHANGE
        store_peer_async(to, barrier, r, s);
#else
        store_peer(to, r, s);
#endif
#endif
    }
  }
#if CLUSTER == 1
  sync_block();
#elif ASYNC_EXCHANGE
  transfer_wait(barrier);
#else
  cluster_arrive(); cluster_wait();
#endif
  const int out0 = tile * PIXELS_OUT, here = OUT_H * OUT_W - out0 < PIXELS_OUT ? OUT_H * OUT_W - out0 : PIXELS_OUT; const size_t at = (size_t)image * OUT_H * OUT_W + out0;
  multiply<TM2, SPLIT2, DEPTH2, W2_ROW / TM2, D_PIXELS / 4, W2_ROW, D_PITCH>(w + AT_W2, d, [&](int m, int p, float v) {
    if (m < OUTPUTS_EACH && rank * OUTPUTS_EACH + m < OUTPUTS && p < here) {
      v += w[AT_BIAS2 + m];
      if constexpr (RESIDUAL) v += to_float(a.second[(size_t)(unsigned)seconds[m] + at + p]);
      store(a.y + (size_t)(unsigned)outputs[m] + at + p, activate<ACTIVATION>(v));
    }
  });
}
