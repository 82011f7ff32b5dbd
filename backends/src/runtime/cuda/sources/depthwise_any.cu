// Depthwise convolution whose window is too large to keep in registers, or not known when compiled: a thread makes one value.

KERNEL(depthwise_any) {
  let_next_start();
  const int channel = blockIdx.y, i = blockIdx.x * THREADS + threadIdx.x, image = i / (OUT_H * OUT_W), y = i % (OUT_H * OUT_W) / OUT_W, x = i % OUT_W;
  const float* filter = floats_at(a, 0) + (size_t)channel * KERNEL_H * KERNEL_W;
  float sum = floats_at(a, BIAS_AT)[channel];
  const size_t from = a.table[channel / OUTPUTS_EACH], to = a.table[OUTPUT_LIST + channel], second = RESIDUAL ? a.table[SECOND_LIST + channel] : 0;
  await_previous();
  if (image >= IMAGES) return;
  const Element* plane = a.x + from + (size_t)image * IN_H * IN_W;
#pragma unroll 1
  for (int r = 0; r < KERNEL_H; ++r) {
    const int iy = y * STRIDE_H - PAD_H + r * DILATION_H;
    if (iy < 0 || iy >= IN_H) continue;
#pragma unroll 4
    for (int k = 0; k < KERNEL_W; ++k) {
      const int ix = x * STRIDE_W - PAD_W + k * DILATION_W;
      if (ix >= 0 && ix < IN_W) sum += filter[r * KERNEL_W + k] * to_float(plane[iy * IN_W + ix]);
    }
  }
  if (RESIDUAL) sum += to_float(a.second[second + i]);
  store(a.y + to + i, ACTIVATED(ACTIVATION, sum));
}
