// A convolution of few channels, and a max-pool after it where POOLED: a block makes TILE_H x TILE_W outputs of CHANNELS_EACH channels. Its part of the
// input lies in shared memory. Filters are 32-bit values, [channel * taps + tap][W_ROW].

constexpr int TAPS = KERNEL_H * KERNEL_W, ALL_TAPS = CHANNELS * TAPS, OC = CHANNELS_EACH;
constexpr int CONV_TILE_H = (TILE_H - 1) * POOL_STRIDE_H + (POOL_H - 1) * POOL_DILATION_H + 1, CONV_TILE_W = (TILE_W - 1) * POOL_STRIDE_W + (POOL_W - 1) * POOL_DILATION_W + 1;
constexpr int IN_TILE_H = (CONV_TILE_H - 1) * STRIDE_H + (KERNEL_H - 1) * DILATION_H + 1, IN_TILE_W = (CONV_TILE_W - 1) * STRIDE_W + (KERNEL_W - 1) * DILATION_W + 1;
constexpr int CONV_TILE = CONV_TILE_H * CONV_TILE_W, IN_TILE = IN_TILE_H * IN_TILE_W;
static_assert(OC % 4 == 0, "stem");

KERNEL(stem) {
  SHARED(memory);
  let_next_start();
  float* w = (float*)memory; float* bias = w + ALL_TAPS * OC; float* conv = bias + OC; float* in = conv + (POOLED ? OC * CONV_TILE : 0);
  const int thread = threadIdx.x, tiles_w = (OUT_W + TILE_W - 1) / TILE_W, oy0 = blockIdx.x / tiles_w * TILE_H, ox0 = blockIdx.x % tiles_w * TILE_W;
  const int channel0 = blockIdx.y * OC, image = blockIdx.z;
  for (int e = thread; e < ALL_TAPS * OC; e += THREADS) { const int o = channel0 + e % OC; w[e] = o < ROWS ? floats_at(a, 0)[e / OC * W_ROW + o] : 0.f; }
  for (int e = thread; e < OC; e += THREADS) bias[e] = channel0 + e < ROWS ? floats_at(a, BIAS_AT)[channel0 + e] : 0.f;
  const int cy0 = POOLED ? oy0 * POOL_STRIDE_H - POOL_PAD_H : oy0, cx0 = POOLED ? ox0 * POOL_STRIDE_W - POOL_PAD_W : ox0;
  const int iy0 = cy0 * STRIDE_H - PAD_H, ix0 = cx0 * STRIDE_W - PAD_W;
  await_previous();
#pragma unroll 4
  for (int e = thread; e < CHANNELS * IN_TILE; e += THREADS) {
    const int c = e / IN_TILE, q = e % IN_TILE, y = iy0 + q / IN_TILE_W, x = ix0 + q % IN_TILE_W;
    in[e] = y >= 0 && y < IN_H && x >= 0 && x < IN_W ? to_float(a.x[(size_t)a.table[c] + ((size_t)image * IN_H + y) * IN_W + x]) : 0.f;
  }
  sync_block();
  for (int i = thread; i < CONV_TILE; i += THREADS) {
    const int cy = i / CONV_TILE_W, cx = i % CONV_TILE_W; float sums[OC];
#pragma unroll
    for (int o = 0; o < OC; ++o) sums[o] = bias[o];
    const float* window = in + cy * STRIDE_H * IN_TILE_W + cx * STRIDE_W;
#pragma unroll
    for (int c = 0; c < CHANNELS; ++c)
#pragma unroll UNROLLED_TAPS
      for (int k = 0; k < TAPS; ++k) {
        const float v = window[c * IN_TILE + k / KERNEL_W * DILATION_H * IN_TILE_W + k % KERNEL_W * DILATION_W]; const float* q = w + (c * TAPS + k) * OC;
#pragma unroll
        for (int o = 0; o < OC; o += 4) { const Float4 f = load4(q + o); sums[o] += v * f.x; sums[o + 1] += v * f.y; sums[o + 2] += v * f.z; sums[o + 3] += v * f.w; }
      }
#if POOLED
    const bool here = cy0 + cy >= 0 && cy0 + cy < CONV_H && cx0 + cx >= 0 && cx0 + cx < CONV_W;
#pragma unroll
    for (int o = 0; o < OC; ++o) conv[o * CONV_TILE + i] = here ? ACTIVATED(FIRST_ACTIVATION, sums[o]) : -bits_to_float(0x7f800000u);
#else
    if (oy0 + cy < OUT_H && ox0 + cx < OUT_W)
#pragma unroll
      for (int o = 0; o < OC; ++o) if (channel0 + o < ROWS) {
        const size_t at = ((size_t)image * OUT_H + oy0 + cy) * OUT_W + ox0 + cx; float v = sums[o];
        if (RESIDUAL) v += to_float(a.second[(size_t)a.table[SECOND_LIST + channel0 + o] + at]);
        store(a.y + (size_t)a.table[OUTPUT_LIST + channel0 + o] + at, ACTIVATED(ACTIVATION, v));
      }
#endif
  }
#if POOLED
  sync_block();
  for (int e = thread; e < OC * TILE_H * TILE_W; e += THREADS) {
    const int o = e / (TILE_H * TILE_W), y = e % (TILE_H * TILE_W) / TILE_W, x = e % TILE_W;
    if (channel0 + o >= ROWS || oy0 + y >= OUT_H || ox0 + x >= OUT_W) continue;
    const float* window = conv + o * CONV_TILE + y * POOL_STRIDE_H * CONV_TILE_W + x * POOL_STRIDE_W; float v = window[0];
#pragma unroll
    for (int k = 1; k < POOL_H * POOL_W; ++k) v = larger(v, window[k / POOL_W * POOL_DILATION_H * CONV_TILE_W + k % POOL_W * POOL_DILATION_W]);
    store(a.y + (size_t)a.table[OUTPUT_LIST + channel0 + o] + ((size_t)image * OUT_H + oy0 + y) * OUT_W + ox0 + x, ACTIVATED(ACTIVATION, v));
  }
#endif
}
