// Maximum or mean over a window, one value a thread. Padding never wins, and counts as zeros in a mean as far as it is said to.

KERNEL(pool) {
  let_next_start();
  const int channel = blockIdx.y, i = blockIdx.x * THREADS + threadIdx.x, image = i / (OUT_H * OUT_W), y = i % (OUT_H * OUT_W) / OUT_W, x = i % OUT_W;
  const size_t from = a.table[channel], to = a.table[OUTPUT_LIST + channel];
  await_previous();
  if (image >= IMAGES) return;
  const Element* plane = a.x + from + (size_t)image * IN_H * IN_W;
  float v = MAXIMUM ? -bits_to_float(0x7f800000u) : 0.f;
  int rows = 0, columns = 0;
  for (int k = 0; k < KERNEL_W; ++k) {
    const int ix = x * STRIDE_W - PAD_W + k * DILATION_W;
    columns += ix >= -COUNTED_LEFT && ix < IN_W + COUNTED_RIGHT;
  }
  for (int r = 0; r < KERNEL_H; ++r) {
    const int iy = y * STRIDE_H - PAD_H + r * DILATION_H;
    rows += iy >= -COUNTED_TOP && iy < IN_H + COUNTED_BOTTOM;
    if (iy < 0 || iy >= IN_H) continue;
    for (int k = 0; k < KERNEL_W; ++k) {
      const int ix = x * STRIDE_W - PAD_W + k * DILATION_W;
      if (ix < 0 || ix >= IN_W) continue;
      const float e = to_float(plane[iy * IN_W + ix]);
      v = MAXIMUM ? larger(v, e) : v + e;
    }
  }
  if (!MAXIMUM) v /= (float)(rows * columns);
  store(a.y + to + i, ACTIVATED(ACTIVATION, v));
}
