// Pointwise, depthwise, pointwise in one kernel: a cluster of CLUSTER blocks owns TILE_H output rows of one image. Each block computes its share of the
// middle channels, first pointwise and depthwise; the depthwise results go to all blocks through distributed shared memory; then each block computes
// its share of the output channels. CLUSTER = 1 is the form for cards without clusters: one block has all channels. Where the weights of a block are
// more than its memory holds, bands of BAND1 and BAND2 rows follow each other through two buffers, copied while the band before is multiplied. All
// sizes are known when compiled.

#define TRANSACTIONS (ASYNC_EXCHANGE && HAS_STORE_ASYNC)
constexpr int MIDDLE_EACH = (MIDDLE + CLUSTER - 1) / CLUSTER, OUTPUTS_EACH = (OUTPUTS + CLUSTER - 1) / CLUSTER;
constexpr int TAPS = KERNEL_H * KERNEL_W, ROWS_IN = STRIDE_H * (TILE_H - 1) + (KERNEL_H - 1) * DILATION_H + 1, PIXELS_IN = ROWS_IN * IN_W, PIXELS_OUT = TILE_H * OUT_W;
constexpr int T_WIDTH = greater((OUT_W - 1) * STRIDE_W + (KERNEL_W - 1) * DILATION_W + 1, IN_W + PAD_W);
#if TENSOR
// Weights lie [rows][depth], as multiply_tensor.cuh has them; an eighth of the columns is a warp's.
constexpr int MULTIPLE = HALF ? 16 : 8, COLUMNS_MULTIPLE = 8;
BOTH_SIDES constexpr int pitch(int n, int) { return HALF ? (n / 8 % 2 ? n : n + 8) : (n % 32 == 8 || n % 32 == 24 ? n : n + 8); }
constexpr int DEPTH1 = round_up(INPUTS, MULTIPLE), DEPTH2 = round_up(MIDDLE, MULTIPLE);
constexpr int W1_PITCH = DEPTH1 + 16 / (int)sizeof(Element), W2_PITCH = DEPTH2 + 16 / (int)sizeof(Element), W1_SIZE = BAND1 * W1_PITCH, W2_SIZE = BAND2 * W2_PITCH;
#else
// Weights lie [depth][rows]; SPLIT neighbouring lanes share a depth, and read as many rows: the pitch keeps them on different banks.
constexpr int COLUMNS_MULTIPLE = 4;
BOTH_SIDES constexpr int pitch(int n, int split) {
  for (int l = n;; l += 4) {
    const int r = l % 32;
    if (split == 1 || (split == 2 && r == 16) || (split == 4 && (r == 8 || r == 24)) || (split >= 8 && r % 8 == 4)) return l;
  }
}
constexpr int TM = 4, DEPTH1 = round_up(INPUTS, SPLIT1), DEPTH2 = round_up(MIDDLE, SPLIT2), W1_PITCH = BAND1, W2_PITCH = BAND2;
constexpr int W1_SIZE = DEPTH1 * BAND1, W2_SIZE = DEPTH2 * BAND2;
#endif
constexpr int X_PIXELS = round_up(PIXELS_IN + 3, COLUMNS_MULTIPLE), D_PIXELS = round_up(PIXELS_OUT, COLUMNS_MULTIPLE), X_PITCH = pitch(X_PIXELS, SPLIT1), D_PITCH = pitch(D_PIXELS, SPLIT2);
// One block's part of the weights, in bytes: words (filters, biases), then the bands of both matrices.
constexpr int SIZE = (int)sizeof(Element), BANDS1 = (MIDDLE_EACH + BAND1 - 1) / BAND1, BANDS2 = (OUTPUTS_EACH + BAND2 - 1) / BAND2;
constexpr bool STREAMED = BANDS1 + BANDS2 > 2;
constexpr int AT_BIAS1 = MIDDLE_EACH * TAPS, AT_BIAS_D = AT_BIAS1 + MIDDLE_EACH, AT_BIAS2 = AT_BIAS_D + MIDDLE_EACH;      // in words
constexpr int AT_BANDS = 4 * round_up(AT_BIAS2 + OUTPUTS_EACH, 4), AT_BANDS2 = AT_BANDS + BANDS1 * W1_SIZE * SIZE, BYTES = AT_BANDS2 + BANDS2 * W2_SIZE * SIZE;
// Shared memory, in bytes: the words; two buffers, which bands take in turns; offsets of inputs, outputs, second operand; X; first pointwise's result;
// depthwise's result; a barrier.
constexpr int EVEN_SIZE = STREAMED ? greater(W1_SIZE, W2_SIZE) : W1_SIZE, ODD_SIZE = STREAMED ? EVEN_SIZE : W2_SIZE;     // in elements
constexpr int AT_ODD = AT_BANDS + EVEN_SIZE * SIZE, AT_LISTS = AT_ODD + ODD_SIZE * SIZE;
constexpr int AT_OUT = INPUTS, AT_SECOND = AT_OUT + OUTPUTS_EACH;                                                        // in words, of the offsets
constexpr int AT_X = AT_LISTS + 4 * round_up(AT_SECOND + (RESIDUAL ? OUTPUTS_EACH : 0), 4), AT_T = AT_X + DEPTH1 * X_PITCH * SIZE;
constexpr int AT_D = AT_T + 4 * round_up(MIDDLE_EACH * ROWS_IN * T_WIDTH, 4), AT_BARRIER = AT_D + DEPTH2 * D_PITCH * SIZE;
// Results of the depthwise convolution travel as words: two halves, or one value.
constexpr int EACH = HALF ? 2 : 1, SENT = (PIXELS_OUT + EACH - 1) / EACH;

#if TENSOR
// C[m][n] = sum over k of W[m][k] X[k][n] in shared memory, on tensor cores; `emit(m, n, value)`.
template <int SPLIT, int DEPTH, int ROWS, int N_TILES, int WEIGHTS_PITCH, int PITCH, class F> DEVICE void multiply(const Element* W, const Element* X, F emit) {
  const int lane = threadIdx.x % 32, g = lane >> 2, t = lane & 3;
  for (int tile = threadIdx.x / 32; tile < ROWS / 16 * N_TILES; tile += THREADS / 32) {
    const int m = tile / N_TILES * 16, n = tile % N_TILES * 8; float c[4] = {0.f, 0.f, 0.f, 0.f};
#pragma unroll 4
    for (int k = 0; k < DEPTH; k += MULTIPLE) {
#if HALF
      unsigned w[4], x[2];
      load_matrices(w, W + (m + (lane & 15)) * WEIGHTS_PITCH + k + (lane >> 4) * 8);
      load_matrices_transposed(x, X + (k + (lane & 15)) * PITCH + n);
      multiply_f16(c, w, x);
#else
      const float* p = W + (m + g) * WEIGHTS_PITCH + k + t; const float* q = X + (k + t) * PITCH + n + g;
      const float w[4] = {p[0], p[8 * WEIGHTS_PITCH], p[4], p[8 * WEIGHTS_PITCH + 4]}, x[2] = {to_tf32(q[0]), to_tf32(q[4 * PITCH])};
      multiply_tf32(c, w, x);
#endif
    }
#pragma unroll
    for (int i = 0; i < 4; ++i) emit(m + g + i / 2 * 8, n + 2 * t + i % 2, c[i]);
  }
}
#else
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

// C[m][n] = sum over k of W[k][m] X[k][n] in shared memory; SPLIT neighbouring lanes share a tile of 4 x 4; `emit(m, n, value)`.
template <int SPLIT, int DEPTH, int ROWS, int N_TILES, int WEIGHTS_PITCH, int PITCH, class F> DEVICE void multiply(const float* W, const float* X, F emit) {
  constexpr int ITEMS = ROWS / TM * N_TILES * SPLIT, KEPT = TM * 4 / SPLIT; static_assert(KEPT >= 1 && DEPTH % SPLIT == 0 && THREADS % 32 == 0, "multiply");
  const int thread = threadIdx.x;
  for (int base = 0; base < ITEMS; base += THREADS) {
    if (base + (thread & ~31) >= ITEMS) break;                   // whole warps only
    int item = base + thread; const bool mine = item < ITEMS; if (!mine) item = thread % SPLIT;
    const int part = item % SPLIT, n = item / SPLIT % N_TILES, m = item / SPLIT / N_TILES; float c[TM * 4];
#pragma unroll
    for (int i = 0; i < TM * 4; ++i) c[i] = 0.f;
    const float* w = W + part * WEIGHTS_PITCH + m * TM; const float* x = X + part * PITCH + n * 4;
#pragma unroll 8
    for (int k = 0; k < DEPTH / SPLIT; ++k) {
      const Float4 v = load4(x);
const Float4 f = load4(w); const float row[4] = {f.x, f.y, f.z, f.w};
#pragma unroll
      for (int j = 0; j < TM; ++j) { float* t = c + j * 4; t[0] += row[j] * v.x; t[1] += row[j] * v.y; t[2] += row[j] * v.z; t[3] += row[j] * v.w; }
      w += SPLIT * WEIGHTS_PITCH; x += SPLIT * PITCH;
    }
    Scatter<TM * 4, SPLIT / 2>::sum(c, thread);
    if (mine)
#pragma unroll
      for (int i = 0; i < KEPT; ++i) { const int e = part * KEPT + i; emit(m * TM + e / 4, n * 4 + e % 4, c[i]); }
  }
}
#endif

// The buffer of band `band`: those of the second matrix follow those of the first.
DEVICE unsigned char* band_at(unsigned char* memory, int band) { return memory + (band % 2 ? AT_ODD : AT_BANDS); }
DEVICE void load_band(unsigned char* memory, const unsigned char* weights, int band) {
  const bool first = band < BANDS1; const int size = (first ? W1_SIZE : W2_SIZE) * SIZE;
  const unsigned char* from = weights + (first ? AT_BANDS + band * size : AT_BANDS2 + (band - BANDS1) * size); unsigned char* to = band_at(memory, band);
  if (band < BANDS1 + BANDS2) for (int e = threadIdx.x; e < size / 16; e += THREADS) copy_async<16>(to + 16 * e, from + 16 * e, true);
}
// Calls `product(band)` for each band, once it is there; the one after the next takes its place. The first two are there already.
template <class F> DEVICE void for_bands(int begin, int end, unsigned char* memory, const unsigned char* weights, F product) {
  for (int band = begin; band < end; ++band) {
    if (band > 1) { copy_wait<1>(); sync_block(); }
    product(band);
    if (STREAMED) { sync_block(); load_band(memory, weights, band + 2); copy_commit(); }
  }
}

KERNEL(unit) {
  SHARED(memory);
  let_next_start();
  const int thread = threadIdx.x, rank = blockIdx.x % CLUSTER, tile = blockIdx.x / CLUSTER, image = blockIdx.y;
  const float* words = (const float*)memory; const unsigned char* weights = a.w + (size_t)rank * BYTES;
  int* inputs = (int*)(memory + AT_LISTS); const int* outputs = inputs + AT_OUT; const int* seconds = inputs + AT_SECOND;
  Element* x = (Element*)(memory + AT_X); float* t = (float*)(memory + AT_T); Element* d = (Element*)(memory + AT_D);
#if TRANSACTIONS
  void* barrier = memory + AT_BARRIER;
  if (thread == 0) { transfer_init(barrier); transfer_expect(barrier, 4 * SENT * MIDDLE); }
#endif
#if CLUSTER > 1
  cluster_arrive_relaxed();
#endif
  // Weights and lists depend on no other kernel.
  for (int e = thread; e < AT_BANDS / 16; e += THREADS) copy_async<16>(memory + 16 * e, weights + 16 * e, true);
  load_band(memory, weights, 0);
  load_band(memory, weights, 1);
  copy_commit();
  for (int e = thread; e < INPUTS; e += THREADS) inputs[e] = (int)a.table[e];
  for (int e = thread; e < OUTPUTS_EACH; e += THREADS) if (rank * OUTPUTS_EACH + e < OUTPUTS) {
    inputs[AT_OUT + e] = (int)a.table[INPUTS + rank * OUTPUTS_EACH + e];
    if (RESIDUAL) inputs[AT_SECOND + e] = (int)a.table[INPUTS + OUTPUTS + rank * OUTPUTS_EACH + e];
  }
  // What only rounds up the depths, and what lies left and right of the image.
  for (int e = thread; e < (DEPTH1 - INPUTS) * X_PITCH; e += THREADS) store(x + INPUTS * X_PITCH + e, 0.f);
  for (int e = thread; e < (DEPTH2 - MIDDLE) * D_PITCH; e += THREADS) store(d + MIDDLE * D_PITCH + e, 0.f);
  for (int e = thread; e < MIDDLE_EACH * ROWS_IN * (T_WIDTH - IN_W); e += THREADS) {
    const int row = e / (T_WIDTH - IN_W), column = e % (T_WIDTH - IN_W); t[row * T_WIDTH + (column < PAD_W ? column : column + IN_W)] = 0.f;
  }
  copy_wait<0>();
  sync_block();
  await_previous();
  // The input rows, from an address that is a multiple of four elements.
  const int row0 = tile * TILE_H * STRIDE_H - PAD_H, begin = (image * IN_H + row0) * IN_W, aligned = begin & ~3, shift = begin - aligned, all = IMAGES * IN_H * IN_W;
  for (int e = thread; e < INPUTS * (X_PIXELS / 4); e += THREADS) {
    const int c = e / (X_PIXELS / 4), q = e % (X_PIXELS / 4) * 4, p = aligned + q; const bool here = p >= 0 && p < all;
    copy4_async(x + c * X_PITCH + q, here ? a.x + (size_t)(unsigned)inputs[c] + p : a.x, here);
  }
  copy_commit();
  copy_wait<0>();
  sync_block();
  for_bands(0, BANDS1, memory, weights, [&](int band) {
    const int top = band * BAND1;
    multiply<SPLIT1, DEPTH1, BAND1, X_PIXELS / COLUMNS_MULTIPLE, W1_PITCH, X_PITCH>((const Element*)band_at(memory, band), x, [&](int row_of_band, int p, float v) {
      const int m = top + row_of_band, q = p - shift;
      if (m < MIDDLE_EACH && q >= 0 && q < PIXELS_IN) {
        const int r = q / IN_W, column = q % IN_W, row = row0 + r;
        t[(m * ROWS_IN + r) * T_WIDTH + column + PAD_W] = row >= 0 && row < IN_H ? ACTIVATED(FIRST_ACTIVATION, v + words[AT_BIAS1 + m]) : 0.f;
      }
    });
  });
#if CLUSTER > 1
  cluster_wait();                                                // all blocks run: they may be written to
#endif
  sync_block();
  for (int e = thread; e < MIDDLE_EACH * SENT; e += THREADS) {
    const int m = e / SENT, q = e % SENT * EACH, c = rank * MIDDLE_EACH + m;
    if (c < MIDDLE) {
      const float* filter = words + m * TAPS; float s[EACH];
#pragma unroll
      for (int i = 0; i < EACH; ++i) {
        const int pixel = q + i < PIXELS_OUT ? q + i : q;
        const float* window = t + (m * ROWS_IN + pixel / OUT_W * STRIDE_H) * T_WIDTH + pixel % OUT_W * STRIDE_W;
        s[i] = words[AT_BIAS_D + m];
#pragma unroll
        for (int k = 0; k < TAPS; ++k) s[i] += filter[k] * window[k / KERNEL_W * DILATION_H * T_WIDTH + k % KERNEL_W * DILATION_W];
        s[i] = ACTIVATED(MIDDLE_ACTIVATION, s[i]);
      }
#if HALF
      const float sent = bits_to_float(to_halves(s[0], s[1]));
#else
      const float sent = s[0];
#endif
      Element* to = d + c * D_PITCH + q;
#if CLUSTER == 1
      *(float*)to = sent;
#else
#pragma unroll
      for (int r = 0; r < CLUSTER; ++r)
#if TRANSACTIONS
        store_peer_async(to, barrier, r, sent);
#else
        store_peer(to, r, sent);
#endif
#endif
    }
  }
#if CLUSTER == 1
  sync_block();
#elif TRANSACTIONS
  transfer_wait(barrier);
#else
  cluster_arrive(); cluster_wait();
#endif
  const int out0 = tile * PIXELS_OUT, here = OUT_H * OUT_W - out0 < PIXELS_OUT ? OUT_H * OUT_W - out0 : PIXELS_OUT; const size_t at = (size_t)image * OUT_H * OUT_W + out0;
  for_bands(BANDS1, BANDS1 + BANDS2, memory, weights, [&](int band) {
    const int top = (band - BANDS1) * BAND2;
    multiply<SPLIT2, DEPTH2, BAND2, D_PIXELS / COLUMNS_MULTIPLE, W2_PITCH, D_PITCH>((const Element*)band_at(memory, band), d, [&](int row_of_band, int p, float v) {
      const int m = top + row_of_band;
      if (m < OUTPUTS_EACH && rank * OUTPUTS_EACH + m < OUTPUTS && p < here) {
        v += words[AT_BIAS2 + m];
        if (RESIDUAL) v += to_float(a.second[(size_t)(unsigned)seconds[m] + at + p]);
        store(a.y + (size_t)(unsigned)outputs[m] + at + p, ACTIVATED(ACTIVATION, v));
      }
    });
  });
}
