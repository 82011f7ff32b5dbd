// Depthwise convolution with any window, and any number of outputs per channel: a thread makes STRIP rows of one column. Filters are 32-bit values,
// [out][taps].

KERNEL(depthwise) {
  let_next_start();
  constexpr int TAPS = KERNEL_H * KERNEL_W, ROWS_IN = (STRIP - 1) * STRIDE_H + (KERNEL_H - 1) * DILATION_H + 1;
  const int channel = blockIdx.y, strips = (OUT_H + STRIP - 1) / STRIP, each = strips * OUT_W, i = blockIdx.x * THREADS + threadIdx.x;
  const int image = i / each, y0 = i % each / OUT_W * STRIP, x = i % OUT_W;
  const float* filter = floats_at(a, 0) + channel * TAPS;
  float w[TAPS], sums[STRIP];
#pragma unroll
  for (int k = 0; k < TAPS; ++k) w[k] = filter[k];
  const float bias = floats_at(a, BIAS_AT)[channel];
  const size_t from = a.table[channel / OUTPUTS_EACH], to = a.table[OUTPUT_LIST + channel], second = RESIDUAL ? a.table[SECOND_LIST + channel] : 0;
  await_previous();
  if (image >= IMAGES) return;
  const Element* plane = a.x + from + (size_t)image * IN_H * IN_W;
#pragma unroll
  for (int r = 0; r < STRIP; ++r) sums[r] = bias;
#pragma unroll
  for (int row = 0; row < ROWS_IN; ++row) {
    bool used = false;                                           // known when compiled
#pragma unroll
    for (int r = 0; r < STRIP; ++r) { const int d = row - r * STRIDE_H; used |= d >= 0 && d % DILATION_H == 0 && d / DILATION_H < KERNEL_H; }
    if (!used) continue;
    const int iy = y0 * STRIDE_H - PAD_H + row; const bool inside = iy >= 0 && iy < IN_H; float v[KERNEL_W];
#pragma unroll
    for (int k = 0; k < KERNEL_W; ++k) {
      const int ix = x * STRIDE_W - PAD_W + k * DILATION_W;
      v[k] = inside && ix >= 0 && ix < IN_W ? to_float(plane[iy * IN_W + ix]) : 0.f;
    }
#pragma unroll
    for (int r = 0; r < STRIP; ++r) {
      const int d = row - r * STRIDE_H;
      if (d >= 0 && d % DILATION_H == 0 && d / DILATION_H < KERNEL_H) {
#pragma unroll
        for (int k = 0; k < KERNEL_W; ++k) sums[r] += w[d / DILATION_H * KERNEL_W + k] * v[k];
      }
    }
  }
#pragma unroll
  for (int r = 0; r < STRIP; ++r) if (y0 + r < OUT_H) {
    const size_t at = (size_t)image * OUT_H * OUT_W + (y0 + r) * OUT_W + x; float s = sums[r];
    if (RESIDUAL) s += to_float(a.second[second + at]);
    store(a.y + to + at, ACTIVATED(ACTIVATION, s));
  }
}
